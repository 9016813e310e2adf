"""How a cumulative register counts, and when what it shows is believed: policies as a table.

A register has the policy that it names, else the one for its quantity and the type of its
meter, else the one for its quantity. What a register states itself (rollover_at, max_rate,
rated_rate) goes before its policy. All values are in canonical units, as the meter shows
them (before ratio), but max_rate, which is what passes the meter (after ratio).
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CounterPolicy:
    """What is believed of a counter.

    rollover_at: the value at which its digits or bits start again at 0.
    max_rate: highest plausible rise an hour where nothing is known of the meter.
    rate_margin: of a meter with a rating, so many times the rated rise is plausible.
    step: the register may count in steps of up to this, however soon after one another.
    jitter: a fall of up to this is noise. It books nothing; nor does the way back up.
    confirm_readings: so many readings in a row, none of which goes on from where the counter
    was, make a fall or an implausible rise believed.
    counts_down: it shows what is left, as a prepaid meter does; a rise is a top-up.
    """

    id: str
    rollover_at: float | None = None
    max_rate: float | None = None
    rate_margin: float = 2.0
    step: float = 10.0
    jitter: float = 0.05
    confirm_readings: int = 3
    counts_down: bool = False
    source: str = ""


# Highest rates: what no meter of one institution passes, unless its rating says otherwise: 20 MW of
# electricity (the busbar of a 35 kV substation), 2,000 m3/h of water, 5,000 m3/h of gas, 50 MW of heat.
_ALL = (
    CounterPolicy("counter", source="any counter of which nothing is known"),
    CounterPolicy("electricity", max_rate=20_000.0, source="any electricity meter"),
    CounterPolicy(
        "dlt645",
        rollover_at=1_000_000.0,
        max_rate=20_000.0,
        step=0.02,
        source="DL/T 645-2007: XXXXXX.XX kWh",
    ),
    CounterPolicy("u32_wh", rollover_at=2**32 / 1000, max_rate=20_000.0, source="32 bits of Wh"),
    CounterPolicy("u32_wh_10", rollover_at=2**32 / 100, max_rate=20_000.0, source="32 bits of 10 Wh"),
    CounterPolicy("u23_wh", rollover_at=2**23 / 1000, max_rate=20_000.0, source="23 bits of Wh"),
    CounterPolicy(
        "volatile",
        max_rate=100.0,
        step=0.1,
        jitter=0.0,
        confirm_readings=2,
        source="plugs and relays that count from 0 after a power cut",
    ),
    CounterPolicy(
        "prepaid",
        max_rate=1_000.0,
        confirm_readings=2,
        counts_down=True,
        source="shows the energy that is still paid for",
    ),
    CounterPolicy("water", max_rate=2_000.0, step=1.0, jitter=0.01, source="any water meter"),
    CounterPolicy(
        "water_mechanical",
        rollover_at=100_000.0,
        max_rate=2_000.0,
        step=1.0,
        jitter=0.01,
        source="five digits of m3, the usual building meter",
    ),
    CounterPolicy("gas", max_rate=5_000.0, jitter=0.01, source="any gas meter"),
    CounterPolicy("heat", max_rate=50_000.0, source="any heat or gas meter that counts kWh"),
)

POLICIES: dict[str, CounterPolicy] = {policy.id: policy for policy in _ALL}

DEFAULTS: dict[tuple[str, str | None], str] = {
    ("energy_active_import_total", None): "electricity",
    ("energy_active_import_total", "single_phase"): "dlt645",
    ("energy_active_import_total", "three_phase"): "dlt645",
    ("energy_active_import_total", "plug"): "volatile",
    ("energy_active_import_total", "prepaid"): "prepaid",
    ("energy_active_export_total", None): "electricity",
    ("energy_active_export_total", "three_phase"): "dlt645",
    ("water_volume_total", None): "water",
    ("water_volume_total", "water_mechanical"): "water_mechanical",
    ("gas_volume_total", None): "gas",
    ("gas_energy_total", None): "heat",
    ("heat_energy_total", None): "heat",
}
"""Policy by quantity and type of meter; None is any other type."""


def policy_of(
    policy: str | None,
    quantity: str,
    meter_type: str | None,
    policies: Mapping[str, CounterPolicy] = POLICIES,
) -> CounterPolicy:
    """The policy that holds for a register; one that is not known (any more) counts as not named."""
    if policy is not None and policy in policies:
        return policies[policy]
    by_type = DEFAULTS.get((quantity, meter_type)) or DEFAULTS.get((quantity, None), "counter")
    return policies.get(by_type, POLICIES[by_type])
