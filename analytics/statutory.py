"""The statutory table: energy and resource consumption of public institutions, by quarter and year.

One row an institution: electricity, water, coal, natural gas, petrol, diesel, heat and other
energy, people, floor area and vehicles, and what follows from them per person and per m2
(公共机构能源资源消费统计). Amounts that nobody measured or entered stay blank, not 0; water is a
resource of its own and is never part of the standard coal.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from core.batch import BASE_US
from core.factors import Subject
from core.model import Name
from core.quality import Quality
from core.quantities import Energy

ESTIMATED = Quality.GAP_SPREAD | Quality.MANUAL | Quality.DOUBTED | Quality.JUMP
"""Flags of intervals whose amount is not simply what a meter counted."""

DAY_SLOTS = 86_400_000_000 // BASE_US


class Item(StrEnum):
    """A column of the table."""

    ELECTRICITY = "electricity"
    WATER = "water"
    COAL = "coal"
    NATURAL_GAS = "natural_gas"
    PETROL = "petrol"
    DIESEL = "diesel"
    HEAT = "heat"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Column:
    """How an item is stated.

    energy: what meters count of it, in any of `units`, each with how many of `unit` it is.
    subject: what factors know it as; None: it is stated as standard coal already.
    """

    item: Item
    name: Name
    unit: str
    energy: Energy | None = None
    units: Mapping[str, float] = field(default_factory=dict)
    subject: Subject | None = None


COLUMNS = (
    Column(
        Item.ELECTRICITY,
        Name("电", "Electricity"),
        "kWh",
        Energy.ELECTRICITY,
        {"kWh": 1.0},
        Subject.ELECTRICITY,
    ),
    Column(Item.WATER, Name("水", "Water"), "m3", Energy.WATER, {"m3": 1.0}, Subject.FRESH_WATER),
    Column(Item.COAL, Name("煤炭", "Coal"), "t", subject=Subject.COAL),
    # Gas that is counted as energy has no volume: it can't be stated in this column.
    Column(
        Item.NATURAL_GAS, Name("天然气", "Natural gas"), "m3", Energy.GAS, {"m3": 1.0}, Subject.NATURAL_GAS
    ),
    Column(Item.PETROL, Name("汽油", "Petrol"), "L", subject=Subject.PETROL),
    Column(Item.DIESEL, Name("柴油", "Diesel"), "L", subject=Subject.DIESEL),
    Column(Item.HEAT, Name("热力", "Heat"), "GJ", Energy.HEAT, {"kWh": 0.0036}, Subject.HEAT),
    Column(Item.OTHER, Name("其他能源", "Other energy"), "kgce"),
)
"""In the order of the table."""

COLUMN = {column.item: column for column in COLUMNS}


@dataclass(frozen=True, slots=True)
class Stated:
    """An amount in the table, in its column's unit.

    amount: None: nobody measured or entered it. coverage: measured share of the time; 1 for
    what was entered. quality: flags of its intervals. entered: by whom and from what, of values
    that no meter gives.
    """

    amount: float | None = None
    coverage: float = 0.0
    quality: int = 0
    entered: tuple[str, ...] = ()

    @property
    def is_estimated(self) -> bool:
        """Whether it is not simply what meters counted all the time."""
        return self.amount is not None and bool(self.coverage < 1 or self.quality & ESTIMATED or self.entered)

    def plus(self, other: "Stated") -> "Stated":
        """Both together; what is not known adds nothing."""
        if self.amount is None or other.amount is None:
            known = self if other.amount is None else other
            return Stated(known.amount, known.coverage, known.quality, known.entered)
        return Stated(
            self.amount + other.amount,
            min(self.coverage, other.coverage),
            self.quality | other.quality,
            (*self.entered, *other.entered),
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One institution, or a sum."""

    stated: Mapping[Item, Stated]
    people: float | None
    area_m2: float | None
    vehicles: int


@dataclass(frozen=True, slots=True)
class Indicators:
    """What follows from a row; None where a part of it is not known.

    total_kgce: of all energy stated. left_out: items stated that have no factor. missing: items
    that nobody measured or entered.
    """

    total_kgce: float | None
    kgce_per_person: float | None
    kgce_per_m2: float | None
    kwh_per_m2: float | None
    kwh_per_person: float | None
    water_m3_per_person: float | None
    left_out: tuple[Item, ...]
    missing: tuple[Item, ...]


FactorOf = Callable[[Column], float | None]
"""Standard coal of one of a column's unit, in kgce; None if no factor is known."""


def indicators(row: Row, kgce_of: FactorOf) -> Indicators:
    """Per person and per m2 of the period itself: a quarter's are a quarter of a year's, roughly."""
    total: float | None = None
    left_out: list[Item] = []
    for column in COLUMNS:
        amount = row.stated[column.item].amount
        if amount is None or column.item is Item.WATER:
            continue
        factor = 1.0 if column.subject is None else kgce_of(column)
        if factor is None:
            left_out.append(column.item)
        else:
            total = (total or 0.0) + amount * factor
    electricity, water = row.stated[Item.ELECTRICITY].amount, row.stated[Item.WATER].amount
    return Indicators(
        total,
        _per(total, row.people),
        _per(total, row.area_m2),
        _per(electricity, row.area_m2),
        _per(electricity, row.people),
        _per(water, row.people),
        tuple(left_out),
        tuple(column.item for column in COLUMNS if row.stated[column.item].amount is None),
    )


def _per(amount: float | None, of: float | None) -> float | None:
    return None if amount is None or not of else amount / of
