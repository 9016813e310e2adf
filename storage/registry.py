"""The registry on SQLite or PostgreSQL: what is registered, alerts, dead letters, checkpoints."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select

from core.catalog import Catalog
from core.errors import Conflict, RejectReason
from core.model import Alert, AlertState, Device, Estate, MapLayer, Place, Register, Rule
from core.ports import AlertChange, Checkpoint, DeadLetter, Revision
from core.quantities import QUANTITIES
from storage import dead_letters, tables
from storage import registry_rows as rows
from storage.alert_log import OPEN, AlertLog
from storage.database import Database
from storage.estate_check import merged, mistakes
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

    def catalog(self) -> Catalog:
        """Everything registered, as of one moment."""
        with self._database.read() as connection:
            return Catalog(
                [rows.place(row) for row in rows_of(connection, tables.place)],
                [(row["number"], rows.device(row)) for row in rows_of(connection, tables.device)],
                [rows.register(row) for row in rows_of(connection, tables.register)],
                [rows.replacement(row) for row in rows_of(connection, tables.replacement)],
                [rows.placement(row) for row in rows_of(connection, tables.placement)],
            )

    def put_estate(self, estate: Estate) -> None:
        """Add or update places, devices, rules and map layers; raises Conflict with every mistake."""
        with self._database.write() as connection:
            place, device = tables.place.c, tables.device.c
            parents = {row.id: row.parent_id for row in connection.execute(select(place.id, place.parent_id))}
            found = list(
                connection.execute(select(device.id, device.place_id, device.parent_device_id, device.number))
            )
            upstream = {id_: (place_id, parent) for id_, place_id, parent, _ in found}
            if wrong := mistakes(*merged(parents, upstream, estate.places, estate.devices)):
                raise Conflict("\n".join(wrong))
            numbers = {id_: number for id_, _, _, number in found}
            for new in estate.devices:
                numbers.setdefault(new.id, len(numbers))
            upsert(connection, tables.place, [rows.to_row(item) for item in estate.places])
            upsert(
                connection,
                tables.device,
                [rows.to_row(item) | {"number": numbers[item.id]} for item in estate.devices],
                permanent=("number",),
            )
            upsert(connection, tables.rule, [rows.to_row(item) for item in estate.rules])
            upsert(connection, tables.map_layer, [rows.to_row(item) for item in estate.map_layers])
            _count_change(connection, _ESTATE)

    def put_place(self, place: Place) -> None:
        """Add or update one place."""
        self.put_estate(Estate(places=(place,)))

    def put_device(self, device: Device) -> None:
        """Add or update one device."""
        self.put_estate(Estate(devices=(device,)))

    def add_registers(self, wanted: Sequence[tuple[str, str]]) -> list[Register]:
        """Registers in the order asked for; raises Conflict with every unknown device and quantity."""
        register = tables.register.c
        with self._database.write() as connection:
            devices = list(dict.fromkeys(device for device, _ in wanted))
            known = {
                (row["device_id"], row["quantity"]): rows.register(row)
                for row in rows_where_in(connection, register.device_id, devices)
            }
            missing = [key for key in dict.fromkeys(wanted) if key not in known]
            self._check_registrable(connection, missing)
            first = connection.scalar(select(func.coalesce(func.max(register.id) + 1, 0))) or 0
            for number, (device_id, name) in enumerate(missing, first):
                quantity = QUANTITIES[name]
                known[device_id, name] = Register(
                    number,
                    device_id,
                    name,
                    quantity.kind,
                    quantity.unit,
                    energy=quantity.energy,
                    exported=quantity.exported,
                )
            if missing:
                connection.execute(insert(tables.register), [rows.to_row(known[key]) for key in missing])
                _count_change(connection, _REGISTERS)
            return [known[key] for key in wanted]

    def registers_from(self, first: int) -> list[Register]:
        """Registers by id, from this one on."""
        register = tables.register
        query = select(register).where(register.c.id >= first).order_by(register.c.id)
        with self._database.read() as connection:
            return [rows.register(row) for row in connection.execute(query).mappings()]

    def revision(self) -> Revision:
        """How often the estate and the registers have changed."""
        revision = tables.estate_revision.c
        with self._database.read() as connection:
            found = {
                row.id: row.revision for row in connection.execute(select(revision.id, revision.revision))
            }
        return Revision(found.get(_ESTATE, 0), found.get(_REGISTERS, 0))

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

    def _check_registrable(self, connection: Connection, missing: Sequence[tuple[str, str]]) -> None:
        devices = list(dict.fromkeys(device for device, _ in missing))
        known = {row["id"] for row in rows_where_in(connection, tables.device.c.id, devices)}
        wrong = [f"device {device!r} is not registered" for device in devices if device not in known]
        names = dict.fromkeys(name for _, name in missing)
        wrong += [f"quantity {name!r} is unknown" for name in names if name not in QUANTITIES]
        if wrong:
            raise Conflict("\n".join(wrong))


def _count_change(connection: Connection, of: int) -> None:
    revision = tables.estate_revision
    first = insert_or(connection, revision).values(id=of, revision=1)
    again = {"revision": revision.c.revision + 1}
    connection.execute(first.on_conflict_do_update(index_elements=["id"], set_=again))
