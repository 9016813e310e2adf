"""What `run --demo` adds: a simulated city, and real recorded buildings played as if now."""

from core.catalog import Catalog
from core.model import DeviceKind, Estate
from core.ports import Feed
from simulators.demo import DEMO_SEED
from simulators.estate import build_estate
from simulators.record import read_record
from simulators.recorded import choose, needed_estate
from wattline.simulate import SAMPLE

_TIMEZONE = "Europe/London"  # where the recorded buildings stand


def demo_estate() -> Estate:
    """The city's places, devices, rules and map, and the recorded buildings."""
    return build_estate(DEMO_SEED).joined(_recorded())


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
