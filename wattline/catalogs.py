"""The catalog as it stands now, shared by the pipeline and the API."""

import threading

from core.catalog import Catalog
from core.ports import Registry


class Catalogs:
    """current is replaced as a whole when something is registered; compare it by identity."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._lock = threading.Lock()
        self._revision = registry.revision()
        self.current: Catalog = registry.catalog()

    def reload(self) -> None:
        """Read the catalog anew, if this process or another has registered something."""
        with self._lock:
            revision = self._registry.revision()
            if revision.estate != self._revision.estate:
                self.current = self._registry.catalog()
            elif revision != self._revision:
                # Meters report for the first time: reading all of a large estate again would take too long.
                more = self._registry.registers_from(len(self.current.registers))
                self.current = self.current.extended(more)
            self._revision = revision
