"""Properties of every register as columns indexed by register id, for vectorised steps."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from core.batch import F64, I64, Mask
from core.catalog import Catalog
from core.model import Register
from core.quantities import QUANTITIES, Energy, RegisterKind


@dataclass(frozen=True, slots=True)
class RegisterColumns:
    """One row a register, row i being register i.

    expected_us: how often it reports. minimum, maximum: bounds of a believable value, after
    ratio. rollover_at and max_rate (canonical units an hour) are NaN where not known.
    """

    is_counter: Mask
    is_electricity: Mask
    ratio: F64
    minimum: F64
    maximum: F64
    expected_us: I64
    rollover_at: F64
    max_rate: F64

    @classmethod
    def of(cls, catalog: Catalog) -> "RegisterColumns":
        """Columns of every register in the catalog."""
        return cls._of(catalog, catalog.registers)

    def extended(self, catalog: Catalog) -> "RegisterColumns":
        """Columns of a catalog that extends the one which these are of."""
        more = self._of(catalog, catalog.registers[len(self.ratio) :])
        pairs = [(getattr(self, column.name), getattr(more, column.name)) for column in fields(self)]
        return RegisterColumns(*map(np.concatenate, pairs))

    @classmethod
    def _of(cls, catalog: Catalog, registers: Sequence[Register]) -> "RegisterColumns":
        quantities = [QUANTITIES[register.quantity] for register in registers]
        expected_s = [catalog.devices[register.device_id].expected_interval_s for register in registers]
        return cls(
            # An odometer counts up as well, but distance has its own ledger: trips.
            np.array(
                [r.kind is RegisterKind.COUNTER and r.quantity != "odometer" for r in registers], np.bool_
            ),
            np.array([r.energy is Energy.ELECTRICITY for r in registers], np.bool_),
            np.array([r.ratio for r in registers], np.float64),
            np.array([q.minimum for q in quantities], np.float64),
            np.array([q.maximum for q in quantities], np.float64),
            (np.array(expected_s, np.float64) * 1e6).astype(np.int64),
            _known([r.rollover_at for r in registers]),
            _known([r.max_rate for r in registers]),
        )


def _known(values: list[float | None]) -> F64:
    return np.array([np.nan if value is None else value for value in values], np.float64)
