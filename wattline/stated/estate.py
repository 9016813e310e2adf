"""Places, devices and rules as config/*.yaml states them, in the shapes of the API."""

from api.schemas.base import Input
from api.schemas.estate import DeviceInput, PlaceInput
from api.schemas.rules import RuleInput


class PlacesFile(Input):
    """places.yaml."""

    places: tuple[PlaceInput, ...] = ()


class DevicesFile(Input):
    """devices.yaml."""

    devices: tuple[DeviceInput, ...] = ()


class RulesFile(Input):
    """rules.yaml."""

    rules: tuple[RuleInput, ...] = ()
