"""Places, devices, registers, rules and alerts: what an institution owns and watches."""

from dataclasses import dataclass
from enum import StrEnum

from core.quantities import Energy, RegisterKind


class PlaceKind(StrEnum):
    """Level of a place in the tree."""

    REGION = "region"
    ORGANISATION = "organisation"
    SITE = "site"
    BUILDING = "building"
    ZONE = "zone"
    CIRCUIT = "circuit"


class DeviceKind(StrEnum):
    """What publishes."""

    METER = "meter"
    VEHICLE = "vehicle"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Name:
    """A name in the two languages of the pages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Place:
    """A node of the place tree; timezone (IANA) decides what its day and month are."""

    id: str
    kind: PlaceKind
    name: Name
    timezone: str
    parent_id: str | None = None
    floor_area_m2: float | None = None
    headcount: int | None = None
    category: str | None = None
    latitude_deg: float | None = None
    longitude_deg: float | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """A meter, vehicle tracker or gateway.

    parent_device_id: the meter upstream of this one, whose register contains this one's.
    expected_interval_s: how often it reports; a longer silence is a gap.
    coordinate_system: wgs84, gcj02 or bd09, as the device sends positions.
    """

    id: str
    kind: DeviceKind
    place_id: str
    name: Name
    parent_device_id: str | None = None
    decoder: str = "native"
    expected_interval_s: float = 900.0
    coordinate_system: str = "wgs84"
    valid_from_us: int | None = None
    valid_to_us: int | None = None


@dataclass(frozen=True, slots=True)
class Register:
    """One quantity of one device. id is dense, permanent and the index of every column.

    ratio: CT x PT; the meter's value is multiplied with it.
    rollover_at: value (after ratio) at which the counter starts again from 0.
    max_rate: highest plausible rise in canonical units an hour.
    """

    id: int
    device_id: str
    quantity: str
    kind: RegisterKind
    unit: str
    energy: Energy | None = None
    exported: bool = False
    ratio: float = 1.0
    rollover_at: float | None = None
    max_rate: float | None = None


class Comparator(StrEnum):
    """How a reading is compared with a rule's threshold."""

    ABOVE = "above"
    BELOW = "below"


class Severity(StrEnum):
    """How urgent an alert is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Rule:
    """A threshold on every register of a quantity at the chosen places and devices.

    An empty tuple of places or devices means all. A breach must last for_s of event time
    before the alert fires; it resolves once the value is back past clear_threshold.
    action: what the person who sees the alert should do next.
    """

    id: str
    name: Name
    quantity: str
    comparator: Comparator
    threshold: float
    clear_threshold: float
    for_s: float
    severity: Severity
    action: Name
    places: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()


class AlertState(StrEnum):
    """Where an alert is in its life; inactive is having no alert at all."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode of one rule on one register; id is derived from these and active_at_us."""

    id: str
    rule_id: str
    register: int
    state: AlertState
    value: float
    active_at_us: int
    fired_at_us: int
    resolved_at_us: int | None = None


@dataclass(frozen=True, slots=True)
class MapLayer:
    """A GeoJSON FeatureCollection that the map draws: roads, geofences, depots."""

    id: str
    kind: str
    geojson: str


@dataclass(frozen=True, slots=True)
class Estate:
    """Everything that provisioning a set of places takes."""

    places: tuple[Place, ...] = ()
    devices: tuple[Device, ...] = ()
    rules: tuple[Rule, ...] = ()
    map_layers: tuple[MapLayer, ...] = ()

    def joined(self, other: "Estate") -> "Estate":
        """Everything of both."""
        return Estate(
            self.places + other.places,
            self.devices + other.devices,
            self.rules + other.rules,
            self.map_layers + other.map_layers,
        )
