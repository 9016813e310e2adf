"""Which watches are held back because another rule's alert is open at their target or around it."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Protocol

import numpy as np

from analytics.alerts import STATES, AlertsState
from core.alerts import OPEN, Target, TargetKind
from core.batch import I32, Mask
from core.catalog import Catalog
from core.rules import Rule

_OPEN = [STATES.index(state) for state in OPEN]


class Watched(Protocol):
    """Watches of any kind: rules, the number of the rule of each watch, and what each is about."""

    @property
    def rules(self) -> list[Rule]:
        """All rules."""
        ...

    @property
    def rule(self) -> I32:
        """By watch, an index into rules."""
        ...

    def target(self, number: int) -> tuple[Rule, Target]:
        """What a watch is of, and about."""
        ...


OpenTargets = Mapping[str, AbstractSet[Target]]
"""Targets with an open alert, by rule id."""


def open_targets(watches: Watched, state: AlertsState) -> dict[str, set[Target]]:
    """Targets with an open alert of the rules that hold others back."""
    holding = {id_ for rule in watches.rules for id_ in rule.inhibited_by if rule.enabled}
    holds = np.array([rule.id in holding for rule in watches.rules], np.bool_)
    found: dict[str, set[Target]] = {}
    if holds.any():
        for number in np.flatnonzero(np.isin(state.state, _OPEN) & holds[watches.rule]).tolist():
            rule, target = watches.target(number)
            found.setdefault(rule.id, set()).add(target)
    return found


def held_back(watches: Watched, open_: OpenTargets, catalog: Catalog) -> Mask | None:
    """By watch whether it may not fire now; None if all may.

    An open alert of a rule in inhibited_by holds it back on the same target, on the registers
    of a device, on the devices behind a gateway, on the meters downstream of a meter, and on
    everything at or below a place.
    """
    inhibited = [
        number
        for number, rule in enumerate(watches.rules)
        if any(id_ != rule.id and open_.get(id_) for id_ in rule.inhibited_by)
    ]
    if not inhibited:
        return None
    held = np.zeros(len(watches.rule), np.bool_)
    reach: dict[tuple[str, ...], _Reach] = {}
    for number in inhibited:
        rule = watches.rules[number]
        by = tuple(id_ for id_ in rule.inhibited_by if id_ != rule.id)
        if by not in reach:
            reach[by] = _Reach((target for id_ in by for target in open_.get(id_, ())), catalog)
        for watch in np.flatnonzero(watches.rule == number).tolist():
            held[watch] = reach[by].holds(watches.target(watch)[1])
    return held


class _Reach:
    """What some targets are at, above or upstream of."""

    def __init__(self, targets: Iterable[Target], catalog: Catalog) -> None:
        self._catalog = catalog
        self._targets = set(targets)
        self._devices = {one.id for one in self._targets if one.kind is TargetKind.DEVICE}
        self._devices |= {
            one.id.rpartition("/")[0] for one in self._targets if one.kind is TargetKind.REGISTER
        }
        self._places = {one.id for one in self._targets if one.kind is TargetKind.PLACE}
        self._known: dict[str, bool] = {}

    def holds(self, target: Target) -> bool:
        """Whether a target is in reach."""
        if target in self._targets:
            return True
        if target.kind is TargetKind.PLACE:
            return not self._places.isdisjoint(self._catalog.ancestors(target.id))
        device = target.id
        if target.kind is TargetKind.REGISTER:
            device = target.id.rpartition("/")[0]
            if Target(TargetKind.DEVICE, device) in self._targets:
                return True
        if device not in self._known:
            self._known[device] = self._around(device)
        return self._known[device]

    def _around(self, device: str) -> bool:
        """Whether a target is the gateway of a device, a meter upstream of it, or a place that it is at."""
        found = self._catalog.devices[device]
        if Target(TargetKind.DEVICE, found.gateway_id or "") in self._targets:
            return True
        if not self._places.isdisjoint(self._catalog.ancestors(found.place_id)):
            return True
        seen = {device}
        above = found.parent_device_id
        while above is not None and above in self._catalog.devices and above not in seen:
            if above in self._devices:
                return True
            seen.add(above)
            above = self._catalog.devices[above].parent_device_id
        return False
