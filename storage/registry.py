"""The registry on SQLite or PostgreSQL: what is registered, dead letters, reports, checkpoints."""

from collections.abc import Callable, Sequence

from sqlalchemy import select

from core.catalog import Catalog
from core.errors import RejectReason
from core.estate import Estate
from core.model import Device, MapLayer, Place, Placement, Register, RegisterSettings, Replacement
from core.ports import Checkpoint, DeadLetter
from core.reference import References
from core.registered import Revision
from core.reports import ClosedReport, EnteredValue, ReportHead
from storage import checkpoints, dead_letters, estate, meter_events, registers, reports, rules, tables
from storage import references as reference_rows
from storage import registry_rows as rows
from storage.alerting import SqlAlerting
from storage.database import Database
from storage.revisions import ESTATE, REGISTERS, RULES, count_change, revision
from storage.statements import rows_of


def open_registry(url: str) -> "SqlRegistry":
    """The registry at an SQLAlchemy URL, its tables made or brought up to date.

    sqlite:///data/registry.sqlite or postgresql://user:password@host/database. Processes
    that start at once wait for one another. Raises StoreError.
    """
    return SqlRegistry(Database(url))


class SqlRegistry(SqlAlerting):
    """The Registry port; safe from any thread, and from several processes."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._references: tuple[int, References] | None = None

    def catalog(self) -> Catalog:
        """Everything registered, as of one moment."""
        with self._database.read() as connection:
            return estate.catalog(connection)

    def put_estate(self, new: Estate) -> None:
        """Add or update by id; raises Conflict with every mistake. The revision stays if nothing is new."""
        with self._database.write() as connection:
            changed, more_registers = estate.put(connection, new)
            if changed:
                count_change(connection, ESTATE)
            if more_registers:
                count_change(connection, REGISTERS)
            if rules.put(connection, new.rules, all_of_files=new.all_rules):
                count_change(connection, RULES)

    def put_place(self, place: Place) -> None:
        """Add or update one place."""
        self.put_estate(Estate(places=(place,)))

    def put_device(self, device: Device) -> None:
        """Add or update one device."""
        self.put_estate(Estate(devices=(device,)))

    def put_register(self, settings: RegisterSettings) -> None:
        """Set one register, made if missing."""
        self.put_estate(Estate(registers=(settings,)))

    def put_replacement(self, replacement: Replacement) -> None:
        """Add or correct one by id."""
        self._change(meter_events.put_replacement, replacement)

    def drop_replacement(self, id_: str) -> bool:
        """Forget one."""
        return self._change(meter_events.drop_replacement, id_)

    def put_placement(self, placement: Placement) -> None:
        """Move a device from a moment on."""
        self._change(meter_events.put_placement, placement)

    def drop_placement(self, device_id: str, from_us: int) -> bool:
        """Undo a move."""
        return self._change(meter_events.drop_placement, device_id, from_us)

    def put_references(self, references: References) -> None:
        """Add or update documents by kind and id."""
        self._change(reference_rows.put, references)

    def references(self) -> References:
        """All documents; read again only if something has changed since."""
        with self._database.read() as connection:
            now = revision(connection).estate
            if self._references is None or self._references[0] != now:
                self._references = now, reference_rows.read(connection)
            return self._references[1]

    def add_registers(self, wanted: Sequence[tuple[str, str]]) -> list[Register]:
        """Registers in the order asked for; raises Conflict with every unknown device and quantity."""
        with self._database.write() as connection:
            found, more = registers.add(connection, wanted)
            if more:
                count_change(connection, REGISTERS)
            return found

    def registers_from(self, first: int) -> list[Register]:
        """Registers by id, from this one on."""
        column = tables.register.c.id
        with self._database.read() as connection:
            found = rows.REGISTERS.all(connection, column >= first)
        return sorted(found, key=lambda register: register.id)

    def revision(self) -> Revision:
        """How often the estate and the registers have changed."""
        with self._database.read() as connection:
            return revision(connection)

    def map_layers(self) -> list[MapLayer]:
        """All map layers by id."""
        with self._database.read() as connection:
            return sorted(
                map(rows.map_layer, rows_of(connection, tables.map_layer)), key=lambda item: item.id
            )

    def put_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Keep the newest of each reason, with the first part of a long payload, and count all."""
        if letters:
            with self._database.write() as connection:
                dead_letters.put(connection, letters)

    def dead_letters(self, *, limit: int = 100) -> list[DeadLetter]:
        """Newest first by time of receipt."""
        with self._database.read() as connection:
            return dead_letters.newest(connection, limit)

    def dead_letter_counts(self) -> dict[RejectReason, int]:
        """How many were ever put, by reason."""
        with self._database.read() as connection:
            return dead_letters.counts(connection)

    def enter_values(self, values: Sequence[EnteredValue]) -> None:
        """Keep values that no meter gives."""
        with self._database.write() as connection:
            reports.enter(connection, values)

    def entered_values(self, year: int) -> list[EnteredValue]:
        """All values of a year ever entered, in the order of entry."""
        with self._database.read() as connection:
            return reports.entered(connection, year)

    def close_report(self, report: ClosedReport) -> None:
        """Keep a report; raises Conflict if its id is taken."""
        with self._database.write() as connection:
            reports.close(connection, report)

    def closed_report(self, id_: str) -> ClosedReport | None:
        """A closed report."""
        with self._database.read() as connection:
            return reports.closed(connection, id_)

    def closed_reports(self, place_id: str | None = None) -> list[ReportHead]:
        """All of them, or those of a place, newest first."""
        with self._database.read() as connection:
            return reports.heads(connection, place_id)

    def save_checkpoint(self, name: str, checkpoint: Checkpoint) -> None:
        """Replace the named checkpoint."""
        with self._database.write() as connection:
            checkpoints.save(connection, name, checkpoint)

    def load_checkpoint(self, name: str) -> Checkpoint | None:
        """The named checkpoint, if one was saved."""
        with self._database.read() as connection:
            return checkpoints.load(connection, name)

    def checkpoint_names(self) -> list[str]:
        """Names of all checkpoints, in order."""
        with self._database.read() as connection:
            return checkpoints.names(connection)

    def drop_checkpoint(self, name: str) -> None:
        """Forget the named checkpoint."""
        with self._database.write() as connection:
            checkpoints.drop(connection, name)

    def ping(self) -> None:
        """Return if the database answers, else raise StoreError."""
        with self._database.read() as connection:
            connection.execute(select(1))

    def close(self) -> None:
        """Release connections."""
        self._database.close()

    def _change(self, put: Callable[..., bool], *arguments: object) -> bool:
        """Run one change of what is registered; whether it was one."""
        with self._database.write() as connection:
            changed = put(connection, *arguments)
            if changed:
                count_change(connection, ESTATE)
            return changed
