"""Rules on figures: whether amounts, powers and shares of ended periods are what they should be.

In: figures of many targets, as the API shows them. Out: Found, a row a target and a column a
period. Nothing here knows a clock or where figures come from; `wattline.figures` reads them.
"""

from collections.abc import Callable

from analytics.figure_rules.consumption import consumption
from analytics.figure_rules.deviation import deviation
from analytics.figure_rules.forecasts import demand_projected, quota_burn
from analytics.figure_rules.found import Found
from analytics.figure_rules.imbalance import imbalance
from analytics.figure_rules.implausible import implausible
from analytics.figure_rules.night_flow import night_flow
from analytics.figure_rules.off_hours import off_hours
from analytics.figure_rules.phases import power_factor_low, unbalance

__all__ = [
    "EVALUATORS", "Found", "consumption", "demand_projected", "deviation", "imbalance", "implausible",
    "night_flow", "off_hours", "power_factor_low", "quota_burn", "unbalance",
]  # fmt: skip

EVALUATORS: dict[str, Callable[..., Found]] = {
    "implausible": implausible,
    "consumption": consumption,
    "deviation": deviation,
    "off_hours": off_hours,
    "demand": demand_projected,
    "quota": quota_burn,
    "imbalance": imbalance,
    "power_factor": power_factor_low,
    "unbalance": unbalance,
    "night_flow": night_flow,
}
"""What judges each kind of condition on figures (core.rules.CONDITIONS); each takes the condition first."""
