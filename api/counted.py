"""Which energy, and in which unit, a place or a meter counts."""

from api import problems
from api.estate import Estate
from core.quantities import Energy


def energy_and_unit(
    estate: Estate, place_id: str, energy: Energy | None, unit: str | None
) -> tuple[Energy, str]:
    """What is asked of a place, completed; else a problem that says what there is."""
    energy = _energy(estate.energies(place_id), energy)
    return energy, _unit(estate.units(estate.members(place_id, energy).devices, energy), unit)


def energy_and_unit_of(
    estate: Estate, device_id: str, energy: Energy | None, unit: str | None
) -> tuple[Energy, str]:
    """The same of one meter."""
    broken = estate.broken.get(device_id)
    if broken is not None:
        raise problems.invalid(
            "device",
            device_id,
            f"its formula can't be used: {broken}",
            f"{broken.fix}, and POST the device again",
        )
    energy = _energy([one for one in Energy if estate.counters(device_id, one)], energy)
    return energy, _unit(estate.units([device_id], energy), unit)


def _energy(kinds: list[Energy], energy: Energy | None) -> Energy:
    if energy is None and len(kinds) == 1:
        return kinds[0]
    if energy is None or energy not in kinds:
        why = "is needed" if energy is None else "is not metered here"
        raise problems.invalid("energy", energy, why, problems.choice(kinds))
    return energy


def _unit(exists: list[str], unit: str | None) -> str:
    if unit is None and len(exists) == 1:
        return exists[0]
    if unit is None or unit not in exists:
        why = "meters here count in different units" if unit is None else "no meter here counts in it"
        raise problems.invalid("unit", unit and problems.shown(unit), why, f"unit={' or unit='.join(exists)}")
    return unit
