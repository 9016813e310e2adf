"""Registers that are added while the pipeline runs: everything grows to what a fresh start would build."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.alerts import AlertsState
from core.catalog import Catalog
from core.estate import Estate
from core.model import Comparator, Device, DeviceKind, Name, Place, PlaceKind, Register, Severity
from core.quantities import QUANTITIES
from core.rules import Rule, Selector, Threshold
from storage.registry import open_registry
from wattline.catalogs import Catalogs
from wattline.stages.state import Known, State

NAME = Name("名", "name")
DEVICES = ("m0", "m1", "m2")
MEASURED = ("energy_active_import_total", "power_active", "voltage_l1")
ESTATE = Estate(
    (Place("hall", PlaceKind.BUILDING, NAME, "UTC"),),
    tuple(
        Device(id_, DeviceKind.METER, "hall", NAME, parent_device_id=parent)
        for id_, parent in zip(DEVICES, (None, "m0", "m0"), strict=True)
    ),
)


def rule(id_, quantity, devices=()):
    condition = Threshold(quantity, Comparator.ABOVE, 9, 8)
    return Rule(id_, NAME, Severity.WARNING, NAME, condition, Selector(devices=devices))


RULES = [rule("a", "power_active"), rule("b", "power_active", ("m1",)), rule("c", "voltage_l1", ("m2",))]


def catalog(keys):
    registers = [
        Register(at, device, name, QUANTITIES[name].kind, QUANTITIES[name].unit, QUANTITIES[name].energy)
        for at, (device, name) in enumerate(keys)
    ]
    return Catalog(ESTATE.places, list(enumerate(ESTATE.devices)), registers)


def same(one, other):
    for column in fields(one):
        if column.name in {"catalog", "pairing", "hours"}:  # what a set of watches was found in
            continue
        left, right = getattr(one, column.name), getattr(other, column.name)
        if isinstance(left, np.ndarray):
            np.testing.assert_array_equal(left, right)
            assert left.dtype == right.dtype
        else:
            assert left == right


@given(
    st.lists(st.tuples(st.sampled_from(DEVICES), st.sampled_from(MEASURED)), unique=True), st.integers(0, 9)
)
def test_what_grew_is_what_would_be_built_at_once(keys, first):
    whole = catalog(keys)
    shorter = catalog(keys[:first])
    longer = shorter.extended(whole.registers[first:])
    assert longer.extends(shorter)
    assert not whole.extends(shorter)
    assert (longer.registers, longer.register_of) == (whole.registers, whole.register_of)
    assert all(longer.registers_of(device) == whole.registers_of(device) for device in DEVICES)
    assert all(
        shorter.registers_of(device) == catalog(keys[:first]).registers_of(device) for device in DEVICES
    )

    at_once, grown = Known.of(whole, RULES), Known.of(shorter, RULES).extended(longer)
    same(at_once.columns, grown.columns)
    same(at_once.watches, grown.watches)
    grown.refresh()
    same(at_once.members, grown.members)
    state = State.empty(Known.of(shorter, RULES))
    state.grow(grown)
    same(state.alerts, AlertsState.empty(len(grown.watches.rule)))
    assert len(state.slope_w) == len(keys)


@pytest.fixture
def registry(tmp_path):
    opened = open_registry(f"sqlite:///{tmp_path / 'r.sqlite'}")
    opened.put_estate(ESTATE)
    yield opened
    opened.close()


def test_the_catalog_grows_by_the_registers_and_is_new_after_any_other_change(registry):
    catalogs = Catalogs(registry)
    before = catalogs.current
    catalogs.reload()
    assert catalogs.current is before
    registry.add_registers([("m1", "power_active"), ("m0", "voltage_l1")])
    catalogs.reload()
    grown = catalogs.current
    assert grown is not before
    assert grown.extends(before)
    assert [register.device_id for register in grown.registers] == ["m1", "m0"]
    registry.put_place(Place("yard", PlaceKind.SITE, NAME, "UTC"))
    catalogs.reload()
    assert not catalogs.current.extends(grown)
    assert "yard" in catalogs.current.places
    assert catalogs.current.registers == grown.registers
