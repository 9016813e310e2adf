"""What reports share: the accounts of a request, electricity by quarter-hours, numbers as shown."""

import numpy as np

from api import problems
from api.accounts import Accounts, Figure
from api.estate import Estate
from api.items import interval_quality
from api.schemas.series import QualityName
from core.batch import BASE_US
from core.quantities import Energy

KWH = "kWh"


def check_electricity(estate: Estate, place_id: str) -> None:
    """Raise a problem if the place is unknown or has no electricity meter."""
    if Energy.ELECTRICITY in estate.energies(estate.place(place_id).id):
        return
    metered = [one for one in estate.place_ids if Energy.ELECTRICITY in estate.energies(one)]
    raise problems.invalid(
        "place", problems.shown(place_id), "has no electricity meter", problems.choice(metered)
    )


def quarters(accounts: Accounts, place_id: str, start_us: int, end_us: int) -> Figure:
    """A place's electricity in kWh by 15-minute slots of a span on marks."""
    edges_us = np.arange(start_us, end_us + 1, BASE_US, dtype=np.int64)
    return accounts.figure(accounts.shares(place_id, Energy.ELECTRICITY, KWH), edges_us)


def meters(accounts: Accounts, place_id: str, start_us: int, end_us: int) -> list[str]:
    """Meters that count for a place's electricity somewhere in a span."""
    shares = accounts.shares(place_id, Energy.ELECTRICITY, KWH)
    return accounts.meters(shares, start_us, end_us)


def quality_of(flags: int, intervals: int) -> list[QualityName]:
    """Names of the flags; none where nothing is known."""
    return interval_quality(flags) if intervals or flags else []


def number(value: float, digits: int = 6) -> float | None:
    """The number without the noise of floating-point sums; None for NaN."""
    return None if np.isnan(value) else round(float(value), digits)
