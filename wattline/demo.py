"""What `run --demo` adds: a simulated city, and real recorded buildings played as if now."""

from dataclasses import replace

from core.catalog import Catalog
from core.estate import Estate
from core.model import DeviceKind
from core.ports import Feed
from core.reference import References
from simulators.demo import DEMO_SEED
from simulators.estate import build_estate
from simulators.record import read_record
from simulators.recorded import choose, needed_estate
from wattline.simulate import SAMPLE

_TIMEZONE = "Europe/London"  # where the recorded buildings stand
_CALENDAR = "cn-office"
_TARIFFS = (
    ("electricity", "example-office-electricity"),
    ("water", "example-water"),
    ("gas", "example-gas"),
    ("heat", "example-heat"),
)


def demo_estate(references: References) -> Estate:
    """The city's places, devices, rules and map, and the recorded buildings.

    The city has the calendar and the tariffs that ship, as far as the configuration has them.
    """
    city = build_estate(DEMO_SEED)
    root, *below = city.places
    tariffs = tuple((energy, id_) for energy, id_ in _TARIFFS if id_ in references.tariffs)
    calendar = _CALENDAR if _CALENDAR in references.calendars else None
    root = replace(root, calendar_id=calendar, tariffs=tariffs)
    return replace(city, places=(root, *below)).joined(_recorded())


def demo_children(catalog: Catalog, feed: Feed) -> list[list[str]]:
    """Command lines of the simulators, going on from what is stored."""
    stay = ["--registered", "--until-stdin-closes"]
    follow = ["replay", str(SAMPLE), "--follow", "--timezone", _TIMEZONE]
    return [
        ["simulate-city", *stay, *_since(build_estate(DEMO_SEED), catalog, feed)],
        [*follow, *stay, *_since(_recorded(), catalog, feed)],
    ]


def _recorded() -> Estate:
    return needed_estate(choose(read_record(SAMPLE)), _TIMEZONE)


def _since(estate: Estate, catalog: Catalog, feed: Feed) -> list[str]:
    """The time up to which every meter of the estate is stored, as an option, if all were heard."""
    oldest: list[int] = []
    for device in estate.devices:
        if device.kind is not DeviceKind.METER:
            continue
        registers = [register.id for register in catalog.registers_of(device.id)]
        heard = [reading[0] for reading in feed.last_readings(registers) if reading is not None]
        if not heard:
            return []
        oldest.append(max(heard))
    return ["--since-us", str(min(oldest))]
