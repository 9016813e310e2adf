import numpy as np

from analytics.counters import CounterState
from analytics.hierarchy import PlaceMembers, counted_devices, counted_registers
from analytics.power import place_power
from core.catalog import Catalog
from core.columns import RegisterColumns
from core.model import Device, DeviceKind, Name, Place, PlaceKind, Register
from core.quantities import QUANTITIES, Energy
from tests.analytics.meters import catalog as meters_catalog
from tests.analytics.meters import meter
from tests.analytics.meters import place as place_of

NAME = Name("名", "name")
NOW_US = 1_800_000_000_000_000


def estate():
    """City > hall (main meter with a circuit and a charger below it) and school (two mains)."""
    places = [
        Place("city", PlaceKind.REGION, NAME, "UTC"),
        Place("hall", PlaceKind.BUILDING, NAME, "UTC", "city"),
        Place("hall-ac", PlaceKind.CIRCUIT, NAME, "UTC", "hall"),
        Place("school", PlaceKind.BUILDING, NAME, "UTC", "city"),
    ]
    devices = [
        Device("hall-main", DeviceKind.METER, "hall", NAME, expected_interval_s=10),
        Device("hall-ac", DeviceKind.METER, "hall-ac", NAME, "hall-main", expected_interval_s=10),
        Device("charger", DeviceKind.METER, "hall", NAME, "hall-ac", expected_interval_s=10),
        Device("school-1", DeviceKind.METER, "school", NAME, expected_interval_s=10),
        Device("school-2", DeviceKind.METER, "school", NAME, expected_interval_s=10),
        Device("school-water", DeviceKind.METER, "school", NAME),
    ]
    wanted = [
        ("hall-main", "energy_active_import_total"),
        ("hall-main", "power_active"),
        ("hall-ac", "energy_active_import_total"),
        ("charger", "energy_active_import_total"),
        ("school-1", "energy_active_import_total"),
        ("school-1", "energy_active_export_total"),
        ("school-2", "energy_active_import_total"),
        ("school-2", "power_active"),
        ("school-water", "water_volume_total"),
    ]
    registers = [
        Register(at, device, name, QUANTITIES[name].kind, QUANTITIES[name].unit,
                 QUANTITIES[name].energy, QUANTITIES[name].exported)
        for at, (device, name) in enumerate(wanted)
    ]  # fmt: skip
    return Catalog(places, list(enumerate(devices)), registers)


def test_a_kwh_counts_once_whatever_meters_it_went_through():
    catalog = estate()
    electricity = Energy.ELECTRICITY
    assert counted_devices(catalog, "hall", electricity) == ["hall-main"]
    assert counted_devices(catalog, "hall-ac", electricity) == ["hall-ac"]
    assert counted_devices(catalog, "city", electricity) == ["hall-main", "school-1", "school-2"]


def test_export_is_not_consumption():
    names = [register.quantity for register in counted_registers(estate(), "school", Energy.ELECTRICITY)]
    assert names == ["energy_active_import_total"] * 2


def test_members_agree_with_the_counted_devices_of_every_place():
    catalog = estate()
    members = PlaceMembers.of(catalog)
    for number, place in enumerate(members.place_ids):
        devices = {
            catalog.registers[counter].device_id for counter in members.counter[members.place == number]
        }
        assert sorted(devices) == counted_devices(catalog, place, Energy.ELECTRICITY)


def test_a_charger_on_anothers_account_is_in_both_and_once_above_them():
    places = [place_of("city", kind=PlaceKind.REGION), *(place_of(one, "city") for one in ("a", "b"))]
    devices = [meter("main", "a"), meter("ev", "a", "main", organisation_id="b")]
    catalog = meters_catalog(places, devices)
    members = PlaceMembers.of(catalog)
    found = {
        place_id: members.counter[members.place == number].tolist()
        for number, place_id in enumerate(members.place_ids)
    }
    assert found == {"a": [0], "city": [0], "b": [1]}
    for place_id, registers in found.items():
        assert [one.id for one in counted_registers(catalog, place_id, Energy.ELECTRICITY)] == registers


def test_live_power_sums_fresh_meters_and_says_how_many():
    catalog = estate()
    newest = CounterState.empty(9)
    newest.last_us[[1, 4, 7]] = NOW_US - np.array([5, 20, 600]) * 1_000_000
    newest.last_value[[1, 4, 7]] = [3000.0, 77.0, 9000.0]
    slope_w = np.full(9, np.nan)
    slope_w[4] = 500.0
    columns = RegisterColumns.of(catalog)
    found = {p.place_id: p for p in place_power(PlaceMembers.of(catalog), newest, slope_w, columns, NOW_US)}
    assert found["hall"].power_w == 3000.0
    assert (found["school"].power_w, found["school"].meters, found["school"].reporting) == (500.0, 2, 1)
    assert (found["city"].power_w, found["city"].reporting) == (3500.0, 2)
    assert found["hall-ac"].power_w is None
    assert found["city"].at_us == NOW_US - 5_000_000


def test_a_catalog_without_electricity_has_no_live_power():
    members = PlaceMembers.of(Catalog([], [], []))
    assert (
        place_power(members, CounterState.empty(0), np.empty(0), RegisterColumns.of(Catalog([], [], [])), 0)
        == []
    )
