"""The registry on SQLite or PostgreSQL: what is registered, alerts, dead letters, checkpoints."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, delete, insert, select

from core.alerts import Alert, AlertChange, AlertState
from core.catalog import Catalog
from core.errors import RejectReason
from core.estate import Estate
from core.model import Device, MapLayer, Place, Placement, Register, RegisterSettings, Replacement
from core.ports import Checkpoint, DeadLetter
from core.reference import References
from core.registered import Revision
from core.reports import ClosedReport, EnteredValue, ReportHead
from core.rules import Rule
from storage import dead_letters, estate, meter_events, registers, reports, tables
from storage import references as reference_rows
from storage import registry_rows as rows
from storage.alert_log import OPEN, AlertLog
from storage.database import Database
from storage.statements import insert_or, rows_of, rows_where_in, upsert

# Rows of the table estate_revision.
_ESTATE, _REGISTERS = 0, 1


def open_registry(url: str) -> "SqlRegistry":
    """The registry at an SQLAlchemy URL, its tables made or brought up to date.

    sqlite:///data/registry.sqlite or postgresql://user:password@host/database. Processes
    that start at once wait for one another. Raises StoreError.
    """
    return SqlRegistry(Database(url))


class SqlRegistry:
    """The Registry port; safe from any thread, and from several processes."""

    def __init__(self, database: Database) -> None:
        self._database = database
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
                _count_change(connection, _ESTATE)
            if more_registers:
                _count_change(connection, _REGISTERS)

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
            revision = _revision(connection)
            if self._references is None or self._references[0] != revision.estate:
                self._references = revision.estate, reference_rows.read(connection)
            return self._references[1]

    def add_registers(self, wanted: Sequence[tuple[str, str]]) -> list[Register]:
        """Registers in the order asked for; raises Conflict with every unknown device and quantity."""
        with self._database.write() as connection:
            found, more = registers.add(connection, wanted)
            if more:
                _count_change(connection, _REGISTERS)
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
            return _revision(connection)

    def rules(self) -> list[Rule]:
        """All rules by id."""
        with self._database.read() as connection:
            return sorted(map(rows.rule, rows_of(connection, tables.rule)), key=lambda rule: rule.id)

    def map_layers(self) -> list[MapLayer]:
        """All map layers by id."""
        with self._database.read() as connection:
            return sorted(
                map(rows.map_layer, rows_of(connection, tables.map_layer)), key=lambda item: item.id
            )

    def record_alerts(self, changes: Sequence[AlertChange]) -> list[AlertChange]:
        """Store transitions; returns those that were news.

        An alert that begins while an earlier one of its rule and register is open ends the
        earlier one, and that end is among the news.
        """
        if not changes:
            return []
        alert, alert_event = tables.alert, tables.alert_event
        ids = list(dict.fromkeys(change.alert.id for change in changes))
        registers = list(dict.fromkeys(change.alert.register for change in changes))
        with self._database.write() as connection:
            named = list(rows_where_in(connection, alert.c.id, ids))
            still_open = list(rows_where_in(connection, alert.c.register, registers, alert.c.state.in_(OPEN)))
            recorded = rows_where_in(connection, alert_event.c.alert_id, ids)
            log = AlertLog(
                map(rows.alert, [*named, *still_open]),
                [(row["alert_id"], AlertState(row["state"])) for row in recorded],
            )
            log.record(changes)
            # Those that end come first: two open ones would break the unique index.
            upsert(connection, alert, [rows.to_row(item) for item in log.changed()])
            events = [
                {
                    "alert_id": change.alert.id,
                    "state": change.alert.state,
                    "previous": change.previous,
                    "at_us": change.at_us,
                    "value": change.alert.value,
                }
                for change in log.news
            ]
            if events:
                connection.execute(insert(alert_event), events)
            return log.news

    def alerts(
        self, *, state: AlertState | None = None, before_us: int | None = None, limit: int = 100
    ) -> list[Alert]:
        """Alerts newest first by active_at_us."""
        alert = tables.alert.c
        query = select(tables.alert).order_by(alert.active_at_us.desc(), alert.id).limit(limit)
        if state is not None:
            query = query.where(alert.state == state)
        if before_us is not None:
            query = query.where(alert.active_at_us < before_us)
        with self._database.read() as connection:
            return [rows.alert(row) for row in connection.execute(query).mappings()]

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
        row = {"name": name, "watermark_us": checkpoint.watermark_us, "state": checkpoint.state}
        with self._database.write() as connection:
            upsert(connection, tables.checkpoint, [row], key="name")

    def load_checkpoint(self, name: str) -> Checkpoint | None:
        """The named checkpoint, if one was saved."""
        table = tables.checkpoint
        with self._database.read() as connection:
            row = connection.execute(select(table).where(table.c.name == name)).mappings().first()
        return None if row is None else Checkpoint(row["watermark_us"], bytes(row["state"]))

    def checkpoint_names(self) -> list[str]:
        """Names of all checkpoints, in order."""
        with self._database.read() as connection:
            return sorted(connection.scalars(select(tables.checkpoint.c.name)))

    def drop_checkpoint(self, name: str) -> None:
        """Forget the named checkpoint."""
        with self._database.write() as connection:
            connection.execute(delete(tables.checkpoint).where(tables.checkpoint.c.name == name))

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
                _count_change(connection, _ESTATE)
            return changed


def _revision(connection: Connection) -> Revision:
    revision = tables.estate_revision.c
    found = {row.id: row.revision for row in connection.execute(select(revision.id, revision.revision))}
    return Revision(found.get(_ESTATE, 0), found.get(_REGISTERS, 0))


def _count_change(connection: Connection, of: int) -> None:
    revision = tables.estate_revision
    first = insert_or(connection, revision).values(id=of, revision=1)
    again = {"revision": revision.c.revision + 1}
    connection.execute(first.on_conflict_do_update(index_elements=["id"], set_=again))
