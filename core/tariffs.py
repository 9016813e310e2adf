"""Tariffs: dated prices by season, kind of day and hour, with tiers, basic charge and levies.

A tariff is a list of versions, each valid from a local date until the next one's. Prices
are in the tariff's currency for one of its unit and are written as the decimals they are;
`analytics.bill` multiplies them exactly. `core.tariff_rules` says what is wrong with one.
"""

from dataclasses import dataclass
from enum import StrEnum

from core.calendars import DayKind, Span
from core.model import Name
from core.quantities import Energy


class Band(StrEnum):
    """Part of the day with its own price; BANDS gives each its code in columns."""

    SHARP = "sharp"  # 尖峰
    PEAK = "peak"  # 高峰
    FLAT = "flat"  # 平段
    VALLEY = "valley"  # 低谷
    DEEP_VALLEY = "deep_valley"  # 深谷


BANDS = tuple(Band)

ALL_MONTHS = tuple(range(1, 13))
ALL_KINDS = tuple(DayKind)


@dataclass(frozen=True, slots=True)
class BandHours:
    """A band from start to end, local HH:MM on quarter hours.

    With end at or before start it is the beginning and the end of the same day: 23:00 to
    07:00 is 00:00 to 07:00 and 23:00 to 24:00 of each day on which it holds.
    """

    band: Band
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """Bands of the days of some months and kinds; its hours fill the day without overlap.

    dates: holds only on these days, whatever their kind, and wins over schedules without
    dates (a heat wave, the week of the Spring Festival).
    """

    hours: tuple[BandHours, ...]
    months: tuple[int, ...] = ALL_MONTHS
    days: tuple[DayKind, ...] = ALL_KINDS
    dates: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class BandPrice:
    """Price of one unit in a band."""

    band: Band
    price: float


@dataclass(frozen=True, slots=True)
class Levy:
    """What is added to every unit whatever its band: funds, system operation, sewage.

    adjusted: whether the power-factor adjustment applies to it; funds collected for the
    state are exempt.
    """

    name: Name
    price: float
    adjusted: bool = False


class TierPeriod(StrEnum):
    """After which the amounts of tiers begin again at zero: the local month or year."""

    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Tier:
    """Amounts up to up_to (None: all above) cost add more than the band's price."""

    up_to: float | None
    add: float


@dataclass(frozen=True, slots=True)
class Tiers:
    """Steps by the account's amount in a period, lowest first; the last has no upper end."""

    period: TierPeriod
    steps: tuple[Tier, ...]


class BasicBy(StrEnum):
    """What the basic charge of a two-part tariff is reckoned by."""

    CAPACITY = "capacity"  # 变压器容量, kVA
    CONTRACT_DEMAND = "contract_demand"  # 合同最大需量, kW
    ACTUAL_DEMAND = "actual_demand"  # 实际最大需量, kW


@dataclass(frozen=True, slots=True)
class BasicCharge:
    """price a month for each kVA or kW.

    By contract demand the contract is paid; what the maximum exceeds over_from times the
    contract by costs over_factor times the price (发改办价格 [2016] 1583号: 105 %, double).
    """

    by: BasicBy
    price: float
    over_from: float = 1.05
    over_factor: float = 2.0


@dataclass(frozen=True, slots=True)
class TariffVersion:
    """What holds from a local date (YYYY-MM-DD) on.

    schedules: empty means that every hour is flat. power_factor: standard of the
    power-factor adjustment (0.90, 0.85 or 0.80); None: there is none. export_price: credit
    for a unit fed in; None: none is paid. example: the figures illustrate and no one has
    published them.
    """

    since: str
    source: str
    region: str
    prices: tuple[BandPrice, ...]
    schedules: tuple[Schedule, ...] = ()
    levies: tuple[Levy, ...] = ()
    tiers: Tiers | None = None
    basic: BasicCharge | None = None
    power_factor: float | None = None
    export_price: float | None = None
    example: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Capacity:
    """Transformer capacity of a place's account from a local date on, for the basic charge."""

    place_id: str
    kva: float
    since: str = "1970-01-01"


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices of one kind of energy, in currency for one unit; versions in order of `since`.

    A version ends where the next begins. Before the first nothing has a price.
    """

    id: str
    name: Name
    energy: Energy
    unit: str
    currency: str
    versions: tuple[TariffVersion, ...]
    capacities: tuple[Capacity, ...] = ()

    def capacity_kva(self, place_id: str, day: str) -> float | None:
        """Transformer capacity of a place's account on a local date (YYYY-MM-DD); None if not known."""
        known = [one for one in self.capacities if one.place_id == place_id and one.since <= day]
        return max(known, key=lambda one: one.since).kva if known else None
