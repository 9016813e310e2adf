"""What a tariff must fulfil to give every moment exactly one price."""

from itertools import pairwise, product
from math import isfinite

from core.calendars import clock_mistake, date_mistake, minutes, span_mistakes
from core.quantities import Energy
from core.tariffs import ALL_KINDS, ALL_MONTHS, Band, BandHours, Schedule, Tariff, TariffVersion, Tiers

STANDARDS = (0.9, 0.85, 0.8)
"""Standards of the power factor of the 1983 rule."""

QUARTERS = 96
"""Quarter hours of a clock's day."""


def mistakes(tariff: Tariff) -> list[str]:
    """Every mistake in the tariff, each as `key = value: fix`; empty if all is well."""
    found = []
    if not tariff.versions:
        found.append("versions: is empty: give at least one, with since and prices")
    for at, capacity in enumerate(tariff.capacities):
        found += date_mistake(f"capacities[{at}].since", capacity.since)
        if capacity.kva <= 0:
            found.append(f"capacities[{at}].kva = {capacity.kva:g}: must be more than 0")
    for at, version in enumerate(tariff.versions):
        found += _version_mistakes(f"versions[{at}]", version, tariff)
    for at, (before, after) in enumerate(pairwise(tariff.versions), 1):
        if after.since <= before.since:
            fix = f"must be later than the {before.since} of the one before: put versions in order"
            found.append(f"versions[{at}].since = {after.since!r}: {fix}")
    return found


def quarters(hours: BandHours) -> list[int]:
    """The quarter hours of the day, 0 to 95, that a band's hours take. Raises ValueError."""
    start, end = minutes(hours.start) // 15, minutes(hours.end) // 15
    return list(range(start, end)) if start < end else [*range(end), *range(start, QUARTERS)]


def _version_mistakes(where: str, version: TariffVersion, tariff: Tariff) -> list[str]:
    found = date_mistake(f"{where}.since", version.since)
    if tariff.energy is not Energy.ELECTRICITY:
        # Only electricity has hours, a demand and a power factor to be billed by.
        for key in ("schedules", "basic", "power_factor"):
            if getattr(version, key):
                found.append(f"{where}.{key}: {tariff.energy.value} has none: remove it")
    found += _price_mistakes(where, version)
    if version.power_factor is not None and version.power_factor not in STANDARDS:
        found.append(f"{where}.power_factor = {version.power_factor:g}: write 0.90, 0.85 or 0.80")
    if version.basic is not None and version.basic.over_from < 1:
        found.append(
            f"{where}.basic.over_from = {version.basic.over_from:g}: must be 1 or more, such as 1.05"
        )
    if version.tiers is not None:
        found += _tier_mistakes(f"{where}.tiers", version.tiers)
    return found + _schedules_mistakes(f"{where}.schedules", version.schedules)


def _price_mistakes(where: str, version: TariffVersion) -> list[str]:
    found = []
    numbers = {f"prices[{at}].price": one.price for at, one in enumerate(version.prices)}
    numbers |= {f"levies[{at}].price": one.price for at, one in enumerate(version.levies)}
    if version.tiers is not None:
        numbers |= {f"tiers.steps[{at}].add": one.add for at, one in enumerate(version.tiers.steps)}
    if version.basic is not None:
        numbers["basic.price"] = version.basic.price
    if version.export_price is not None:
        numbers["export_price"] = version.export_price
    found += [
        f"{where}.{key} = {number}: write a number" for key, number in numbers.items() if not isfinite(number)
    ]
    priced = [one.band for one in version.prices]
    for at, band in enumerate(priced):
        if band in priced[:at]:
            found.append(f"{where}.prices[{at}].band = {band.value!r}: has a price already: keep one")
    used = {hours.band for schedule in version.schedules for hours in schedule.hours} or {Band.FLAT}
    for band in sorted(used - set(priced)):
        found.append(f"{where}.prices: {band.value!r} is used and has no price: add it")
    for band in sorted(set(priced) - used):
        found.append(
            f"{where}.prices: {band.value!r} has a price and no hours: add hours or remove the price"
        )
    return found


def _tier_mistakes(where: str, tiers: Tiers) -> list[str]:
    if not tiers.steps:
        return [f"{where}.steps: is empty: give steps, or remove tiers"]
    found = []
    below = 0.0
    for at, step in enumerate(tiers.steps[:-1]):
        if step.up_to is None or step.up_to <= below:
            shown = "null" if step.up_to is None else f"{step.up_to:g}"
            found.append(
                f"{where}.steps[{at}].up_to = {shown}: must be more than {below:g}: put steps in order"
            )
        below = step.up_to or below
    last = tiers.steps[-1].up_to
    if last is not None:
        fix = "the last step takes all above: remove up_to"
        found.append(f"{where}.steps[{len(tiers.steps) - 1}].up_to = {last:g}: {fix}")
    return found


def _schedules_mistakes(where: str, schedules: tuple[Schedule, ...]) -> list[str]:
    found = []
    for at, schedule in enumerate(schedules):
        found += [
            f"{where}[{at}].months = {month}: write months as 1 to 12"
            for month in schedule.months
            if month not in ALL_MONTHS
        ]
        for number, span in enumerate(schedule.dates):
            found += span_mistakes(f"{where}[{at}].dates[{number}]", span)
        found += _hours_mistakes(f"{where}[{at}].hours", schedule.hours)
    regular = [(at, schedule) for at, schedule in enumerate(schedules) if not schedule.dates]
    if not schedules:
        return found
    missing: dict[str, list[int]] = {}
    for kind, month in product(ALL_KINDS, ALL_MONTHS):
        held = [at for at, one in regular if month in one.months and kind in one.days]
        if not held:
            missing.setdefault(kind.value, []).append(month)
        for at in held[1:]:
            fix = f"{where}[{held[0]}] holds in month {month} on a {kind.value} too: keep one"
            found.append(f"{where}[{at}].months = {month}: {fix}")
    for kind_name, months in missing.items():
        shown = ", ".join(map(str, months))
        found.append(f"{where}: no schedule holds on a {kind_name} of month {shown}: add one")
    return found


def _hours_mistakes(where: str, hours: tuple[BandHours, ...]) -> list[str]:
    found = []
    taken: dict[int, int] = {}
    for at, one in enumerate(hours):
        wrong = clock_mistake(f"{where}[{at}].start", one.start) + clock_mistake(
            f"{where}[{at}].end", one.end
        )
        found += wrong
        if wrong:
            return found
        overlap = [quarter for quarter in quarters(one) if quarter in taken]
        if overlap:
            span = f"{_clock(min(overlap))} is in {where}[{taken[min(overlap)]}] already"
            found.append(f"{where}[{at}] = {one.start} to {one.end}: {span}: make the hours meet")
        taken |= dict.fromkeys(quarters(one), at)
    gaps = [quarter for quarter in range(QUARTERS) if quarter not in taken]
    if gaps:
        end = next(q for q in range(gaps[0], QUARTERS + 1) if q in taken or q == QUARTERS)
        found.append(f"{where}: {_clock(gaps[0])} to {_clock(end)} has no band: add its hours")
    return found


def _clock(quarter: int) -> str:
    return f"{quarter // 4:02}:{quarter % 4 * 15:02}"
