"""What can be measured, and in which canonical unit.

A quantity is known by its name everywhere: topics, registers, the API and the pages.
An unknown name is refused with a reason, never guessed.
"""

from dataclasses import dataclass
from enum import StrEnum


class Energy(StrEnum):
    """Kind of energy or resource that a counter accounts for."""

    ELECTRICITY = "electricity"
    WATER = "water"
    GAS = "gas"
    HEAT = "heat"


class RegisterKind(StrEnum):
    """How consecutive values of a register relate to one another."""

    COUNTER = "counter"  # cumulative; consumption is the difference
    GAUGE = "gauge"  # instantaneous
    DELTA = "delta"  # amount since the previous message
    STATE = "state"  # on or off, a mode


@dataclass(frozen=True, slots=True)
class Quantity:
    """One thing that can be measured; minimum and maximum bound a believable value."""

    name: str
    unit: str
    kind: RegisterKind
    minimum: float
    maximum: float
    energy: Energy | None = None
    exported: bool = False


_COUNTER, _GAUGE, _STATE = RegisterKind.COUNTER, RegisterKind.GAUGE, RegisterKind.STATE

# Bounds reject what no instrument of a public building can show; a register's own
# max_rate and ratio narrow them later.
_ALL = (
    Quantity("energy_active_import_total", "kWh", _COUNTER, 0.0, 1e12, Energy.ELECTRICITY),
    Quantity("energy_active_export_total", "kWh", _COUNTER, 0.0, 1e12, Energy.ELECTRICITY, exported=True),
    # Reactive energy is booked like any counter and belongs to no energy: it is never summed with kWh.
    Quantity("energy_reactive_import_total", "kvarh", _COUNTER, 0.0, 1e12),
    Quantity("energy_reactive_export_total", "kvarh", _COUNTER, 0.0, 1e12, exported=True),
    Quantity("power_active", "W", _GAUGE, -1e9, 1e9),
    Quantity("power_reactive", "var", _GAUGE, -1e9, 1e9),
    Quantity("power_factor", "1", _GAUGE, -1.0, 1.0),
    *(Quantity(f"voltage_l{phase}", "V", _GAUGE, 0.0, 1e6) for phase in (1, 2, 3)),
    *(Quantity(f"current_l{phase}", "A", _GAUGE, -1e5, 1e5) for phase in (1, 2, 3)),
    Quantity("frequency", "Hz", _GAUGE, 0.0, 1000.0),
    Quantity("water_volume_total", "m3", _COUNTER, 0.0, 1e12, Energy.WATER),
    Quantity("gas_volume_total", "m3", _COUNTER, 0.0, 1e12, Energy.GAS),
    # Some gas suppliers bill, and some estates publish, energy and not volume.
    Quantity("gas_energy_total", "kWh", _COUNTER, 0.0, 1e12, Energy.GAS),
    Quantity("heat_energy_total", "kWh", _COUNTER, 0.0, 1e12, Energy.HEAT),
    Quantity("heat_power", "W", _GAUGE, -1e9, 1e9),
    Quantity("temp_supply", "degC", _GAUGE, -60.0, 400.0),
    Quantity("temp_return", "degC", _GAUGE, -60.0, 400.0),
    Quantity("speed", "km/h", _GAUGE, 0.0, 400.0),
    Quantity("course", "deg", _GAUGE, 0.0, 360.0),
    Quantity("odometer", "km", _COUNTER, 0.0, 1e8),
    Quantity("ignition", "1", _STATE, 0.0, 1.0),
    Quantity("fuel_volume", "L", _GAUGE, 0.0, 1e5),
    Quantity("fuel_level", "%", _GAUGE, 0.0, 100.0),
    Quantity("battery_soc", "%", _GAUGE, 0.0, 100.0),
)

QUANTITIES: dict[str, Quantity] = {quantity.name: quantity for quantity in _ALL}
