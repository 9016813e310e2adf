"""What the watch of rules on figures remembers over a restart, as a checkpoint."""

from dataclasses import dataclass, fields

import msgspec
import numpy as np

from analytics.alerts import AlertsState
from core.ports import Checkpoint

VERSION = 1
"""Of the saved form; another one is not used, and all rules begin anew."""


@dataclass(frozen=True, slots=True)
class Saved:
    """watches: (rule id, target) of each row of state. until_us: up to when each rule was judged."""

    watches: list[tuple[str, str]]
    until_us: dict[tuple[str, str], int]
    state: AlertsState


class _Form(msgspec.Struct, array_like=True):
    version: int
    watches: list[tuple[str, str]] = []
    until_us: list[tuple[str, str, int]] = []
    columns: dict[str, bytes] = {}


def save(saved: Saved, now_us: int) -> Checkpoint:
    """As a checkpoint of this moment."""
    columns = {one.name: getattr(saved.state, one.name).tobytes() for one in fields(AlertsState)}
    until_us = [(*key, time_us) for key, time_us in saved.until_us.items()]
    form = _Form(VERSION, saved.watches, until_us, columns)
    return Checkpoint(now_us, msgspec.msgpack.encode(form))


def load(state: bytes) -> Saved | None:
    """What save wrote; None if another version did."""
    try:
        form = msgspec.msgpack.decode(state, type=_Form)
    except msgspec.MsgspecError:
        return None
    if form.version != VERSION:
        return None
    empty = AlertsState.empty(0)
    columns = {
        one.name: np.frombuffer(form.columns[one.name], getattr(empty, one.name).dtype).copy()
        for one in fields(AlertsState)
    }
    until_us = {(rule, group): time_us for rule, group, time_us in form.until_us}
    return Saved(form.watches, until_us, AlertsState(**columns))
