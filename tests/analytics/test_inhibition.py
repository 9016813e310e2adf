"""Alerts that hold others back: at the same target, its device, its gateway, upstream, or a place above."""

from dataclasses import replace

import pytest

from analytics.alerts import STATES, AlertsState
from analytics.inhibition import held_back, open_targets
from analytics.watches import Watches
from core.alerts import AlertState, Target, TargetKind
from core.catalog import Catalog
from core.model import Device, DeviceKind
from core.rules import ClockSkew, Selector
from tests.analytics.watched import NAME, catalog, rule

HELD = rule(id="held", inhibited_by=("root",))


def estate():
    """m0 at the hall, behind a gateway, downstream of m2; m1 at the school."""
    known = catalog(4)
    box = Device("box", DeviceKind.GATEWAY, "hall", NAME)
    devices = {
        **known.devices,
        "m0": replace(known.devices["m0"], gateway_id="box", parent_device_id="m2"),
        "m2": replace(known.devices["m2"], parent_device_id="m3"),
        "m3": replace(known.devices["m3"], parent_device_id="m2"),  # a mistake: a circle
    }
    return Catalog(known.places.values(), enumerate([*devices.values(), box]), known.registers)


def held(*targets, rules=(HELD,)):
    known = estate()
    watches = Watches.of(list(rules), known)
    mask = held_back(watches, {"root": {Target.parse(one) for one in targets}}, known)
    return [] if mask is None else sorted(watches.target(n)[1].id for n in mask.nonzero()[0])


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("register:m0/power_active", ["m0/power_active"]),
        ("device:m0", ["m0/power_active"]),
        ("device:m1", ["m1/power_active"]),
        ("device:box", ["m0/power_active"]),
        ("device:m2", ["m0/power_active", "m2/power_active", "m3/power_active"]),
        ("register:m3/voltage_l1", ["m0/power_active", "m2/power_active"]),
        ("place:hall", ["m0/power_active", "m2/power_active"]),
        ("place:city", [f"m{at}/power_active" for at in range(4)]),
        ("place:gym", []),
        ("register:m0/voltage_l1", []),
    ],
)
def test_what_an_open_alert_holds_back(target, expected):
    assert held(target) == expected


def test_a_rule_without_inhibition_is_never_held_back():
    assert held("place:city", rules=[rule(id="free")]) == []
    assert held("device:m0", rules=[rule(id="free"), HELD]) == ["m0/power_active"]


def test_nothing_is_held_back_while_nothing_is_open():
    assert held() == []


def test_a_rule_does_not_hold_itself_back():
    known = estate()
    watches = Watches.of([rule(id="root", inhibited_by=("root",))], known)
    assert held_back(watches, {"root": {Target(TargetKind.PLACE, "city")}}, known) is None


def test_a_watch_of_a_device_is_held_back_as_its_registers_are():
    clocks = rule(ClockSkew(), id="held", inhibited_by=("root",))
    assert held("device:box", rules=[clocks]) == ["m0"]


def test_open_targets_are_those_of_rules_that_hold_others_back():
    known = estate()
    root, other = rule(id="root", select=Selector(devices=("m1", "m2"))), rule(id="other")
    watches = Watches.of([root, other, HELD], known)
    state = AlertsState.empty(len(watches))
    for number in range(len(watches)):
        state.state[number] = STATES.index(AlertState.STALE if number % 2 else AlertState.PENDING)
    found = open_targets(watches, state)
    numbers = {key: number for number, key in enumerate(watches.watched())}
    expected = {f"m{at}/power_active" for at in (1, 2) if numbers["root", at] % 2}
    assert {name: {one.id for one in targets} for name, targets in found.items()} == {"root": expected}
