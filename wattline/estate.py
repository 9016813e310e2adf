"""Places, devices and rules as config/*.yaml states them, in the shapes of the API."""

from typing import Annotated

from pydantic import AfterValidator, Field

from api.schemas.base import Input, NamesInput, NewId
from api.schemas.estate import DeviceInput, PlaceInput
from core.model import Comparator, Name, Rule, Severity
from core.quantities import QUANTITIES


def _known_quantity(quantity: str) -> str:
    if quantity not in QUANTITIES:
        raise ValueError(f"no such quantity: use one of {', '.join(QUANTITIES)}")
    return quantity


class RuleInput(Input):
    """One item of rules.yaml."""

    id: NewId
    name: NamesInput
    quantity: Annotated[str, AfterValidator(_known_quantity)]
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
