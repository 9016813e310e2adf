"""What can be measured, in which canonical unit, and how other units convert to it.

A quantity is known by its name everywhere: topics, registers, the API and the pages.
An unknown name or unit is refused with a reason, never guessed.
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
    Quantity("power_active", "W", _GAUGE, -1e9, 1e9),
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

# (unit as written by a device) -> (canonical unit, factor to multiply with)
UNITS: dict[str, tuple[str, float]] = {
    "kWh": ("kWh", 1.0),
    "Wh": ("kWh", 1e-3),
    "MWh": ("kWh", 1e3),
    "MJ": ("kWh", 1 / 3.6),
    "GJ": ("kWh", 1000 / 3.6),
    "W": ("W", 1.0),
    "kW": ("W", 1e3),
    "MW": ("W", 1e6),
    "V": ("V", 1.0),
    "mV": ("V", 1e-3),
    "kV": ("V", 1e3),
    "A": ("A", 1.0),
    "mA": ("A", 1e-3),
    "Hz": ("Hz", 1.0),
    "1": ("1", 1.0),
    "%": ("%", 1.0),
    "m3": ("m3", 1.0),
    "L": ("L", 1.0),
    "degC": ("degC", 1.0),
    "km": ("km", 1.0),
    "m": ("km", 1e-3),
    "km/h": ("km/h", 1.0),
    "m/s": ("km/h", 3.6),
    "deg": ("deg", 1.0),
}

# A litre is canonical for fuel and a thousandth of the canonical unit for water and gas.
_LITRES_OF = {"m3": 1e-3, "L": 1.0}


def factor_to_canonical(quantity: Quantity, unit: str) -> float | None:
    """Factor that turns a value in `unit` into the quantity's unit; None if they don't fit."""
    if unit == "L":
        return _LITRES_OF.get(quantity.unit)
    canonical, factor = UNITS.get(unit, (None, 0.0))
    return factor if canonical == quantity.unit else None
