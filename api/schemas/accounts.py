"""Groups of consumption, what is derived from it, what is behind it, and balances."""

from typing import Literal

from pydantic import Field

from analytics.balance import Verdict
from analytics.grouping import GroupBy
from api.schemas.base import Answer, Names, Time
from api.schemas.series import Consumption, QualityName
from core.quantities import Energy


class NextAction(Names):
    """What a person should do next, in both languages."""


class GroupPeriod(Answer):
    """A group's own part in one period."""

    start: Time
    end: Time
    amount: float | None
    coverage: float = Field(ge=0, le=1)


class ConsumptionGroup(Answer):
    """One group; the amounts of all groups add up to the total."""

    id: str | None = Field(description="Place, device or circuit item; null: unassigned.")
    name: Names | None
    energy: Energy
    unit: str
    amount: float | None = Field(description="Its own part: nothing of it is in another group.")
    gross: float | None = Field(description="What its own account says, parts of other groups included.")
    overlap: float | None = Field(description="gross less amount: what is in other groups as well.")
    shared_with: list[str | None] = Field(description="The groups that the overlap is in.")
    coverage: float = Field(ge=0, le=1)
    quality: list[QualityName]
    negative: bool = Field(description="The meters below count more than the one above: see next_action.")
    coal_kgce: float | None = Field(default=None, description="With `with=coal`.")
    co2_kg: float | None = Field(default=None, description="With `with=co2`.")
    next_action: NextAction | None
    items: list[GroupPeriod]


class Basis(Answer):
    """A factor or a tariff version that a figure rests on."""

    id: str = Field(examples=["electricity/co2", "cq-general"])
    value: float | None = Field(description="Of a factor, for one unit of the consumption.")
    unit: str = Field(examples=["kgce/kWh", "CNY/kWh"])
    region: str
    year: int | None
    since: str | None = Field(description="First local day of a tariff's version.")
    source: str
    note: str | None = Field(description="What to know about it, such as a factor of another year.")


class Derived(Answer):
    """Cost, standard coal or CO2 of the consumption, by the same periods."""

    unit: str = Field(examples=["kgce", "kg", "CNY"])
    total: float | None
    items: list[float | None] = Field(description="One a period, in the order of items.")
    in_totals: bool = Field(description="Whether it is part of totals of energy; water's coal never is.")
    credit: float | None = Field(None, description="Of a cost: paid for what was fed in, not taken off it.")
    basis: list[Basis]
    next_action: NextAction | None


class ReadingAt(Answer):
    """A reading in or beside a span, as the meter showed it."""

    time: Time
    value: float


class Event(Answer):
    """A replacement of a meter, or a change of its ratio."""

    id: str
    time: Time
    final_value: float | None
    initial_value: float | None
    ratio: float | None
    note: str


class Flag(Answer):
    """A flag of intervals, and what it means."""

    name: QualityName
    intervals: int
    meaning: Names


class Behind(Answer):
    """One register behind a figure, from when to when it counts."""

    device: str
    place: str = Field(description="Where it stood.")
    quantity: str
    unit: str
    start: Time
    end: Time
    amount: float | None
    coverage: float = Field(ge=0, le=1)
    first: ReadingAt | None
    last: ReadingAt | None
    ratio: float = Field(description="CT x PT at the start; changes are among the events.")
    events: list[Event]
    flags: list[Flag]
    revision: int = Field(description="Highest revision of its intervals.")
    recomputed: int = Field(description="Intervals that were recomputed after late or corrected readings.")


class VirtualBehind(Answer):
    """A virtual meter behind a figure; the registers that it is made of are listed with it."""

    device: str
    formula: str
    amount: float | None
    coverage: float = Field(ge=0, le=1)
    made_of: list[str]


class Explanation(Answer):
    """Everything that the total rests on."""

    registers: list[Behind]
    virtual: list[VirtualBehind]
    pending: int = Field(description="Spans of late data that are not in the figures yet.")


class ConsumptionAccount(Consumption):
    """Consumption with what was asked for besides."""

    group_by: GroupBy | None = None
    gross: float | None = Field(default=None, description="Sum of the groups' gross amounts.")
    overlap: float | None = Field(default=None, description="What gross counts more than once.")
    groups: list[ConsumptionGroup] | None = None
    cost: Derived | None = None
    coal: Derived | None = None
    co2: Derived | None = None
    explanation: Explanation | None = None


class BalanceMeter(Answer):
    """A meter in a balance."""

    device: str
    amount: float | None
    coverage: float = Field(ge=0, le=1)
    accuracy_class: float = Field(description="Percent.")
    assumed: bool = Field(description="The class is not registered: the usual one of its energy.")


class BalanceItem(Answer):
    """One period of a balance; amounts in unit."""

    start: Time
    end: Time
    parent: float | None
    children: float | None
    rest: float | None = Field(description="parent less children.")
    tolerance: float | None
    verdict: Verdict


class Balance(Answer):
    """A meter against the meters right below it."""

    device: str
    energy: Energy
    unit: str
    timezone: str
    from_: Time = Field(serialization_alias="from")
    to: Time
    parent: BalanceMeter
    children: list[BalanceMeter]
    rest: float | None
    tolerance: float | None = Field(description="See docs/api.md for the formula.")
    verdict: Verdict
    next_action: NextAction | None
    items: list[BalanceItem]


With = Literal["cost", "coal", "co2"]
