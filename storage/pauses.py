"""Stretches without anything, between what there is."""

import numpy as np

from core.batch import I64


def between(first_us: I64, last_us: I64, start_us: int, end_us: int, longer_than_us: int) -> I64:
    """What is longer than so long between spans (by time), and at the two ends."""
    begins, ends = np.append(start_us, last_us), np.append(first_us, end_us)
    both = np.stack([begins, ends], axis=1).astype(np.int64)
    longer: I64 = both[ends - begins > longer_than_us]
    return longer
