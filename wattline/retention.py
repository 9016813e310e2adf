"""What is kept for how long: from settings to what a store is asked to let go, and to words."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from analytics.thinning import thinned
from core.batch import BASE_US, ReadingBatch
from core.columns import RegisterColumns
from core.retention import Retention
from wattline.stated.settings import RetentionSettings, Store

_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long rows are kept, in days; None is for ever."""

    full_resolution_days: int | None = None
    readings_days: int | None = None
    positions_days: int | None = None

    @classmethod
    def of(cls, settings: RetentionSettings) -> "Keeping":
        """As configured."""
        return cls(settings.full_resolution_days, settings.readings_days, settings.positions_days)

    def as_of(self, now_us: int, columns: RegisterColumns) -> Retention:
        """What may go now; columns hold the registers of the stored readings."""

        def limit_us(days: int | None) -> int | None:
            return None if days is None else now_us - days * _DAY_US

        return Retention(
            full_from_us=limit_us(self.full_resolution_days),
            readings_from_us=limit_us(self.readings_days),
            positions_from_us=limit_us(self.positions_days),
            quiet_from_us=now_us - _DAY_US,
            thin=partial(_thin_known, columns),
        )


def statement(settings: RetentionSettings, store: Store) -> list[str]:
    """What is kept, a line each kind, for a person to read."""
    full, readings, positions = (
        settings.full_resolution_days,
        settings.readings_days,
        settings.positions_days,
    )
    ends = "for ever" if readings is None else f"until {readings} days old"
    thins = full is not None and (readings is None or full < readings) and store.kind == "duckdb"
    if not thins:
        kept = f"every one {ends}"
    else:
        kept = f"every one for {full} days, then those that the figures of each 15 minutes need, {ends}"
    return [
        f"readings: {kept}",
        f"positions: {'for ever' if positions is None else f'until {positions} days old'}",
        "ledger: for ever",
    ]


def fixed_before_us(retention: Retention) -> int:
    """Ledger intervals that start before this stay as they are: their readings may have gone."""
    if retention.readings_from_us is None:
        return -(2**63)
    return -(-retention.readings_from_us // BASE_US) * BASE_US


def _thin_known(columns: RegisterColumns, batch: ReadingBatch) -> ReadingBatch:
    """Thin the registers that are registered; a register of another registry keeps its readings."""
    known = batch.register < len(columns.expected_us)
    if known.all():
        return thinned(batch, columns)
    joined = ReadingBatch.concat([thinned(batch.take(known), columns), batch.take(~known)])
    return joined.take(np.lexsort((joined.event_time_us, joined.register)))
