"""Sums of ledger intervals inside DuckDB: a year of 1,000 meters in seconds.

A row that travels to NumPy costs as much as summing a hundred where they are. But the table
may hold several rows of one identity, of which the last written counts. Those identities are
found first (a bit for each slot, 64 to a word: a word with fewer bits than rows holds a
repetition); their rows travel, all others are summed in place. Registers with a finer base than
15 minutes have several intervals a slot, each another part of it, and are dealt with apart.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.batch import BASE_US, I32, I64, MINUTE_US, U8, IntervalBatch
from core.sums import IntervalSums, slot_table, slot_us
from storage.columns import latest_intervals
from storage.duckdb_queries import Cursor, among, fetch_as_written, within_slots

# ruff: noqa: S608 - statements hold names of ours and integers only

_WORD, _SHIFT = 64, 6
_MOST_GROUPS = 1_000_000  # about 80 bytes each while DuckDB sums
_FEW_SLOTS = 24  # in periods shorter than this, rows travel as fast, if they are few
_MANY_ROWS = 500_000
_FEWEST_SLOTS = 4  # in periods shorter than this, they do however many they are
_PARTS = BASE_US // MINUTE_US

_Slots = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class _Identities:
    """Intervals by the columns that DuckDB knows them by."""

    register: I32
    slot: _Slots
    part: U8

    @classmethod
    def of(cls, rows: IntervalBatch) -> "_Identities":
        part = (rows.start_us % BASE_US // MINUTE_US).astype(np.uint8)
        return cls(rows.register, (rows.start_us // BASE_US).astype(np.int32), part)

    def and_(self, other: "_Identities") -> dict[str, NDArray[Any]]:
        """Those of both, as columns by name."""
        return {name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in self.__slots__}


def is_worth_it(edges_us: I64, registers: int) -> bool:
    """Whether periods are so long, for so many registers, that summing in place is the shorter way."""
    slots = int(edges_us[-1] - edges_us[0]) // BASE_US
    fewest = _FEWEST_SLOTS if slots * registers >= _MANY_ROWS else _FEW_SLOTS
    return slot_us(edges_us) == BASE_US and slots >= fewest * (len(edges_us) - 1)


def sum_in_place(cursor: Cursor, registers: I32, edges_us: I64, opened: IntervalBatch) -> IntervalSums:
    """Sums by register (ascending, each once) and period.

    opened: intervals in memory, which replace stored ones.
    """
    sums = IntervalSums.empty(np.unique(registers).astype(np.int32), edges_us)
    slots = int(edges_us[-1] - edges_us[0]) // BASE_US
    at_once = max(_MOST_GROUPS // (slots // _WORD + len(edges_us) + 1), 1)
    cursor.begin()  # one state of the table for all that is asked
    for first in range(0, len(sums.register), at_once):
        some = sums.register[first : first + at_once]
        fine = np.isin(some, _fine(cursor, some, edges_us))
        if not fine.all():
            _add(cursor, sums, some[~fine], opened, by="slot")
        finer = some[fine]
        for part in range(0, len(finer), max(at_once // _PARTS, 1)):
            some = finer[part : part + max(at_once // _PARTS, 1)]
            _add(cursor, sums, some, opened, by="slot, part")
    cursor.rollback()
    return sums


def _fine(cursor: Cursor, registers: I32, edges_us: I64) -> I32:
    """Registers with an interval that begins on no 15-minute mark; blocks without one are not read."""
    where = f"{within_slots(int(edges_us[0]), int(edges_us[-1]))} and {among(cursor, 'register', registers)}"
    found = cursor.execute(f"select distinct register from interval where part > 0 and {where}").fetchnumpy()
    return np.asarray(found["register"], np.int32)


def _add(cursor: Cursor, sums: IntervalSums, registers: I32, opened: IntervalBatch, by: str) -> None:
    """Add the intervals of registers; by: columns that tell those of one register apart."""
    edges_us = sums.edges_us
    opened = opened.take(np.isin(opened.register, registers))
    where = f"{within_slots(int(edges_us[0]), int(edges_us[-1]))} and {among(cursor, 'register', registers)}"
    repeated = _repeated(cursor, where, by).and_(_Identities.of(opened))
    rows = "interval"
    if len(repeated["register"]):
        cursor.register("repeated", repeated)
        chosen = f"from interval semi join repeated using (register, {by}) where {where}"
        rows = f"interval anti join repeated using (register, {by})"
        stored = fetch_as_written(cursor, IntervalBatch, chosen)
        sums.add(latest_intervals(IntervalBatch.concat([stored, opened])))
    period, flags, rows = _calendar(cursor, edges_us, rows)
    found = cursor.execute(
        f"""
        select
            register, {period} as period, fsum(amount) as amount, count(amount) as known,
            sum(covered_us)::bigint as covered_us, bit_or(quality & {flags}) as quality,
            sum(revision)::bigint as revised
        from {rows} where {where} group by all
        """
    ).fetchnumpy()
    row, column = np.searchsorted(sums.register, found["register"]), found["period"]
    # A sum of nothing but unknown amounts is null.
    sums.amount[row, column] += np.ma.filled(found["amount"], 0.0)
    sums.quality[row, column] |= np.asarray(found["quality"], np.uint16)
    for name in ("known", "covered_us", "revised"):
        getattr(sums, name)[row, column] += found[name]


def _calendar(cursor: Cursor, edges_us: I64, rows: str) -> tuple[str, str, str]:
    """SQL of a slot's period and of the flags that it may pass on, and of the rows that have both."""
    period, flags = slot_table(edges_us)
    first, length = int(edges_us[0] // BASE_US), int(np.diff(edges_us[:2])[0] // BASE_US)
    if np.all(np.diff(edges_us) == edges_us[1] - edges_us[0]) and length > 1:
        # Periods of one length, as hours are, need no join.
        begins, ends, inside = (int(flags[at]) for at in (0, length - 1, 1 if length > 2 else 0))
        place = f"(slot - {first}) % {length}"
        passed = f"(case {place} when 0 then {begins} when {length - 1} then {ends} else {inside} end)"
        return f"(slot - {first}) // {length}", f"{passed}::usmallint", rows
    numbers = np.arange(len(period), dtype=np.int32) + np.int32(first)
    cursor.register("calendar", {"slot": numbers, "period": period.astype(np.int32), "flags": flags})
    return "period", "flags", f"{rows} join calendar using (slot)"


def _repeated(cursor: Cursor, where: str, by: str) -> _Identities:
    """Identities that may have several rows; every one that has is among them."""
    part = "part" if by == "slot, part" else "0::utinyint"
    own = f"(1::ubigint << (slot & {_WORD - 1}))::ubigint"
    words = f"""
        select register, {part} as part, slot >> {_SHIFT} as number, count(*) as n, bit_or({own}) as once
    """
    where = f"from interval where {where} group by all having n != bit_count(once)"
    found = cursor.execute(f"{words} {where}").fetchnumpy()
    if not len(found["n"]):
        return _Identities.of(IntervalBatch.empty())
    # Which bits are there twice is seldom asked: it takes a fifth more.
    found = cursor.execute(f"{words}, bit_xor({own}) as odd {where}").fetchnumpy()
    once = np.asarray(found["once"], np.uint64)
    twice = once & ~np.asarray(found["odd"], np.uint64)
    # Slots with two rows cancel out in odd; where some have more, all of the word are taken.
    told = np.bitwise_count(once) + np.bitwise_count(twice) == found["n"]
    bits = np.where(told, twice, once)
    set_ = (bits[:, None] >> np.arange(_WORD, dtype=np.uint64)) & np.uint64(1)
    word, bit = np.nonzero(set_)
    return _Identities(
        np.asarray(found["register"], np.int32)[word],
        (np.asarray(found["number"], np.int64)[word] * _WORD + bit).astype(np.int32),
        np.asarray(found["part"], np.uint8)[word],
    )
