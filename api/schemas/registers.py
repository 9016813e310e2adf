"""Registers, and what happened to meters: replacements and moves."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field

from api.schemas.base import Answer, Input, NewId, Page, Time
from api.times import rfc3339
from core.model import Placement, Register, RegisterSettings, Replacement
from core.quantities import QUANTITIES, Energy, RegisterKind


def _known_quantity(quantity: str) -> str:
    if quantity not in QUANTITIES:
        raise ValueError(f"no such quantity: use one of {', '.join(QUANTITIES)}")
    return quantity


QuantityName = Annotated[
    str, Field(max_length=64, examples=["energy_active_import_total"]), AfterValidator(_known_quantity)
]
_AS_BEFORE = "Left out: as before."


class RegisterInput(Input):
    """Settings of a register; what is left out is taken back."""

    ratio: float = Field(
        default=1.0, gt=0, le=1e9, description="CT x PT, until a replacement states another.", examples=[40.0]
    )
    policy: NewId | None = Field(
        default=None,
        description="Counter policy; left out: the default of its quantity and meter type.",
        examples=["dlt645"],
    )
    rollover_at: float | None = Field(
        default=None, gt=0, description="What the dial would show when it starts again at 0."
    )
    max_rate: float | None = Field(
        default=None, gt=0, description="Highest plausible rise an hour, in the unit, after ratio."
    )
    rated_rate: float | None = Field(
        default=None, gt=0, description="Rated rise an hour; left out: what rated_power_w allows."
    )

    def of(self, device_id: str, quantity: str) -> RegisterSettings:
        """The settings as the registry takes them."""
        return RegisterSettings(
            device_id, quantity, self.ratio, self.rollover_at, self.max_rate, self.policy, self.rated_rate
        )


class DeviceRegisterInput(RegisterInput):
    """Settings of one register, with its device."""

    quantity: QuantityName

    def settings(self, device_id: str) -> RegisterSettings:
        """The settings as the registry takes them."""
        return self.of(device_id, self.quantity)


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
    ratio: float = Field(description="CT x PT now.")
    policy: str | None = Field(description="As set; null: the default of its quantity and meter type.")
    rollover_at: float | None
    max_rate: float | None
    rated_rate: float | None
    last: LastReading | None

    @classmethod
    def shown(cls, register: Register, ratio: float, last: LastReading | None) -> Self:
        """The register as the API shows it."""
        return cls(
            id=register.id,
            device_id=register.device_id,
            quantity=register.quantity,
            kind=register.kind,
            unit=register.unit,
            energy=register.energy,
            ratio=ratio,
            policy=register.policy,
            rollover_at=register.rollover_at,
            max_rate=register.max_rate,
            rated_rate=register.rated_rate,
            last=last,
        )


class RegisterList(Page):
    """Registers in order of id."""

    items: list[RegisterItem]


class ReplacementInput(Input):
    """A meter was replaced, or its transformers were. Values are what the meters showed."""

    id: NewId | None = Field(default=None, description="To correct one: its id.")
    quantity: QuantityName
    at: Time = Field(max_length=64, description="When; a plain date is its first moment where the meter is.")
    final_value: float | None = Field(
        default=None, ge=0, le=1e12, description="Last value of the old meter; left out: not read."
    )
    initial_value: float | None = Field(
        default=None, ge=0, le=1e12, description="First value of the new meter; left out: not read."
    )
    ratio: float | None = Field(default=None, gt=0, le=1e9, description=f"CT x PT from then on. {_AS_BEFORE}")
    rollover_at: float | None = Field(default=None, gt=0, description=f"Of the new meter. {_AS_BEFORE}")
    note: str = Field(default="", max_length=500, examples=["new meter, number 20261121"])


class ReplacementItem(Answer):
    """A meter replacement; values are what the meters showed."""

    id: str
    device_id: str
    quantity: str
    at: Time
    final_value: float | None
    initial_value: float | None
    ratio: float | None
    rollover_at: float | None
    note: str

    @classmethod
    def of(cls, one: Replacement, timezone: str) -> Self:
        """The replacement as the API shows it."""
        return cls(
            id=one.id,
            device_id=one.device_id,
            quantity=one.quantity,
            at=rfc3339(one.at_us, timezone),
            final_value=one.final_value,
            initial_value=one.initial_value,
            ratio=one.ratio,
            rollover_at=one.rollover_at,
            note=one.note,
        )


class ReplacementList(Answer):
    """Replacements in order of time."""

    items: list[ReplacementItem]


class PlacementInput(Input):
    """A device was moved to another place, or below another meter."""

    from_: Time | None = Field(
        default=None,
        alias="from",
        max_length=64,
        description="Since when; left out: from the beginning, to correct where it was at first.",
    )
    place_id: str = Field(max_length=128, examples=["b0"])
    parent_device_id: str | None = Field(
        default=None, max_length=128, description="The meter upstream of it there."
    )


class PlacementItem(Answer):
    """Where a device has been from a moment on."""

    from_: Time | None = Field(serialization_alias="from", description="null: from the beginning.")
    place_id: str
    parent_device_id: str | None

    @classmethod
    def of(cls, one: Placement, timezone: str) -> Self:
        """The placement as the API shows it."""
        return cls(
            from_=rfc3339(one.from_us, timezone) if one.from_us else None,
            place_id=one.place_id,
            parent_device_id=one.parent_device_id,
        )


class PlacementList(Answer):
    """Where a device has been, in order of time; the last is where it is."""

    items: list[PlacementItem]
