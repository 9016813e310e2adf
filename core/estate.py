"""Everything that is registered together: what configuration states, or a simulation needs."""

from dataclasses import dataclass

from core.model import Device, MapLayer, Place, RegisterSettings
from core.rules import Rule


@dataclass(frozen=True, slots=True)
class Estate:
    """Everything that provisioning a set of places takes.

    registers: those that have settings; all others are made when they report.
    all_rules: rules are all that files state now; what they stated before is dropped.
    """

    places: tuple[Place, ...] = ()
    devices: tuple[Device, ...] = ()
    rules: tuple[Rule, ...] = ()
    map_layers: tuple[MapLayer, ...] = ()
    registers: tuple[RegisterSettings, ...] = ()
    all_rules: bool = False

    def joined(self, other: "Estate") -> "Estate":
        """Everything of both."""
        return Estate(
            self.places + other.places,
            self.devices + other.devices,
            self.rules + other.rules,
            self.map_layers + other.map_layers,
            self.registers + other.registers,
            self.all_rules or other.all_rules,
        )
