"""Rules: what is watched, when that is a breach, and how it is told.

A rule selects targets (registers, devices or places), and its condition says of each whether
it is in breach. Conditions are plain dataclasses, known by their kind (CONDITIONS), so that a
rule is stored, provisioned from YAML and posted to the API in the same words.
"""

from dataclasses import dataclass
from enum import StrEnum

from core.model import Comparator, Name, Severity
from core.quantities import Energy


class Aggregate(StrEnum):
    """What is made of the readings of a window."""

    MEAN = "mean"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    SPREAD = "spread"  # maximum minus minimum


class Period(StrEnum):
    """A span of ledger time, in the place's timezone."""

    QUARTER_HOUR = "15m"
    HOUR = "1h"
    DAY = "1d"
    WEEK = "1w"
    MONTH = "1mo"


class Active(StrEnum):
    """When a rule holds, by the calendar of the place."""

    ALWAYS = "always"
    WORKING_HOURS = "working_hours"
    OFF_HOURS = "off_hours"


class Scope(StrEnum):
    """What a condition on figures is about."""

    DEVICE = "device"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Threshold:
    """Readings of a quantity past a threshold, each, or over the last window_s of event time.

    Values in the canonical unit of the quantity. It is over once the value is back past
    clear_threshold (None: the threshold itself).
    """

    quantity: str
    comparator: Comparator
    threshold: float
    clear_threshold: float | None = None
    window_s: float = 0.0
    aggregate: Aggregate = Aggregate.MEAN


@dataclass(frozen=True, slots=True)
class RateOfChange:
    """How fast a quantity changes, in its unit an hour, over at least window_s."""

    quantity: str
    comparator: Comparator
    threshold: float
    clear_threshold: float | None = None
    window_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Frozen:
    """A gauge that says exactly the same for hold_s, or a counter that stands while power flows.

    minimum_w: how much power the same meter must report for a standing counter to be wrong.
    """

    quantity: str
    hold_s: float = 21_600.0
    minimum_w: float = 100.0


@dataclass(frozen=True, slots=True)
class ClockSkew:
    """Device times that are ahead of receipt by more than ahead_s, or behind by a steady behind_s.

    A buffer that is uploaded is behind as well, but not steadily.
    """

    ahead_s: float = 60.0
    behind_s: float = 300.0


@dataclass(frozen=True, slots=True)
class NoData:
    """A device says nothing for longer than factor times its own expected interval.

    A gateway is silent when it and all devices behind it are; then those raise no alert of their own.
    """

    factor: float = 3.0
    minimum_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Implausible:
    """Readings of a device that were not believed or could not be, as a share of a period's intervals."""

    period: Period = Period.HOUR
    share: float = 0.25


@dataclass(frozen=True, slots=True)
class Consumption:
    """Amount of a period against a threshold, in the energy's unit (kWh, m3).

    per_m2: divided by the floor area of the place.
    """

    energy: Energy
    period: Period
    comparator: Comparator
    threshold: float
    clear_threshold: float | None = None
    scope: Scope = Scope.PLACE
    per_m2: bool = False
    minimum_coverage: float = 0.9


@dataclass(frozen=True, slots=True)
class Deviation:
    """Consumption of the last window_h hours far from what is usual, with nothing to explain it.

    Usual: for each hour the median of the same hour and kind of day over the last history_days.
    Far: more than factor times the usual scatter (scaled median absolute deviation) above it,
    rest_factor times on days of rest, when more is left on by mistake than on working days,
    or lower_factor times below it (below: whether it looks there), and at least minimum_share
    of it. It is over within clear_factor times the scatter, the others in proportion. Explained:
    not far either from the usual amount at the level of the last level_days (0: not asked),
    from what the same hours of the week before make of it (week_ago), or from the usual
    amount changed as half of the meters have changed, if these are at least `peers` (0: not
    asked). Says nothing before warm_up_days with data.
    """

    energy: Energy = Energy.ELECTRICITY
    factor: float = 3.7
    rest_factor: float = 2.8
    lower_factor: float = 2.5
    clear_factor: float = 1.5
    minimum_share: float = 0.15
    window_h: int = 12
    warm_up_days: int = 28
    history_days: int = 42
    level_days: int = 7
    week_ago: bool = True
    peers: int = 5
    below: bool = True
    scope: Scope = Scope.DEVICE


@dataclass(frozen=True, slots=True)
class OffHours:
    """Power in off-hours above the base load of the hour: what was left on."""

    energy: Energy = Energy.ELECTRICITY
    factor: float = 1.5
    minimum_w: float = 1000.0
    history_days: int = 28
    scope: Scope = Scope.PLACE


@dataclass(frozen=True, slots=True)
class DemandProjected:
    """Demand that this window will end with, against the contract of the place; shares of the contract."""

    share: float = 1.0
    clear_share: float = 0.9
    earliest_s: float = 300.0


@dataclass(frozen=True, slots=True)
class QuotaBurn:
    """Projected year-end consumption against a place's quota; share of the quota."""

    energy: str = "electricity"
    share: float = 1.0
    clear_share: float = 0.98


@dataclass(frozen=True, slots=True)
class Imbalance:
    """Parent minus children beyond what accuracy classes explain: leak, theft or a dead sub-meter.

    Only over periods in which all of them are covered. share: at least this much of the parent.
    """

    energy: Energy = Energy.ELECTRICITY
    period: Period = Period.DAY
    share: float = 0.03
    minimum_coverage: float = 0.98


@dataclass(frozen=True, slots=True)
class PowerFactorLow:
    """Power factor of a device over a period below the threshold, while it takes at least minimum_w."""

    threshold: float = 0.9
    clear_threshold: float = 0.92
    period: Period = Period.HOUR
    minimum_w: float = 1000.0


@dataclass(frozen=True, slots=True)
class Unbalance:
    """Phases apart by more than so many percent over a period; of current or voltage."""

    of: str = "current"
    threshold: float = 15.0
    clear_threshold: float = 12.0
    period: Period = Period.HOUR


@dataclass(frozen=True, slots=True)
class NightFlow:
    """Water that never stops at night: the least flow between two local hours, in m3 an hour."""

    from_hour: int = 2
    to_hour: int = 4
    threshold: float = 0.1
    nights: int = 2
    scope: Scope = Scope.DEVICE


ReadingCondition = Threshold | RateOfChange | Frozen | ClockSkew
FigureCondition = (
    Implausible
    | Consumption
    | Deviation
    | OffHours
    | DemandProjected
    | QuotaBurn
    | Imbalance
    | PowerFactorLow
    | Unbalance
    | NightFlow
)
Condition = ReadingCondition | FigureCondition | NoData

CONDITIONS: dict[str, type[Condition]] = {
    "threshold": Threshold,
    "rate_of_change": RateOfChange,
    "frozen": Frozen,
    "clock_skew": ClockSkew,
    "no_data": NoData,
    "implausible": Implausible,
    "consumption": Consumption,
    "deviation": Deviation,
    "off_hours": OffHours,
    "demand": DemandProjected,
    "quota": QuotaBurn,
    "imbalance": Imbalance,
    "power_factor": PowerFactorLow,
    "unbalance": Unbalance,
    "night_flow": NightFlow,
}
"""Every kind of condition by its name in YAML, API and database."""

KIND_OF: dict[type[Condition], str] = {type_: kind for kind, type_ in CONDITIONS.items()}


@dataclass(frozen=True, slots=True)
class Selector:
    """Which targets a rule watches; an empty tuple selects all.

    places: at or below them. categories: of the nearest place upward that has one.
    tags: devices that have all of them.
    """

    places: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MuteTime:
    """Local times at which a rule's alerts are recorded and not told.

    start, end: "HH:MM"; an end at or before the start is on the next day. weekdays: 1 (Monday)
    to 7; none means every day.
    """

    start: str
    end: str
    weekdays: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """What is watched, when it is a breach and what a person should do about it.

    A breach must last for_s of event time before the alert fires; it goes on for keep_firing_for_s
    after the target is clear again. active: outside these hours there is no breach.
    inhibited_by: rules whose open alerts on the same target, its device, its gateway or a place
    above hold this one back. action: what the person who sees the alert should do next.
    runbook: address of a page that says more. deadline_s: until when it must be handled before
    it goes one organisation up (None: by severity, core.alerts.DEADLINE_S). approval: closing
    it needs a second person. origin: "file" of a rule that configuration states, else "api".
    """

    id: str
    name: Name
    severity: Severity
    action: Name
    condition: Condition
    select: Selector = Selector()
    for_s: float = 0.0
    keep_firing_for_s: float = 0.0
    active: Active = Active.ALWAYS
    mute: tuple[MuteTime, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    runbook: str | None = None
    deadline_s: float | None = None
    approval: bool = False
    enabled: bool = True
    origin: str = "file"
