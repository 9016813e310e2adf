"""Places, devices and registers."""

from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from api.schemas.base import Answer, Input, Names, NamesInput, NewId, Page, Text, Time
from core.model import Device, DeviceKind, Name, Place, PlaceKind
from core.quantities import Energy, RegisterKind


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; a path; a folder of the zone database
        raise ValueError("must be an IANA time zone such as Asia/Shanghai") from None
    return name


ZoneName = Annotated[str, Field(max_length=64, examples=["Asia/Shanghai"]), AfterValidator(_known_zone)]
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
        )


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
            last_seen=last_seen,
        )


class DeviceList(Page):
    """Devices in order of id."""

    items: list[DeviceItem]


class LastReading(Answer):
    """The newest reading of a register."""

    time: Time
    value: float
    age_s: float


class RegisterItem(Answer):
    """One quantity of one device."""

    id: int
    device_id: str
    quantity: str = Field(examples=["energy_active_import_total"])
    kind: RegisterKind
    unit: str = Field(examples=["kWh"])
    energy: Energy | None
    ratio: float = Field(description="CT x PT: the meter's value is multiplied with it.")
    last: LastReading | None


class RegisterList(Page):
    """Registers in order of id."""

    items: list[RegisterItem]
