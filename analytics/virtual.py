"""Virtual meters: what a formula of other meters gives, interval by interval.

In: the catalog, and ledger intervals of the real meters. Out: ledger intervals of the virtual
one, which go wherever those of a meter go. Nothing of them is stored, so an interval of an
input that is recomputed changes them with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.formulas import FormulaError, Term, evaluate, meters, parse
from core.batch import BASE_US, F64, I64, U16, IntervalBatch
from core.catalog import Catalog
from core.model import Device, DeviceKind, Register
from core.quantities import Energy
from core.sums import merged

MOST_DEPTH = 16
"""Virtual meters one in another."""


@dataclass(frozen=True, slots=True)
class Virtual:
    """A virtual meter whose formula can be used.

    source: what stands for a register id in sums; negative, as no register's is.
    inputs: meters in the formula, by id; each real one's register, or its own Virtual.
    registers: ids of all real registers that it comes down to, ascending.
    devices: ids of their meters.
    """

    source: int
    device_id: str
    term: Term
    energy: Energy
    unit: str
    inputs: Mapping[str, "Register | Virtual"]
    registers: tuple[int, ...]
    devices: frozenset[str]


def virtuals(catalog: Catalog) -> tuple[dict[str, Virtual], dict[str, FormulaError]]:
    """The usable virtual meters by id, and what is wrong with each of the others."""
    found: dict[str, Virtual] = {}
    wrong: dict[str, FormulaError] = {}
    for device in catalog.devices.values():
        if device.kind is DeviceKind.VIRTUAL:
            try:
                virtual(catalog, device, found)
            except FormulaError as error:
                wrong[device.id] = error
    return found, wrong


def virtual(
    catalog: Catalog, device: Device, known: dict[str, Virtual], within: Sequence[str] = ()
) -> Virtual:
    """One virtual meter, which may not be registered yet; those found on the way are added to known.

    within: the virtual meters whose formulas led here. Raises FormulaError for a formula that
    can't be read, meters that are not there, cycles, and meters of different energies.
    """
    if device.id in known and not within:
        return known[device.id]
    if not device.formula:
        raise FormulaError("a virtual meter needs a formula", 1, "give one, such as [main] - [charger]")
    term = parse(device.formula)
    path = (*within, device.id)
    kinds: dict[str, list[tuple[Energy, str, Register | Virtual]]] = {}
    for name in sorted(meters(term)):
        position = device.formula.find(f"[{name}") + 1
        below = device if name == device.id else catalog.devices.get(name)
        if below is None:
            raise FormulaError(f"there is no meter “{name}”", position, "name a registered meter by its id")
        if name in path:
            circle = " → ".join((*path[path.index(name) :], name))
            raise FormulaError(f"it is made of itself ({circle})", position, f"take [{name}] out")
        if below.kind is DeviceKind.VIRTUAL:
            made = known.get(name) or _nested(catalog, below, known, path, position)
            kinds[name] = [(made.energy, made.unit, made)]
        else:
            kinds[name] = _counters(catalog, name)
        if not kinds[name]:
            raise FormulaError(
                f"“{name}” has counted nothing yet", position, "wait for its first message, or name another"
            )
    energy, unit = _common(kinds, device.formula)
    inputs = {name: next(one for e, u, one in kinds[name] if (e, u) == (energy, unit)) for name in kinds}
    registers: set[int] = set()
    devices: set[str] = set()
    for name, one in inputs.items():
        registers |= set(one.registers) if isinstance(one, Virtual) else {one.id}
        devices |= one.devices if isinstance(one, Virtual) else {name}
    made = Virtual(
        -1 - catalog.device_number.get(device.id, len(catalog.devices)),
        device.id,
        term,
        energy,
        unit,
        inputs,
        tuple(sorted(registers)),
        frozenset(devices),
    )
    known[device.id] = made
    return made


def _nested(
    catalog: Catalog, device: Device, known: dict[str, Virtual], path: Sequence[str], position: int
) -> Virtual:
    if len(path) > MOST_DEPTH:
        fix = "name real meters, or fewer virtual ones of virtual ones"
        raise FormulaError(f"more than {MOST_DEPTH} virtual meters one in another", position, fix)
    try:
        return virtual(catalog, device, known, path)
    except FormulaError as error:
        raise FormulaError(f"[{device.id}] can't be used ({error})", position, error.fix) from None


def intervals(
    meter: Virtual, inputs: IntervalBatch, start_us: int, end_us: int, length_us: int = BASE_US
) -> IntervalBatch:
    """Ledger intervals of a virtual meter with start_us <= start < end_us, by start.

    inputs: those of meter.registers, in any order, none longer than length_us. An interval of
    which an input's amount is not known has none (NaN); coverage is the least of the inputs',
    flags are those of all.
    """
    slots = int(-(-(end_us - start_us) // length_us))
    inputs = merged(inputs, length_us)
    by_register = {
        register: inputs.take(inputs.register == register) for register in np.unique(inputs.register).tolist()
    }
    empty = IntervalBatch.empty()
    grids = {
        register: _Grid.of(by_register.get(register, empty), start_us, slots, length_us)
        for register in meter.registers
    }
    grid = _grid(meter, grids)
    at = np.flatnonzero(grid.known)
    n = len(at)
    none, nan = np.zeros(n, np.int64), np.full(n, np.nan)
    return IntervalBatch(
        np.full(n, meter.source, np.int32),
        start_us + at * length_us,
        grid.amount[at],
        grid.covered_us[at],
        grid.quality[at],
        none,
        nan,
        none,
        nan,
        grid.revision[at].astype(np.int32),
    )


@dataclass(slots=True)
class _Grid:
    """A meter's intervals on consecutive slots; known: something is stored of the slot."""

    amount: F64
    covered_us: I64
    quality: U16
    revision: I64
    known: np.ndarray[tuple[int], np.dtype[np.bool_]]

    @classmethod
    def of(cls, rows: IntervalBatch, start_us: int, slots: int, length_us: int) -> "_Grid":
        grid = cls(
            np.full(slots, np.nan),
            np.zeros(slots, np.int64),
            np.zeros(slots, np.uint16),
            np.zeros(slots, np.int64),
            np.zeros(slots, np.bool_),
        )
        at = (rows.start_us - start_us) // length_us
        inside = (at >= 0) & (at < slots)
        at = at[inside]
        grid.amount[at], grid.covered_us[at] = rows.amount[inside], rows.covered_us[inside]
        grid.quality[at], grid.revision[at] = rows.quality[inside], rows.revision[inside]
        grid.known[at] = True
        return grid


def _grid(meter: Virtual, known: dict[int, _Grid]) -> _Grid:
    """The formula over the grids of its inputs; known: those of sources, real ones all."""
    grids: dict[str, _Grid] = {}
    for name, one in meter.inputs.items():
        source = one.source if isinstance(one, Virtual) else one.id
        if source not in known and isinstance(one, Virtual):
            known[source] = _grid(one, known)
        grids[name] = known[source]
    amount = evaluate(meter.term, {name: grid.amount for name, grid in grids.items()})
    parts = list(grids.values())
    covered_us = np.minimum.reduce([grid.covered_us for grid in parts])
    return _Grid(
        amount,
        np.where(np.isnan(amount), 0, covered_us),
        np.bitwise_or.reduce([grid.quality for grid in parts]),
        np.add.reduce([grid.revision for grid in parts]),
        np.logical_or.reduce([grid.known for grid in parts]),
    )


def _counters(catalog: Catalog, device_id: str) -> list[tuple[Energy, str, Register | Virtual]]:
    return [
        (register.energy, register.unit, register)
        for register in catalog.registers_of(device_id)
        if register.energy is not None and not register.exported
    ]


def _common(
    kinds: Mapping[str, list[tuple[Energy, str, "Register | Virtual"]]], formula: str
) -> tuple[Energy, str]:
    """The energy and unit that every input counts; the first in the order of Energy if several."""
    common = set.intersection(*({(energy, unit) for energy, unit, _ in kind} for kind in kinds.values()))
    if not common:
        what = "; ".join(
            f"[{name}] counts {', '.join(sorted(f'{energy} in {unit}' for energy, unit, _ in kind))}"
            for name, kind in kinds.items()
        )
        name = list(kinds)[-1]
        raise FormulaError(
            f"its meters count nothing in common ({what})",
            formula.find(f"[{name}") + 1,
            "name meters of one energy and unit",
        )
    order = list(Energy)
    return min(common, key=lambda one: (order.index(one[0]), one[1]))
