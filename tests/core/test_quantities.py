"""What can be measured, and what the ledger books of it."""

import pytest

from core.catalog import Catalog
from core.columns import RegisterColumns
from core.model import Device, DeviceKind, Name, Place, PlaceKind, Register
from core.quantities import QUANTITIES


def booked(quantity):
    place = Place("p", PlaceKind.BUILDING, Name("p", "p"), "UTC")
    device = Device("d", DeviceKind.METER, "p", Name("d", "d"))
    found = QUANTITIES[quantity]
    register = Register(0, "d", quantity, found.kind, found.unit, found.energy, found.exported)
    return bool(RegisterColumns.of(Catalog([place], [(0, device)], [register])).is_counter[0])


@pytest.mark.parametrize("direction", ["import", "export"])
def test_reactive_energy_is_booked_and_belongs_to_no_energy(direction):
    quantity = f"energy_reactive_{direction}_total"
    assert booked(quantity)
    assert QUANTITIES[quantity].energy is None
    assert QUANTITIES[quantity].unit == "kvarh"


def test_distance_is_not_booked_as_consumption():
    assert not booked("odometer")
    assert booked("energy_active_import_total")
