"""The three tables of the power-factor adjustment."""

from decimal import Decimal

import pytest

from analytics.power_factor import adjustment, percent

# From the rule of 1983: power factor -> percent added (below 0: taken off), by standard.
TABLES = {
    0.90: {
        "1.00": "-0.75", "0.95": "-0.75", "0.94": "-0.60", "0.93": "-0.45", "0.92": "-0.30", "0.91": "-0.15",
        "0.90": "0", "0.89": "0.5", "0.85": "2.5", "0.80": "5", "0.75": "7.5", "0.70": "10", "0.69": "11",
        "0.66": "14", "0.65": "15", "0.64": "17", "0.60": "25",
    },
    0.85: {
        "1.00": "-1.10", "0.94": "-1.10", "0.93": "-0.95", "0.92": "-0.80", "0.91": "-0.65", "0.90": "-0.50",
        "0.89": "-0.40", "0.88": "-0.30", "0.87": "-0.20", "0.86": "-0.10", "0.85": "0", "0.84": "0.5",
        "0.75": "5", "0.65": "10", "0.64": "11", "0.60": "15", "0.59": "17",
    },
    0.80: {
        "1.00": "-1.30", "0.92": "-1.30", "0.91": "-1.15", "0.90": "-1.00", "0.89": "-0.90", "0.85": "-0.50",
        "0.81": "-0.10", "0.80": "0", "0.79": "0.5", "0.70": "5", "0.60": "10", "0.59": "11", "0.55": "15",
        "0.54": "17",
    },
}  # fmt: skip


@pytest.mark.parametrize("standard", TABLES)
def test_the_table_of_a_standard_is_met_at_every_step(standard):
    table = TABLES[standard]
    found = {factor: percent(Decimal(factor), standard) for factor in table}
    assert found == {factor: Decimal(added) for factor, added in table.items()}


@pytest.mark.parametrize(
    ("reactive_kvarh", "power_factor"), [(0.0, "1.00"), (500.0, "0.89"), (750.0, "0.80"), (1e9, "0.00")]
)
def test_the_power_factor_is_that_of_the_months_energies_to_the_hundredth(reactive_kvarh, power_factor):
    found = adjustment(1000.0, reactive_kvarh, 0.85)
    assert found is not None
    assert found.power_factor == Decimal(power_factor)
    assert found.percent == percent(Decimal(power_factor), 0.85)


def test_a_month_without_active_energy_has_no_power_factor():
    assert adjustment(0.0, 10.0, 0.85) is None
