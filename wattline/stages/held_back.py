"""Which watches may not fire now, by the alerts that are open in the registry."""

from analytics.inhibition import held_back
from core.alerting import AlertQuery
from core.alerts import OPEN, Target
from core.batch import Mask
from core.ports import Registry
from core.rules import Rule
from wattline.stages.state import Known

_MOST = 10_000
"""So many open alerts are looked at."""


class HeldBack:
    """Masks of the watches of readings and of silence; None where all may fire."""

    def __init__(self) -> None:
        self.readings: Mask | None = None
        self.silence: Mask | None = None
        self._open: dict[str, set[Target]] = {}
        self._of: Known | None = None

    def look(self, registry: Registry, known: Known) -> None:
        """See which alerts are open now; raises StoreError."""
        open_: dict[str, set[Target]] = {}
        if names := _holding(known.rules):
            query = AlertQuery(states=OPEN, rules=names, limit=_MOST)
            for record in registry.alerts(query):
                open_.setdefault(record.alert.rule_id, set()).add(record.alert.target)
        if open_ != self._open:
            self._open, self._of = open_, None
        self.fit(known)

    def fit(self, known: Known) -> None:
        """Go by the watches that there are now."""
        if known is not self._of:
            self.readings = held_back(known.watches, self._open, known.catalog)
            self.silence = held_back(known.silence, self._open, known.catalog)
            self._of = known


def _holding(rules: list[Rule]) -> tuple[str, ...]:
    """Rules whose alerts hold others back."""
    return tuple(sorted({id_ for rule in rules if rule.enabled for id_ in rule.inhibited_by}))
