"""Places, devices and rules as config/*.yaml states them."""

from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core.model import Comparator, Device, DeviceKind, Name, Place, PlaceKind, Rule, Severity
from core.quantities import QUANTITIES


def _known_zone(zone: str) -> str:
    if zone not in available_timezones():
        raise ValueError(f"no such timezone: use an IANA name such as Asia/Shanghai, not {zone!r}")
    return zone


def _known_quantity(quantity: str) -> str:
    if quantity not in QUANTITIES:
        raise ValueError(f"no such quantity: use one of {', '.join(QUANTITIES)}")
    return quantity


# An id stands in topics and addresses: no separators, wildcards or control characters of theirs.
Id = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^/+#?%\x00-\x1f]+$")]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NameEntry(_Entry):
    """A name in both languages."""

    zh: str
    en: str

    def to_core(self) -> Name:
        """As core knows it."""
        return Name(self.zh, self.en)


class PlaceEntry(_Entry):
    """One item of places.yaml."""

    id: Id
    kind: PlaceKind
    name: NameEntry
    timezone: Annotated[str, AfterValidator(_known_zone)]
    parent: Id | None = None
    floor_area_m2: Annotated[float, Field(gt=0)] | None = None
    headcount: Annotated[int, Field(ge=0)] | None = None
    category: str | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None

    def to_core(self) -> Place:
        """As core knows it."""
        return Place(
            self.id,
            self.kind,
            self.name.to_core(),
            self.timezone,
            self.parent,
            self.floor_area_m2,
            self.headcount,
            self.category,
            self.latitude,
            self.longitude,
        )


class DeviceEntry(_Entry):
    """One item of devices.yaml."""

    id: Id
    kind: DeviceKind
    place: Id
    name: NameEntry
    parent_device: Id | None = None
    decoder: Literal["native"] = "native"
    expected_interval_s: Annotated[float, Field(gt=0)] = 900.0

    def to_core(self) -> Device:
        """As core knows it."""
        return Device(
            self.id,
            self.kind,
            self.place,
            self.name.to_core(),
            self.parent_device,
            self.decoder,
            self.expected_interval_s,
        )


class RuleEntry(_Entry):
    """One item of rules.yaml."""

    id: Id
    name: NameEntry
    quantity: Annotated[str, AfterValidator(_known_quantity)]
    comparator: Comparator
    threshold: float
    clear_threshold: float | None = None
    for_s: Annotated[float, Field(ge=0)] = 0.0
    severity: Severity = Severity.WARNING
    action: NameEntry
    places: tuple[Id, ...] = ()
    devices: tuple[Id, ...] = ()

    def to_core(self) -> Rule:
        """As core knows it."""
        return Rule(
            self.id,
            self.name.to_core(),
            self.quantity,
            self.comparator,
            self.threshold,
            self.threshold if self.clear_threshold is None else self.clear_threshold,
            self.for_s,
            self.severity,
            self.action.to_core(),
            self.places,
            self.devices,
        )


class PlacesFile(_Entry):
    """places.yaml."""

    places: list[PlaceEntry] = []


class DevicesFile(_Entry):
    """devices.yaml."""

    devices: list[DeviceEntry] = []


class RulesFile(_Entry):
    """rules.yaml."""

    rules: list[RuleEntry] = []
