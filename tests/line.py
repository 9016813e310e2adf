"""The line from a message to the ledger without network and HTTP: intake, store, derivation, late data."""

import asyncio

import numpy as np

from core.batch import PositionBatch
from ingest.decoders import DECODERS
from storage.duckdb import DuckDBStore
from storage.registry import open_registry
from wattline.catalogs import Catalogs
from wattline.feed import LiveFeed
from wattline.stages.derive import Derivation
from wattline.stages.intake import Intake
from wattline.stages.state import Known

EVER = (0, 2**62)


class Line:
    """Everything of `wattline run` but broker and HTTP, over stores in a folder.

    begin() after what is registered first; take_up() after each later change.
    """

    def __init__(self, folder):
        self.folder = folder
        self._open()

    def begin(self):
        """Start with what is registered, from the checkpoint if there is one."""
        self.catalogs.reload()
        loop = asyncio.new_event_loop()
        loop.close()
        known = Known.of(self.catalogs.current, [])
        self.derivation = Derivation(self.store, self.registry, LiveFeed(loop), known)
        self.derivation.restore()
        self.intake = Intake(DECODERS["native"], self.registry, self.catalogs, self.derivation)

    def restart(self):
        """Stop and start again; nothing is left but what the stores hold."""
        self.derivation.save()
        self.close()
        self._open()
        self.begin()

    def take_up(self):
        """Go on with what is registered now, and recompute what that makes different."""
        self.catalogs.reload()
        self.intake.refit()
        self.settle()

    def receive(self, readings):
        """Store and derive a batch of readings."""
        self.store.append(readings, PositionBatch.empty())
        self.derivation.derive(readings, PositionBatch.empty())

    def settle(self):
        """Recompute all that late data put in doubt."""
        self.derivation.flush()
        while self.derivation.settle_one(now_us=2**62):
            pass
        self.derivation.flush()

    def intervals(self, device, quantity):
        """The whole ledger of a register."""
        register = self.catalogs.current.register_of[device, quantity]
        return self.store.intervals(np.array([register.id], np.int32), *EVER)

    def close(self):
        self.store.close()
        self.registry.close()

    def _open(self):
        self.store = DuckDBStore(self.folder / "w.duckdb", threads=1)
        self.registry = open_registry(f"sqlite:///{self.folder / 'r.sqlite'}")
        self.catalogs = Catalogs(self.registry)
