"""When a previewed rule would have been held back, by the alerts that are recorded of the rules it names."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from analytics.inhibition import held_back
from core.alerting import AlertQuery
from core.alerts import OPEN, AlertRecord, Target
from core.batch import I32, I64, Mask
from core.catalog import Catalog
from core.ports import Registry
from core.rules import Rule

_MOST = 10_000
"""So many recorded alerts, the newest, are looked at."""

_BITS = 45
_MASK = (1 << _BITS) - 1


@dataclass(frozen=True, slots=True)
class Inhibited:
    """Of each watch the spans in which it may not fire; missing: rules named that have no alert in the span.

    begins, ends: keys of watch and time after start_us, ascending; as many of each of every watch.
    edges_us: when that changes.
    """

    start_us: int
    begins: I64
    ends: I64
    edges_us: I64
    missing: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        rule: Rule,
        targets: list[Target],
        registry: Registry,
        catalog: Catalog,
        span_us: tuple[int, int],
    ) -> Self:
        """As recorded. An alert holds back after it has fired, until it is resolved; raises StoreError."""
        start_us, end_us = span_us
        named = tuple(id_ for id_ in dict.fromkeys(rule.inhibited_by) if id_ != rule.id)
        found = _recorded(registry, named, start_us, end_us) if named else []
        begins, ends, edges = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [0]
        watches = _Watches([rule], np.zeros(len(targets), np.int32), targets)
        reached: dict[tuple[str, Target], I64] = {}
        for record in found:
            alert = record.alert
            key = alert.rule_id, alert.target
            if key not in reached:
                held = held_back(watches, {alert.rule_id: {alert.target}}, catalog)
                reached[key] = np.empty(0, np.int64) if held is None else np.flatnonzero(held)
            from_us = max(alert.fired_at_us, start_us) - start_us
            until_us = _MASK if alert.resolved_at_us is None else alert.resolved_at_us - start_us
            begins.append((reached[key] << _BITS) + from_us)
            ends.append((reached[key] << _BITS) + until_us)
            edges += [start_us + from_us, start_us + until_us + 1]
        missing = tuple(id_ for id_ in named if id_ not in {one.alert.rule_id for one in found})
        edges_us = np.unique(np.array(edges, np.int64))
        edges_us = edges_us[(edges_us > start_us) & (edges_us < end_us)]
        return cls(
            start_us, np.sort(np.concatenate(begins)), np.sort(np.concatenate(ends)), edges_us, missing
        )

    def held(self, watch: I32, at_us: I64) -> Mask:
        """Whether watches may not fire at times."""
        if not len(self.begins):
            return np.zeros(len(watch), np.bool_)
        key = (watch.astype(np.int64) << _BITS) + (at_us - self.start_us)
        # Every watch before this one has as many begins as ends.
        open_: Mask = np.searchsorted(self.begins, key) > np.searchsorted(self.ends, key)
        return open_


@dataclass(frozen=True, slots=True)
class _Watches:
    """The watches as analytics.inhibition asks for them."""

    rules: list[Rule]
    rule: I32
    targets: list[Target]

    def target(self, number: int) -> tuple[Rule, Target]:
        """What a watch is of, and about."""
        return self.rules[0], self.targets[number]


def _recorded(registry: Registry, named: tuple[str, ...], start_us: int, end_us: int) -> list[AlertRecord]:
    """Alerts of these rules that were open at some time of the span."""
    records = registry.alerts(AlertQuery(rules=named, limit=_MOST))
    if len(records) == _MOST:  # those that are still open may be older than the newest
        known = {record.alert.id for record in records}
        still = registry.alerts(AlertQuery(states=OPEN, rules=named, limit=_MOST))
        records += [record for record in still if record.alert.id not in known]
    return [
        record
        for record in records
        if record.alert.fired_at_us < end_us
        and (record.alert.resolved_at_us is None or record.alert.resolved_at_us >= start_us)
    ]
