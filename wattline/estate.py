"""Places, devices and rules as config/*.yaml states them, in the shapes of the API."""

from typing import Annotated

from pydantic import Field

from api.schemas.base import Input, NamesInput, NewId
from api.schemas.estate import DeviceInput, PlaceInput
from api.schemas.registers import QuantityName
from core.model import Comparator, Name, Severity
from core.rules import Rule


class RuleInput(Input):
    """One item of rules.yaml."""

    id: NewId
    name: NamesInput
    quantity: QuantityName
    comparator: Comparator
    threshold: float
    clear_threshold: float | None = None
    for_s: Annotated[float, Field(ge=0)] = 0.0
    severity: Severity = Severity.WARNING
    action: NamesInput
    places: tuple[NewId, ...] = ()
    devices: tuple[NewId, ...] = ()

    def rule(self) -> Rule:
        """The rule as the registry takes it."""
        return Rule(
            self.id,
            Name(self.name.zh, self.name.en),
            self.quantity,
            self.comparator,
            self.threshold,
            self.threshold if self.clear_threshold is None else self.clear_threshold,
            self.for_s,
            self.severity,
            Name(self.action.zh, self.action.en),
            self.places,
            self.devices,
        )


class PlacesFile(Input):
    """places.yaml."""

    places: tuple[PlaceInput, ...] = ()


class DevicesFile(Input):
    """devices.yaml."""

    devices: tuple[DeviceInput, ...] = ()


class RulesFile(Input):
    """rules.yaml."""

    rules: tuple[RuleInput, ...] = ()
