"""The meters of the simulated estate as they report: registers, power, currents, voltages.

Every value is a pure function of (seed, time). Registers are whole thousandths of their
unit, so that a parent is exactly the sum of its children plus its losses.
"""

from dataclasses import dataclass

import numpy as np

from core.batch import F64, I64
from simulators.buildings import BUILDINGS
from simulators.load import ORIGIN_US, UTC_OFFSET_US, Load, LoadModel, Profile
from simulators.metering import Meter, MeterType, contracted_power_w, meters
from simulators.stream import Sample, Topic
from simulators.vehicles import VehicleFleet

_STANDBY = Load(Profile.ALWAYS, base=0.012, swing=0.1)
_DAY_US = 86_400_000_000
_NOMINAL_V = 223.0
_COUNTERS = {
    MeterType.WATER: "water_volume_total",
    MeterType.GAS: "gas_volume_total",
    MeterType.HEAT: "heat_energy_total",
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All meters at several times; columns are in the order of MeterFleet.meters.

    register: int64 [time, meter], thousandths of kWh or m3, import.
    exported: int64 [time, meter], thousandths of kWh.
    power_w: float64 [time, meter], import positive; W for heat meters too, NaN for water and gas.
    """

    time_us: I64
    register: I64
    exported: I64
    power_w: F64


class MeterFleet:
    """All meters of the simulated estate."""

    def __init__(self, seed: int, fleet: VehicleFleet) -> None:
        rng = np.random.default_rng((seed, 0x3E7E2))
        self.seed = seed
        self.meters = meters()
        self.index = {meter.id: number for number, meter in enumerate(self.meters)}
        self._fleet = fleet
        self._leaves = [n for n, meter in enumerate(self.meters) if meter.load or _has_standby(meter)]
        self._model = LoadModel([self.meters[n].load or _STANDBY for n in self._leaves], seed)
        self._initial = rng.integers(2_000_000, 900_000_000, len(self.meters))
        parents = dict.fromkeys(m.parent for m in reversed(self.meters) if m.parent is not None)
        self._sums = [  # children before their parents' parents
            (self.index[parent], np.array([self.index[m.id] for m in self.meters if m.parent == parent]))
            for parent in sorted(parents, key=lambda device: -self._depth(device))
        ]
        self._phases = rng.uniform(0, 2 * np.pi, (len(self.meters), 8))
        self._full_load_w = {building.id: contracted_power_w(building) for building in BUILDINGS}

    def at(self, time_us: I64) -> Snapshot:
        """Registers and power at increasing times; raises StartError before 2025."""
        shape = (len(time_us), len(self.meters))
        register, exported = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        power_w = np.zeros(shape)
        total, rate = self._model.at(time_us)
        for column, n in enumerate(self._leaves):
            meter = self.meters[n]
            kwh, kw = total[:, column], rate[:, column]
            if meter.type is MeterType.CHARGER:
                charged, charging = self._fleet.charger_energy(meter.id, time_us)
                kwh, kw = kwh + charged, kw + charging
            elif meter.type is MeterType.SOLAR:
                made_kwh, made_kw = _sunshine(meter, time_us)
                exported[:, n] = _thousandths(made_kwh)
                kw = kw - made_kw
            register[:, n] = self._initial[n] + _thousandths(kwh)
            power_w[:, n] = kw * 1000.0
            if meter.type in {MeterType.WATER, MeterType.GAS}:
                power_w[:, n] = np.nan
        for n, children in self._sums:
            below, ppm = register[:, children].sum(axis=1), self.meters[n].loss_ppm
            register[:, n] = below + losses(below, ppm)
            power_w[:, n] = power_w[:, children].sum(axis=1) * (1 + ppm / 1e6)
        return Snapshot(time_us, register, exported, power_w)

    def samples(self, snapshot: Snapshot, row: int, meter: int, *, brief: bool = False) -> Sample:
        """What one meter reports at one time of a snapshot.

        brief: registers and power only, as a device's memory keeps them.
        """
        spec = self.meters[meter]
        register = int(snapshot.register[row, meter]) / 1000
        power_w = float(snapshot.power_w[row, meter])
        time_us = int(snapshot.time_us[row])
        values: dict[str, float | bool]
        if spec.type in {MeterType.WATER, MeterType.GAS}:
            values = {_COUNTERS[spec.type]: register}
        elif spec.type is MeterType.HEAT:
            values = {_COUNTERS[spec.type]: register, "heat_power": round(power_w, 1)}
            if not brief:
                values |= self._temperatures(meter, power_w)
        else:
            values = {"energy_active_import_total": register, "power_active": round(power_w, 1)}
            if spec.type is MeterType.MAIN or spec.type is MeterType.SOLAR:
                values["energy_active_export_total"] = int(snapshot.exported[row, meter]) / 1000
            if spec.type is MeterType.MAIN and not brief:
                values |= self._three_phases(meter, time_us, power_w)
        return Sample(spec.id, Topic.READINGS, time_us, values)

    def _three_phases(self, meter: int, time_us: int, power_w: float) -> dict[str, float | bool]:
        """Voltages, currents, power factor and frequency with P = sum of U x I x PF."""
        seconds = (time_us - ORIGIN_US) / 1e6
        phases = self._phases[meter]
        share = power_w / self._full_load_w[self.meters[meter].building.id]
        factor = 0.9 + 0.07 * min(1.0, 2 * share) + 0.01 * np.sin(seconds / 733 + phases[0])
        shares = np.array([1.0 + 0.06 * np.sin(seconds / 911 + phase) for phase in phases[1:4]])
        shares /= shares.sum()
        # The grid sags a little as the building draws more; all feeders share its slow swing.
        grid = _NOMINAL_V + 2.0 * np.sin(seconds / 3571) - 4.0 * share
        voltage = [grid + 1.2 * np.sin(seconds / 307 + phase) for phase in phases[4:7]]
        values: dict[str, float | bool] = {}
        for number, (u, part) in enumerate(zip(voltage, shares, strict=True), start=1):
            values[f"voltage_l{number}"] = round(float(u), 1)
            values[f"current_l{number}"] = round(float(power_w * part / (u * factor)), 3)
        values["power_factor"] = round(float(factor), 4)
        values["frequency"] = round(50.0 + 0.02 * float(np.sin(seconds / 97) + np.sin(seconds / 41)), 3)
        return values

    def _temperatures(self, meter: int, power_w: float) -> dict[str, float | bool]:
        """Supply and return temperature; the difference grows with the heat drawn."""
        full_w = self.meters[meter].building.floor_area_m2 * 25.0
        supply = 55.0 + 8.0 * min(1.0, power_w / full_w)
        return {
            "temp_supply": round(supply, 1),
            "temp_return": round(supply - 4.0 - 12.0 * power_w / full_w, 1),
        }

    def _depth(self, device: str) -> int:
        parent = self.meters[self.index[device]].parent
        return 0 if parent is None else 1 + self._depth(parent)


def losses(below: I64, ppm: int) -> I64:
    """Losses in thousandths between a meter and its children's sum; they never fall either."""
    return below * ppm // 1_000_000


def _has_standby(meter: Meter) -> bool:
    return meter.type in {MeterType.CHARGER, MeterType.SOLAR}


def _thousandths(total: F64) -> I64:
    return np.floor(total * 1000.0).astype(np.int64)


def _sunshine(meter: Meter, time_us: I64) -> tuple[F64, F64]:
    """(kWh since the origin, kW) of rooftop panels: half a sine from 06:30 to 18:30 local time.

    A day's peak varies with its number, as clouds come and go; the integral is exact.
    """
    rise_s, length_s = 6.5 * 3600, 12 * 3600
    day, within_us = np.divmod(time_us + UTC_OFFSET_US, _DAY_US)
    first = (ORIGIN_US + UTC_OFFSET_US) // _DAY_US
    peak = meter.building.solar_kw * _clearness(np.arange(first, int(day.max()) + 1, dtype=np.int64))
    day_kwh = peak * length_s / 3600 * 2 / np.pi
    before = np.concatenate([[0.0], np.cumsum(day_kwh)])
    angle = np.pi * np.clip((within_us / 1e6 - rise_s) / length_s, 0, 1)
    at = day - first
    kwh: F64 = before[at] + day_kwh[at] * (1 - np.cos(angle)) / 2
    kw: F64 = peak[at] * np.sin(angle)
    return kwh, kw


def _clearness(day: I64) -> F64:
    """Share of the panels' peak that a day reaches, 0.15 to 0.85."""
    cloud: F64 = 0.5 + 0.35 * np.sin(2.4 * day) * np.cos(0.37 * day)
    return cloud
