"""Columns of registers as a test wants them; what it does not say is known of nothing."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.batch import BASE_US
from core.columns import RegisterColumns
from core.model import Replacement


def register_columns(
    size: int = 1,
    *,
    counts: Sequence[bool] | bool = True,
    expected_s: float = 900.0,
    confirm: int = 3,
    replacements: dict[int, tuple[Replacement, ...]] | None = None,
    **columns: Any,
) -> RegisterColumns:
    """columns: of RegisterColumns, one value for all registers or one each."""
    events = replacements or {}
    given = {
        "is_counter": counts,
        "is_electricity": True,
        "minimum": 0.0,
        "maximum": 1e12,
        "gauge_ratio": 1.0,
        "ratio": 1.0,
        "rollover_at": np.nan,
        "max_rate": np.nan,
        "step": 0.0,
        "jitter": 0.0,
        "sign": 1.0,
        "confirm": confirm,
        "expected_us": int(expected_s * 1_000_000),
        "base_us": BASE_US,
        "replaced": [register in events for register in range(size)],
        **columns,
    }
    arrays = {name: np.broadcast_to(np.asarray(value), (size,)).copy() for name, value in given.items()}
    return RegisterColumns(**arrays, replacements=events)
