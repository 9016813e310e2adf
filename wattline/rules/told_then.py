"""Whether people would have been told of the alerts of a preview, by what decides that in the present."""

from core.alerts import Alert, AlertRecord, AlertState, Handling, Target
from core.catalog import Catalog
from core.model import Comparator
from core.ports import Registry
from core.preview import HeldBy, Telling
from core.rules import Rule
from notify.routing import Known, told_us
from wattline.stages.alert_changes import where


class ToldThen:
    """Mute times of the rule, and the silences that there were, over the alerts of a rule.

    Routes, their quiet hours and groups are left aside, and shelves and acknowledgements, which
    people would have made.
    """

    def __init__(self, rule: Rule, registry: Registry, catalog: Catalog) -> None:
        """Raises StoreError."""
        self._rule = rule
        self._known = Known(catalog, {rule.id: rule}, registry.silences())

    def telling(self, target: Target, live_us: int | None, ended_us: int | None, to_us: int) -> Telling:
        """Of an alert that was in the present from live_us on (None: never), until it ended or to to_us."""
        if live_us is None:
            return Telling(None, HeldBy.HISTORY)
        if not self._rule.mute and not self._known.silences:
            return Telling(live_us, None)
        record = self._record(target, live_us)
        at_us, why = told_us(self._known, record, live_us, to_us if ended_us is None else ended_us)
        return Telling(at_us, None if why is None else HeldBy(why.reason))

    def _record(self, target: Target, at_us: int) -> AlertRecord:
        place_id, device_id, quantity = where(target, self._known.catalog)
        alert = Alert(
            "preview",
            self._rule.id,
            target,
            place_id,
            device_id,
            quantity,
            "",
            self._rule.severity,
            AlertState.FIRING,
            0.0,
            0.0,
            Comparator.ABOVE,
            at_us,
            at_us,
        )
        return AlertRecord(alert, Handling(), 1)
