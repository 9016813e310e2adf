"""A meter's day as the rules of data quality look at it: readings, intervals, meters below."""

import numpy as np

from analytics.balance import USUAL_CLASS
from analytics.data_quality_rules import Balance, MeterDay, Series
from api.services import Services
from core.batch import BASE_US, I32, IntervalBatch, ReadingBatch
from core.catalog import Catalog
from core.model import Device, DeviceKind, Register
from core.quantities import QUANTITIES, Energy, RegisterKind
from core.sums import merged

_COMPLETE = 0.999


class MeterDays:
    """Reads the days of some meters; the intervals of all of them at once, the readings one by one."""

    def __init__(
        self, services: Services, catalog: Catalog, devices: list[Device], start_us: int, end_us: int
    ) -> None:
        """end_us: of a day that runs, now."""
        self._services, self._catalog = services, catalog
        self._start_us, self._end_us = start_us, end_us
        self._children = self._below({one.id for one in devices})
        wanted = {one.id: one for one in devices}
        for below in self._children.values():
            wanted |= {one.id: one for one in below}
        counters = [register for one in wanted.values() for register in self._counters(one)]
        ids = np.array(sorted(register.id for register in counters), np.int32)
        self._rows = merged(services.store.intervals(ids, start_us, end_us))

    def day(self, device: Device) -> tuple[MeterDay, int, float]:
        """(the day, how many readings it has, the measured share of its time)."""
        registers = self._catalog.registers_of(device.id)
        ids = np.array([one.id for one in registers], np.int32)
        batch = self._services.store.readings(ids, self._start_us, self._end_us)
        mine = self._intervals(device)
        slots = -(-(self._end_us - self._start_us) // BASE_US) * len(self._counters(device))
        expected_us = int(device.expected_interval_s * 1e6)
        found = MeterDay(
            start_us=self._start_us,
            end_us=self._end_us,
            expected_us=expected_us,
            rated_w=float("nan") if device.rated_power_w is None else device.rated_power_w,
            series=tuple(self._series(device, one, batch) for one in registers),
            interval_amount=mine.amount,
            interval_quality=mine.quality,
            slots=slots,
            balance=self._balance(device),
        )
        elapsed_us = max((self._end_us - self._start_us) * len(self._counters(device)), 1)
        return found, len(batch), min(float(mine.covered_us.sum()) / elapsed_us, 1.0)

    def _series(self, device: Device, register: Register, batch: ReadingBatch) -> Series:
        rows = batch.take(batch.register == register.id)
        quantity = QUANTITIES[register.quantity]
        rated = register.rated_rate
        if rated is None and register.energy is Energy.ELECTRICITY and device.rated_power_w is not None:
            rated = device.rated_power_w / 1000
        return Series(
            register.quantity,
            register.kind is RegisterKind.COUNTER,
            quantity.minimum,
            quantity.maximum,
            self._catalog.ratio(register, self._start_us),
            float("nan") if rated is None else rated,
            rows.event_time_us,
            rows.value,
            rows.quality,
            rows.received_at_us,
        )

    def _below(self, parents: set[str]) -> dict[str, list[Device]]:
        """By meter, those right below it when the day began."""
        found: dict[str, list[Device]] = {one: [] for one in parents}
        for one in self._catalog.devices.values():
            if one.kind is DeviceKind.METER:
                parent = self._catalog.placed(one.id, self._start_us)[1]
                if parent in found:
                    found[parent].append(one)
        return found

    def _counters(self, device: Device) -> list[Register]:
        return [
            one
            for one in self._catalog.registers_of(device.id)
            if one.energy is not None and not one.exported
        ]

    def _intervals(self, device: Device, energy: Energy | None = None) -> IntervalBatch:
        ids: I32 = np.array(
            [one.id for one in self._counters(device) if energy in (None, one.energy)], np.int32
        )
        return self._rows.take(np.isin(self._rows.register, ids))

    def _balance(self, device: Device) -> Balance | None:
        """Of electricity; None unless this meter and all right below it were measured all the time."""
        energy = Energy.ELECTRICITY
        below = [
            one
            for one in self._children[device.id]
            if any(register.energy is energy for register in self._counters(one))
        ]
        if not below or self._end_us - self._start_us < BASE_US:
            return None
        amounts, tolerance = [], 0.0
        for one in (device, *below):
            rows = self._intervals(one, energy)
            if rows.covered_us.sum() < _COMPLETE * (self._end_us - self._start_us):
                return None
            amount = float(np.nansum(rows.amount))
            accuracy = USUAL_CLASS[energy] if one.accuracy_class is None else one.accuracy_class
            amounts.append(amount)
            tolerance += accuracy / 100 * abs(amount)
        return Balance(amounts[0], sum(amounts[1:]), tolerance)
