"""What figures are computed with: calendars, tariffs, factors, quotas and counter policies.

Each is a document with an id; what changes with time is dated inside it. Documents are plain
(text, numbers, tuples, enumerations, dataclasses), so that they can be stored as JSON.
"""

from dataclasses import dataclass, field

from core.calendars import Calendar
from core.factors import FactorSet
from core.policies import CounterPolicy
from core.tariffs import Tariff


@dataclass(frozen=True, slots=True)
class Quota:
    """How much a place may use in a calendar year.

    energy: one of core.quantities.Energy, or "coal" for all energy as standard coal.
    amount: in unit, such as kWh, m3 or kgce.
    """

    id: str
    place_id: str
    energy: str
    year: int
    amount: float
    unit: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class References:
    """All documents by kind, then by id."""

    calendars: dict[str, Calendar] = field(default_factory=dict)
    tariffs: dict[str, Tariff] = field(default_factory=dict)
    factors: dict[str, FactorSet] = field(default_factory=dict)
    quotas: dict[str, Quota] = field(default_factory=dict)
    policies: dict[str, CounterPolicy] = field(default_factory=dict)


Reference = Calendar | Tariff | FactorSet | Quota | CounterPolicy

KINDS: dict[str, type[Reference]] = {
    "calendars": Calendar,
    "tariffs": Tariff,
    "factors": FactorSet,
    "quotas": Quota,
    "policies": CounterPolicy,
}
"""Type of the documents of each field of References."""
