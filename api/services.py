"""What the API is given: ports, a clock and limits. It constructs none of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.catalog import Catalog
from core.delivering import Telling
from core.imports import Importer
from core.ports import Feed, Registry, TimeSeriesStore
from core.preview import Previewer

Clock = Callable[[], int]
"""Returns now in µs UTC."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request or client may cost.

    body_bytes: largest request body; import_bytes: of a file to import.
    points: most items of one answer; a longer span needs a coarser interval.
    ledger_rows, ledger_readers: ledger rows read at once, by so many requests at a time.
    rows: ledger rows that a request may read one by one, for cost, formulas or an explanation.
    live_clients: open live sockets. live_send_s: a client that takes longer to take a
    message is dropped. live_status_s: how often a silent vehicle's status is looked at.
    check_s: how long a readiness check may take.
    """

    body_bytes: int = 65_536
    import_bytes: int = 32 * 1024 * 1024
    points: int = 20_000
    ledger_rows: int = 400_000
    ledger_readers: int = 4
    rows: int = 20_000_000
    live_clients: int = 256
    live_send_s: float = 10.0
    live_status_s: float = 15.0
    check_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that the API serves from.

    web_dist: the built page, or None. catalog: what is registered now; reload_catalog is
    called after each change of places and devices. allowed_origins: pages of other hosts
    that may use the live socket and change things, as in "https://dashboard.example".
    importer: takes files of readings; None where nothing can be imported.
    previewer: tries rules on what is stored; None where that can't be done.
    telling: channels and routes; None where nobody is ever told.
    """

    registry: Registry
    store: TimeSeriesStore
    feed: Feed
    clock: Clock
    web_dist: Path | None
    catalog: Callable[[], Catalog]
    reload_catalog: Callable[[], None]
    version: str
    allowed_origins: tuple[str, ...] = ()
    limits: Limits = Limits()
    importer: Importer | None = None
    previewer: Previewer | None = None
    telling: Telling | None = None
