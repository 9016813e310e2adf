"""`rederive`: every interval again from the readings, as an auditor would.

Nothing changes where the ledger was right. What does change is counted, has its next
revision and is flagged `late`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import StartError
from wattline.assemble import Parts, now_us, open_parts
from wattline.preflight import require_data_dir
from wattline.retention import Keeping, fixed_before_us
from wattline.stages.checkpoints import Checkpoints
from wattline.stages.derive import Derivation
from wattline.stages.state import Known
from wattline.stated.settings import Settings


@dataclass(frozen=True, slots=True)
class Rederived:
    """How many counters were derived again, and how many of their intervals are others now."""

    registers: int
    intervals: int


async def rederive(settings: Settings, devices: Sequence[str]) -> Rederived:
    """Derive the counters of devices, or of all, again. Raises StartError, StoreError."""
    require_data_dir(settings.data_dir)
    parts = open_parts(settings, asyncio.get_running_loop())
    try:
        return await asyncio.to_thread(_rederive, settings, parts, devices)
    finally:
        parts.close()


def _rederive(settings: Settings, parts: Parts, devices: Sequence[str]) -> Rederived:
    catalog = parts.catalogs.current
    if unknown := sorted(set(devices) - catalog.devices.keys()):
        raise StartError(
            f"there is no device {', '.join(map(repr, unknown))}: name one of GET /api/v1/devices"
        )
    if others := Checkpoints(parts.registry).not_left():
        raise StartError(
            f"shards {', '.join(map(str, others))} have not left: stop each of them and run "
            "`python -m wattline ingest --shard I/N --leave` for it"
        )
    derivation = Derivation(
        parts.store, parts.registry, parts.feed, Known.of(catalog, parts.registry.rules())
    )
    may_go = Keeping.of(settings.retention).as_of(now_us(), derivation.known.columns)
    derivation.fixed_before_us = fixed_before_us(may_go)
    derivation.restore()
    chosen = np.array([not devices or r.device_id in set(devices) for r in catalog.registers], np.bool_)
    registers = np.flatnonzero(chosen & derivation.known.columns.is_counter)
    derivation.rederive(registers.tolist())
    derivation.save()
    return Rederived(len(registers), derivation.revised)
