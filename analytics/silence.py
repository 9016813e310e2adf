"""Rules on silence: devices that say nothing, and gateways behind which nothing speaks.

In: when each device was last heard. Out: observations for analytics.alerts, at times of
receipt. Silence is what we hear, so it is counted from when we listen; a restart of ours is no
silence of theirs. A device that was never heard counts from valid_from_us, since somebody has
said that it is in use from then; without that not at all: an estate is registered before it
is installed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from analytics.active_hours import ActiveHours
from analytics.alerts import STATES, AlertsState, Observations, Terms
from analytics.gateways import Behind, Gateways
from analytics.selection import Selection
from core.alerts import AlertState, Target, TargetKind
from core.batch import F64, I32, I64, Mask
from core.calendars import Calendar
from core.catalog import Catalog
from core.model import DeviceKind
from core.rules import NoData, Rule

_NEVER_STALE_US = 2**61
_FOREVER_US = 2**62
_FIRING = STATES.index(AlertState.FIRING)
_AT_REST = STATES.index(AlertState.RESOLVED)
_NO_CALENDARS: Mapping[str, Calendar] = {}


@dataclass(frozen=True, slots=True)
class SilenceWatches:
    """Every (rule, device) pair of the enabled rules on silence, by rule.

    Virtual devices are not watched; vehicles only by rules that name devices or tags, since a
    tracker sleeps while its vehicle is parked. factor, minimum_us: as the rule says; limit_us:
    what that is for a device by itself, a longer silence being a breach.
    By device number: used_from_us (-1: nobody says), used_to_us: when it is in use; gateway: the
    watched gateway that its messages pass through, its own number if it is one, -1 for none;
    behind: the same, by gateway; shared: gateways of which another process hears a part.
    """

    rules: list[Rule]
    catalog: Catalog
    rule: I32
    device: I32
    factor: F64
    minimum_us: I64
    limit_us: I64
    hours: ActiveHours
    for_us: I64
    keep_us: I64
    used_from_us: I64
    used_to_us: I64
    gateway: I32
    behind: Behind
    shared: Mask

    @classmethod
    def of(
        cls,
        rules: list[Rule],
        catalog: Catalog,
        calendars: Mapping[str, Calendar] = _NO_CALENDARS,
        owns: Callable[[str], bool] = lambda _: True,
    ) -> "SilenceWatches":
        """Watches of all rules over the devices that they select, and that we hear: owns(device id).

        Gateways are those that any process watches: what is behind one may be heard by several.
        """
        selection, devices = Selection(catalog), catalog.devices
        found = [
            (number, device)
            for number, rule in enumerate(rules)
            if rule.enabled and isinstance(rule.condition, NoData)
            for device in selection.devices(rule.select).tolist()
            if _watched(rule, devices[catalog.device_ids[device]].kind)
        ]
        by_device = _by_device(catalog, {device for _, device in found}, owns)
        ours = [row for row in found if owns(catalog.device_ids[row[1]])]
        rule, device = np.array(ours, np.int32).reshape(-1, 2).T
        of_device = [devices[catalog.device_ids[number]] for number in device.tolist()]
        conditions = [rules[number].condition for number in rule.tolist()]
        terms = [(one.factor, one.minimum_s * 1e6) for one in conditions if isinstance(one, NoData)]
        factor, minimum_us = np.array(terms, np.float64).reshape(-1, 2).T
        expected_us = np.array([one.expected_interval_s * 1e6 for one in of_device])
        times = np.array([(one.for_s, one.keep_firing_for_s) for one in rules], np.float64).reshape(-1, 2)
        for_us, keep_us = np.round(times[rule].T * 1e6).astype(np.int64)
        hours = ActiveHours.of(rules, rule, lambda at: of_device[at].place_id, catalog, calendars)
        limit_us = np.round(np.maximum(factor * expected_us, minimum_us)).astype(np.int64)
        least_us = minimum_us.astype(np.int64)
        return cls(
            rules, catalog, rule, device, factor, least_us, limit_us, hours, for_us, keep_us, *by_device
        )

    def __len__(self) -> int:
        return len(self.rule)

    def watched(self) -> list[tuple[str, str]]:
        """(rule id, device id) of every watch: what it is known by when rules change."""
        return [
            (self.rules[rule].id, self.catalog.device_ids[device])
            for rule, device in zip(self.rule.tolist(), self.device.tolist(), strict=True)
        ]

    def target(self, number: int) -> tuple[Rule, Target]:
        """What a watch is of, and about."""
        device = self.catalog.device_ids[int(self.device[number])]
        return self.rules[self.rule[number]], Target(TargetKind.DEVICE, device)

    def terms(self, held_back: Mask | None = None) -> Terms:
        """What alerts.step goes by; such an alert is never stale, silence being what it is about."""
        never = np.full(len(self), _NEVER_STALE_US, np.int64)
        nobody = np.zeros(len(self), np.bool_)
        return Terms(self.for_us, self.keep_us, never, nobody if held_back is None else held_back)


@dataclass(frozen=True, slots=True)
class Together:
    """How far what all processes have heard is known: all have listened since_us, all of it until_us."""

    since_us: int
    until_us: int


def observe_silence(
    watches: SilenceWatches,
    gateways: Gateways,
    heard_us: I64,
    state: AlertsState,
    *,
    listening_since_us: int,
    now_us: int,
    together: Together | None = None,
) -> Observations:
    """What the watches see of silence at now_us.

    heard_us: newest time of receipt by device number, 0 for never; of devices that others hear
    as far as we know. state: of these watches. together: what goes for shared gateways (None:
    nothing is said of them), which are silent as of until_us.
    gateways is updated in place. A gateway is silent when nothing behind it speaks. A device
    behind one is silent when something else behind it has spoken since it was overdue, and
    nothing is said of it before: it is either dead itself, or its gateway is. Where nobody has
    listened for long enough, nothing is said either, so that what is open stays open.
    """
    gateways.listen(heard_us, now_us)
    device, limit_us = watches.device, watches.limit_us.copy()
    last_us = heard_us[device]
    from_us, to_us = watches.used_from_us[device], watches.used_to_us[device]
    used = (now_us >= from_us) & (now_us < to_us)
    base_us = np.maximum(np.where(last_us > 0, last_us, from_us), listening_since_us)
    as_of_us = np.full(len(device), now_us, np.int64)
    unheard = np.zeros(len(device), np.bool_)
    proven = np.ones(len(device), np.bool_)

    behind = np.flatnonzero(watches.gateway[device] >= 0)
    if len(behind):
        gateway = watches.gateway[device[behind]]
        at = np.searchsorted(gateways.behind.gateways, gateway)
        any_us = gateways.heard_us[at]
        itself = gateway == device[behind]
        own = behind[itself]
        last_us[own] = any_us[itself]
        base_us[own] = np.maximum(np.where(any_us > 0, any_us, from_us[behind])[itself], listening_since_us)
        usual_us = np.round(watches.factor[own] * gateways.usual_us[at[itself]]).astype(np.int64)
        limit_us[own] = np.maximum(usual_us, watches.minimum_us[own])
        shared = own[watches.shared[device[own]]]
        if together is None:
            unheard[shared] = True
        else:
            # Who has heard something knows, whatever the others say.
            as_of_us[shared] = np.maximum(last_us[shared], min(together.until_us, now_us))
            base_us[shared] = np.maximum(base_us[shared], together.since_us)
        rest = behind[~itself]
        alive_us = np.maximum(gateways.alive_since_us[at[~itself]], gateways.chance_us[device[rest]])
        base_us[rest] = np.maximum(base_us[rest], alive_us)
        gateway_used = (now_us >= watches.used_from_us[gateway]) & (now_us < watches.used_to_us[gateway])
        proven[rest] = (any_us[~itself] > base_us[rest] + limit_us[rest]) | ~gateway_used[~itself]

    known = used & ~unheard & ((last_us > 0) | (from_us >= 0))
    overdue_us = base_us + limit_us
    silent = known & (as_of_us > overdue_us) & proven
    spoken = ~silent & ~unheard & (last_us > 0) & (as_of_us - last_us <= limit_us)
    found = _Found(silent, spoken | ~used, overdue_us, last_us, limit_us, as_of_us)
    return _observations(watches, state, found)


@dataclass(frozen=True, slots=True)
class _Found:
    """By watch: silent since overdue_us, or all right since last_us, as of as_of_us."""

    silent: Mask
    right: Mask
    overdue_us: I64
    last_us: I64
    limit_us: I64
    as_of_us: I64


def _observations(watches: SilenceWatches, state: AlertsState, found: _Found) -> Observations:
    """Two for each watch that may have something to tell: when it became so, and now."""
    every = np.arange(len(watches), dtype=np.int32)
    over = ~watches.hours.hold(every, found.as_of_us)
    # What fires and is still silent has nothing new to tell; nor has what rests and is all right.
    tells = found.silent & ((state.state != _FIRING) | over)
    watch = every[tells | (found.right & (state.state > _AT_REST))]
    silent, last_us, as_of_us = found.silent[watch], found.last_us[watch], found.as_of_us[watch]
    then_us = np.minimum(np.where(silent, found.overdue_us[watch], last_us), as_of_us)
    both = np.repeat(watch, 2)
    at_us = np.stack([then_us, as_of_us], axis=1).ravel()
    since_us = np.repeat(np.where(last_us > 0, last_us, found.overdue_us[watch] - found.limit_us[watch]), 2)
    holds = watches.hours.hold(both, at_us)
    breach = np.repeat(silent, 2) & holds
    return Observations(
        both,
        at_us,
        (np.repeat(as_of_us, 2) - since_us) / 1e6,
        np.repeat(found.limit_us[watch], 2) / 1e6,
        breach,
        ~breach,
        np.zeros(len(both), np.bool_),
        np.full(len(both), np.nan),
    )


def _watched(rule: Rule, kind: DeviceKind) -> bool:
    if kind is DeviceKind.VEHICLE:
        return bool(rule.select.devices or rule.select.tags)
    return kind is not DeviceKind.VIRTUAL


def _by_device(
    catalog: Catalog, watched: set[int], owns: Callable[[str], bool]
) -> tuple[I64, I64, I32, Behind, Mask]:
    """Columns of SilenceWatches by device number."""
    size = max(catalog.device_ids, default=-1) + 1
    used_from_us, used_to_us = np.full(size, -1, np.int64), np.full(size, _FOREVER_US, np.int64)
    gateway, expected_us = np.full(size, -1, np.int32), np.ones(size, np.int64)
    ours = np.zeros(size, np.bool_)
    for id_, number in catalog.device_number.items() if watched else ():
        device = catalog.devices[id_]
        used_from_us[number] = -1 if device.valid_from_us is None else device.valid_from_us
        used_to_us[number] = _FOREVER_US if device.valid_to_us is None else device.valid_to_us
        expected_us[number] = round(device.expected_interval_s * 1e6)
        through = id_ if device.kind is DeviceKind.GATEWAY else device.gateway_id
        ours[number] = owns(id_)
        if through is not None:
            at = catalog.device_number.get(through, -1)
            gateway[number] = at if at in watched else -1
    return used_from_us, used_to_us, gateway, Behind.of(gateway, expected_us), _shared(gateway, ours)


def _shared(gateway: I32, ours: Mask) -> Mask:
    """By device number: gateways of which some is ours and some is not; gateway: of each device."""
    some, parts = np.zeros((2, len(gateway)), np.int64), gateway >= 0
    np.add.at(some, (ours[parts].astype(np.int64), gateway[parts]), 1)
    shared: Mask = np.minimum(*some) > 0
    return shared
