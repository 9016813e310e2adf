"""Places, devices and registers: what an institution owns and measures."""

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
    VIRTUAL = "virtual"  # a meter that is a formula of others; it never publishes


class CircuitItem(StrEnum):
    """What a circuit feeds: the items A to D of electricity in JGJ/T 285."""

    LIGHTING = "lighting_sockets"
    AIR_CONDITIONING = "air_conditioning"
    POWER = "power"
    SPECIAL = "special"


@dataclass(frozen=True, slots=True)
class Name:
    """A name in the two languages of the pages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Place:
    """A node of the place tree; timezone (IANA) decides what its day and month are.

    climate_zone, calendar_id, tariffs, region_code and base_minutes hold below it too, until a place has
    one of its own (Catalog.inherited). tariffs: pairs of energy and tariff id.
    contract_demand_w: what is contracted for this place alone; places below have their own.
    region_code: grid region of emission factors, such as CN-CQ.
    base_minutes: length of the ledger's intervals here and below: 1, 5 or, if no place has
    one, 15.
    """

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
    climate_zone: str | None = None
    calendar_id: str | None = None
    tariffs: tuple[tuple[str, str], ...] = ()
    contract_demand_w: float | None = None
    region_code: str | None = None
    base_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """A meter, vehicle tracker, gateway or virtual meter.

    place_id, parent_device_id: where it is now; Catalog.placed knows where it was.
    parent_device_id: the meter upstream of this one, whose register contains this one's.
    expected_interval_s: how often it reports; a longer silence is a gap.
    coordinate_system: wgs84, gcj02 or bd09, as the device sends positions.
    meter_type: key of the counter policy that its registers have by default.
    rated_power_w: most that can flow through it; bounds what its counters may rise.
    accuracy_class: percent of the value that it may be wrong, such as 0.5, 1 or 2.
    organisation_id: place of kind organisation on whose account it is; None: the nearest
    organisation above its place.
    formula: of a virtual meter, such as "[main] - 0.5*[charger]"; None for all others.
    gateway_id: device of kind gateway that its messages pass through.
    tags: words of the estate's own, that rules select by.
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
    meter_type: str | None = None
    rated_power_w: float | None = None
    accuracy_class: float | None = None
    item: CircuitItem | None = None
    organisation_id: str | None = None
    formula: str | None = None
    gateway_id: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Register:
    """One quantity of one device. id is dense, permanent and the index of every column.

    A dial value is what the meter shows, in the canonical unit, before ratio. Readings of
    counters are dial values and the ledger multiplies what was consumed; gauges are
    multiplied when they come in.
    ratio: CT x PT from the beginning until a replacement states another (Catalog.ratio).
    rollover_at: dial value at which the counter starts again from 0.
    max_rate: highest plausible rise in canonical units (after ratio) an hour.
    policy: id of its counter policy; None: the default of its quantity and meter type.
    rated_rate: rated rise in canonical units (after ratio) an hour; None: of electricity, what
    Device.rated_power_w allows.
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
    policy: str | None = None
    rated_rate: float | None = None


@dataclass(frozen=True, slots=True)
class RegisterSettings:
    """What can be set of a register; fields as there."""

    device_id: str
    quantity: str
    ratio: float = 1.0
    rollover_at: float | None = None
    max_rate: float | None = None
    policy: str | None = None
    rated_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Replacement:
    """A register's meter was replaced, or its ratio changed, at at_us.

    final_value, initial_value: what the old meter showed last and the new one first (dial
    values); None: not read. A mere change of ratio has the same value in both.
    ratio, rollover_at: of the new meter, from then on; None: as before.
    """

    id: str
    device_id: str
    quantity: str
    at_us: int
    final_value: float | None = None
    initial_value: float | None = None
    ratio: float | None = None
    rollover_at: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a device has been from from_us (0: always) until its next placement."""

    device_id: str
    from_us: int
    place_id: str
    parent_device_id: str | None = None


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
class MapLayer:
    """A GeoJSON FeatureCollection that the map draws: roads, geofences, depots."""

    id: str
    kind: str
    geojson: str
