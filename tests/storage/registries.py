"""Things to register, and alert changes, in their shortest form."""

from core.alerts import Alert, AlertChange, AlertState, Evidence, Target, TargetKind
from core.calendars import Calendar, HolidayYear
from core.errors import RejectReason
from core.model import Comparator, Device, DeviceKind, Name, Place, PlaceKind, Severity
from core.policies import CounterPolicy
from core.ports import DeadLetter
from core.quantities import Energy
from core.reference import Quota, References
from core.rules import Rule, Threshold
from core.tariffs import Band, BandPrice, Tariff, TariffVersion


def place(id_, parent=None, **more):
    return Place(
        id_, PlaceKind.BUILDING, Name(f"{id_} 楼", f"Building {id_}"), "Asia/Shanghai", parent, **more
    )


def organisation(id_, parent=None):
    return Place(id_, PlaceKind.ORGANISATION, Name("单位", "Office"), "Asia/Shanghai", parent)


def device(id_, place_id="p", parent=None, **more):
    return Device(id_, DeviceKind.METER, place_id, Name("表", "Meter"), parent, **more)


NIGHT_LOAD = Threshold("power_active", Comparator.ABOVE, 1000.0, 900.5)


def rule(id_, condition=NIGHT_LOAD, **more):
    return Rule(
        id_,
        Name("夜间用电", "Night load"),
        Severity.WARNING,
        Name("去看看", "Go and look"),
        condition,
        **({"for_s": 600.0} | more),
    )


NOW_US = 1_000_000_000
"""When changes are recorded."""

EVIDENCE = Evidence(((100, 1234.5), (300, 899.0)), "W", 1000.0, Comparator.ABOVE)


def alert(state, at_us, *, alert="a", target="d0/power_active", active_at_us=100, rule="r", **more):
    stated = {
        "resolved_at_us": at_us if state is RESOLVED else None,
        "stale_at_us": at_us if state is STALE else None,
        "organisation_id": "o",
    }
    return Alert(
        alert,
        rule,
        Target(TargetKind.REGISTER, target),
        "p",
        target.partition("/")[0],
        "power_active",
        "W",
        Severity.WARNING,
        state,
        1234.5,
        1000.0,
        Comparator.ABOVE,
        active_at_us,
        150,
        **(stated | more),
    )


def change(state, at_us, *, previous=AlertState.PENDING, **more):
    evidence = EVIDENCE if state is RESOLVED else None
    return AlertChange(alert(state, at_us, **more), previous, at_us, evidence)


FIRING, STALE, RESOLVED = AlertState.FIRING, AlertState.STALE, AlertState.RESOLVED


def letter(number, reason=RejectReason.UNKNOWN_DEVICE, **more):
    fields = {
        "topic": "wattline/v1/x/readings",
        "payload": b"\xff\x00{" + bytes([number % 256]),
        "detail": f"n {number}",
    }
    return DeadLetter(number, reason=reason, **(fields | more))


def tariff(id_, energy):
    version = TariffVersion("2026-01-01", "a test", "CN", (BandPrice(Band.FLAT, 0.5),))
    return Tariff(id_, Name("价", "Price"), energy, "kWh", "CNY", (version,))


REFERENCES = References(
    calendars={"workdays": Calendar("workdays", Name("班", "Work"), years=(HolidayYear(2026, True, "law"),))},
    tariffs={"flat": tariff("flat", Energy.ELECTRICITY), "wet": tariff("wet", Energy.WATER)},
    quotas={"q": Quota("q", "p", "electricity", 2026, 1000.5, "kWh")},
    policies={"odd": CounterPolicy("odd", rollover_at=4096.0, confirm_readings=2, source="a test")},
)
