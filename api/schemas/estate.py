"""Places and devices."""

from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from api.schemas.base import Answer, Input, Names, NamesInput, NewId, Page, Text, Time
from api.schemas.registers import DeviceRegisterInput
from core.benchmarks import ClimateZone
from core.model import CircuitItem, Device, DeviceKind, Name, Place, PlaceKind, RegisterSettings
from core.quantities import Energy


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; a path; a folder of the zone database
        raise ValueError("must be an IANA time zone such as Asia/Shanghai") from None
    return name


ZoneName = Annotated[str, Field(max_length=64, examples=["Asia/Shanghai"]), AfterValidator(_known_zone)]
_INHERITED = "Holds below this place too, until a place has one of its own."
CoordinateSystem = Literal["wgs84", "gcj02", "bd09"]


class PlaceInput(Input):
    """A place to add, or to replace by its id."""

    id: NewId
    kind: PlaceKind = Field(examples=["building"])
    parent_id: str | None = Field(default=None, max_length=128, examples=["site1"])
    name: NamesInput
    timezone: ZoneName
    floor_area_m2: float | None = Field(default=None, gt=0, examples=[9045.0])
    headcount: int | None = Field(default=None, ge=0, le=10_000_000, examples=[320])
    category: Text | None = Field(default=None, examples=["office"])
    latitude: float | None = Field(default=None, ge=-90, le=90, examples=[29.56301])
    longitude: float | None = Field(default=None, ge=-180, le=180, examples=[106.551556])
    climate_zone: ClimateZone | None = Field(default=None, description=_INHERITED)
    calendar_id: NewId | None = Field(default=None, description=_INHERITED, examples=["cn-office"])
    tariffs: dict[Energy, NewId] = Field(
        default={}, description=f"Tariff id by energy. {_INHERITED}", examples=[{}]
    )
    contract_demand_w: float | None = Field(
        default=None, gt=0, description="Contracted demand of this place alone.", examples=[800_000.0]
    )
    region_code: NewId | None = Field(
        default=None, description=f"Region of emission factors. {_INHERITED}", examples=["CN-CQ"]
    )

    base_minutes: Literal[1, 5, 15] | None = Field(
        default=None, description=f"Length of the ledger's intervals; 15 if none is given. {_INHERITED}"
    )

    def place(self) -> Place:
        """The place as the registry takes it."""
        return Place(
            self.id,
            self.kind,
            Name(self.name.zh, self.name.en),
            self.timezone,
            self.parent_id,
            self.floor_area_m2,
            self.headcount,
            self.category,
            self.latitude,
            self.longitude,
            None if self.climate_zone is None else self.climate_zone.value,
            self.calendar_id,
            tuple((energy.value, tariff) for energy, tariff in self.tariffs.items()),
            self.contract_demand_w,
            self.region_code,
            self.base_minutes,
        )


class PlaceItem(Answer):
    """A node of the place tree."""

    id: str = Field(examples=["b0"])
    kind: PlaceKind
    parent_id: str | None
    name: Names
    timezone: str = Field(description="Decides what a day and a month are here.", examples=["Asia/Shanghai"])
    floor_area_m2: float | None
    headcount: int | None
    category: str | None
    latitude: float | None = Field(description="WGS-84, degrees.")
    longitude: float | None
    climate_zone: str | None
    calendar_id: str | None
    tariffs: dict[str, str]
    contract_demand_w: float | None
    region_code: str | None
    base_minutes: int | None
    energies: list[Energy] = Field(description="What is metered at or below this place.")

    @classmethod
    def of(cls, place: Place, energies: list[Energy]) -> Self:
        """The place as the API shows it."""
        return cls(
            id=place.id,
            kind=place.kind,
            parent_id=place.parent_id,
            name=Names(zh=place.name.zh, en=place.name.en),
            timezone=place.timezone,
            floor_area_m2=place.floor_area_m2,
            headcount=place.headcount,
            category=place.category,
            latitude=place.latitude_deg,
            longitude=place.longitude_deg,
            climate_zone=place.climate_zone,
            calendar_id=place.calendar_id,
            tariffs=dict(place.tariffs),
            contract_demand_w=place.contract_demand_w,
            region_code=place.region_code,
            base_minutes=place.base_minutes,
            energies=energies,
        )


class PlaceList(Page):
    """Places in order of id."""

    items: list[PlaceItem]


class DeviceInput(Input):
    """A device to add, or to replace by its id."""

    id: NewId = Field(examples=["m17"])
    kind: DeviceKind = Field(examples=["meter"])
    place_id: str = Field(max_length=128, examples=["b0"])
    parent_device_id: str | None = Field(
        default=None, max_length=128, description="The meter upstream, whose register contains this one's."
    )
    name: NamesInput
    decoder: Literal["native"] = "native"
    expected_interval_s: float = Field(
        default=900, gt=0, le=31_536_000, description="How often it reports; a longer silence is a gap."
    )
    coordinate_system: CoordinateSystem = "wgs84"
    meter_type: NewId | None = Field(
        default=None,
        description="Its registers have the counter policies of this type.",
        examples=["three_phase"],
    )
    rated_power_w: float | None = Field(
        default=None, gt=0, le=1e10, description="Most that can flow through it.", examples=[110_000.0]
    )
    accuracy_class: float | None = Field(
        default=None, gt=0, le=100, description="Percent of the value that it may be wrong.", examples=[1.0]
    )
    item: CircuitItem | None = Field(default=None, description="What it feeds: items A to D of JGJ/T 285.")
    organisation_id: str | None = Field(
        default=None,
        max_length=128,
        description="On whose account it is; left out: the nearest organisation above its place.",
    )
    formula: str | None = Field(
        default=None,
        max_length=1000,
        description="Of a virtual meter, over ids of meters in brackets.",
        examples=["[main] - 0.5 * [charger]"],
    )
    gateway_id: str | None = Field(
        default=None, max_length=128, description="The gateway that its messages pass through."
    )
    tags: tuple[Text, ...] = Field(
        default=(), max_length=50, description="Words of your own that rules select by.", examples=[[]]
    )
    registers: tuple[DeviceRegisterInput, ...] = Field(
        default=(),
        max_length=100,
        description="Settings of its registers; those left out stay as they are.",
        examples=[[]],
    )

    def device(self, registered: Device | None) -> Device:
        """The device as the registry takes it; validity in time stays as registered."""
        return Device(
            self.id,
            self.kind,
            self.place_id,
            Name(self.name.zh, self.name.en),
            self.parent_device_id,
            self.decoder,
            self.expected_interval_s,
            self.coordinate_system,
            registered.valid_from_us if registered else None,
            registered.valid_to_us if registered else None,
            self.meter_type,
            self.rated_power_w,
            self.accuracy_class,
            self.item,
            self.organisation_id,
            self.formula,
            self.gateway_id,
            tuple(dict.fromkeys(self.tags)),
        )

    def settings(self) -> tuple[RegisterSettings, ...]:
        """Settings of registers as the registry takes them."""
        return tuple(register.settings(self.id) for register in self.registers)


class DeviceItem(Answer):
    """A meter, vehicle tracker or gateway."""

    id: str = Field(examples=["m17"])
    kind: DeviceKind
    place_id: str
    parent_device_id: str | None
    name: Names
    decoder: str
    expected_interval_s: float
    coordinate_system: str
    meter_type: str | None
    rated_power_w: float | None
    accuracy_class: float | None
    item: CircuitItem | None
    organisation_id: str | None
    formula: str | None
    gateway_id: str | None
    tags: list[str]
    last_seen: Time | None = Field(description="Device time of its newest reading or fix.")

    @classmethod
    def of(cls, device: Device, last_seen: str | None) -> Self:
        """The device as the API shows it."""
        return cls(
            id=device.id,
            kind=device.kind,
            place_id=device.place_id,
            parent_device_id=device.parent_device_id,
            name=Names(zh=device.name.zh, en=device.name.en),
            decoder=device.decoder,
            expected_interval_s=device.expected_interval_s,
            coordinate_system=device.coordinate_system,
            meter_type=device.meter_type,
            rated_power_w=device.rated_power_w,
            accuracy_class=device.accuracy_class,
            item=device.item,
            organisation_id=device.organisation_id,
            formula=device.formula,
            gateway_id=device.gateway_id,
            tags=list(device.tags),
            last_seen=last_seen,
        )


class DeviceList(Page):
    """Devices in order of id."""

    items: list[DeviceItem]
