"""When nothing watches the target of an alert any more."""

import pytest

from analytics.selection import Selection
from analytics.withdrawn import withdrawn
from core.alerts import Target, Withdrawn
from core.catalog import Catalog
from core.model import Comparator, Device, DeviceKind, Name, Place, PlaceKind, Severity
from core.quantities import Energy
from core.rules import Consumption, NoData, Period, Rule, Scope, Selector, Threshold

NAME = Name("名", "Name")
PLACES = [
    Place("city", PlaceKind.REGION, NAME, "UTC"),
    Place("hall", PlaceKind.BUILDING, NAME, "UTC", "city", category="office"),
    Place("shed", PlaceKind.BUILDING, NAME, "UTC", "city"),
]
DEVICES = [
    Device("m0", DeviceKind.METER, "hall", NAME, tags=("roof",)),
    Device("m1", DeviceKind.METER, "shed", NAME),
]
POWER = Threshold("power_active", Comparator.ABOVE, 10.0)
REGISTER, DEVICE, PLACE = map(Target.parse, ("register:m0/power_active", "device:m0", "place:hall"))
DAILY = {"energy": Energy.ELECTRICITY, "period": Period.DAY, "comparator": Comparator.ABOVE, "threshold": 1.0}
OF_PLACE, OF_DEVICE = Consumption(**DAILY), Consumption(**DAILY, scope=Scope.DEVICE)


@pytest.fixture(scope="module")
def catalog():
    return Catalog(PLACES, enumerate(DEVICES), [])


def why(catalog, target, condition=POWER, select=None, **more):
    rule = Rule("r", NAME, Severity.INFO, NAME, condition, Selector(**(select or {})), **more)
    return withdrawn(rule, target, catalog, Selection(catalog))


def test_a_dropped_or_disabled_rule_watches_nothing(catalog):
    assert withdrawn(None, REGISTER, catalog, Selection(catalog)) is Withdrawn.DROPPED
    assert why(catalog, REGISTER, enabled=False) is Withdrawn.DISABLED


@pytest.mark.parametrize(
    ("target", "condition", "select"),
    [
        (REGISTER, POWER, {}),
        (REGISTER, POWER, {"places": ("city",), "categories": ("office",), "tags": ("roof",)}),
        (DEVICE, NoData(), {"devices": ("m1", "m0")}),
        (DEVICE, OF_DEVICE, {"places": ("hall",)}),
        (PLACE, OF_PLACE, {"places": ("city",)}),
    ],
)
def test_what_a_rule_selects_is_watched(catalog, target, condition, select):
    assert why(catalog, target, condition, select) is None


@pytest.mark.parametrize(
    ("target", "condition", "select"),
    [
        (REGISTER, POWER, {"places": ("shed",)}),
        (REGISTER, POWER, {"devices": ("m1",)}),
        (REGISTER, POWER, {"tags": ("cellar",)}),
        (REGISTER, Threshold("voltage_l1", Comparator.ABOVE, 1.0), {}),
        (REGISTER, NoData(), {}),
        (DEVICE, POWER, {}),
        (DEVICE, OF_PLACE, {}),
        (Target.parse("device:gone"), NoData(), {}),
        (PLACE, OF_DEVICE, {}),
        (PLACE, OF_PLACE, {"places": ("shed",)}),
        (PLACE, OF_PLACE, {"devices": ("m0",)}),
    ],
)
def test_what_a_rule_does_not_select_any_more_is_not(catalog, target, condition, select):
    assert why(catalog, target, condition, select) is Withdrawn.NOT_SELECTED
