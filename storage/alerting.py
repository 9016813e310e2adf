"""Rules, alerts, timelines and silences on SQLite or PostgreSQL; the Alerting port."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, TextClause, and_, insert, or_, select, text

from core import handling
from core.alerting import Act, AlertQuery
from core.alerts import OPEN, AlertChange, AlertEvent, AlertRecord, EventKind, Handled, Silence
from core.delivery import OutboxLine
from core.errors import Conflict
from core.rules import Rule
from storage import alert_rows as rows
from storage import chain, outbox, rules, tables
from storage.alert_log import TELEMETRY, WATTLINE, AlertLog, Held, deadline_s
from storage.database import Database
from storage.deliveries import SqlDeliveries
from storage.revisions import ALERTS, RULES, alerts_revision, count_change, revision
from storage.statements import rows_where_in, upsert

_IS_OPEN = text(tables.OPEN_STATES)
"""In the words of the indexes of open alerts: all that ever were would be looked through otherwise."""


class SqlAlerting:
    """Safe from any thread, and from several processes: writers take turns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rules: tuple[int, list[Rule]] | None = None
        self.deliveries = SqlDeliveries(database, records_of, add_lines)

    def rules(self) -> list[Rule]:
        """All rules by id; read again only if one has changed since."""
        with self._database.read() as connection:
            now = revision(connection).rules
            if self._rules is None or self._rules[0] != now:
                self._rules = now, rules.read(connection)
            return self._rules[1]

    def rule(self, id_: str) -> Rule | None:
        """One rule, also a dropped one."""
        with self._database.read() as connection:
            return rules.one(connection, id_)

    def put_rule(self, rule: Rule) -> None:
        """Add or update one; raises Conflict."""
        with self._database.write() as connection:
            rules.check(connection, rule)
            if rules.put(connection, [rule]):
                count_change(connection, RULES)

    def drop_rule(self, id_: str) -> bool:
        """Forget one; raises Conflict for one of a file."""
        with self._database.write() as connection:
            dropped = rules.drop(connection, id_)
            if dropped:
                count_change(connection, RULES)
            return dropped

    def record_alerts(self, changes: Sequence[AlertChange], recorded_at_us: int) -> list[AlertChange]:
        """Store transitions; returns those that were news."""
        if not changes:
            return []
        ids = list(dict.fromkeys(change.alert.id for change in changes))
        of_rules = list(dict.fromkeys(change.alert.rule_id for change in changes))
        with self._database.write() as connection:
            held = _held(connection, ids, _watched(changes), of_rules)
            log = AlertLog(held.values(), rules.some(connection, of_rules), recorded_at_us)
            log.record(changes)
            _write(connection, log.changed())
            return log.news

    def alerts(self, query: AlertQuery) -> list[AlertRecord]:
        """Alerts newest first by active_at_us, then id."""
        alert = tables.alert.c
        statement = select(tables.alert).order_by(alert.active_at_us.desc(), alert.id).limit(query.limit)
        with self._database.read() as connection:
            return [
                rows.record(row) for row in connection.execute(statement.where(*_where(query))).mappings()
            ]

    def alert(self, id_: str) -> AlertRecord | None:
        """One alert."""
        with self._database.read() as connection:
            row = connection.execute(select(tables.alert).where(tables.alert.c.id == id_)).mappings().first()
        return None if row is None else rows.record(row)

    def records(self, ids: Sequence[str]) -> dict[str, AlertRecord]:
        """Alerts by id."""
        with self._database.read() as connection:
            return records_of(connection, ids)

    def alerts_changed(self, after: int | None, limit: int = 1000) -> tuple[list[AlertRecord], int]:
        """Alerts that changed after a revision, and the one to ask with next."""
        revised = tables.alert.c.revision
        with self._database.read() as connection:
            if after is None:
                return [], alerts_revision(connection)
            query = select(tables.alert).where(revised > after).order_by(revised, tables.alert.c.id)
            changed = list(connection.execute(query.limit(limit)).mappings())
            if len(changed) == limit:  # those of the last revision may not all be here
                whole = [row for row in changed if row["revision"] < changed[-1]["revision"]]
                last = [changed[-1]["revision"]]
                changed = whole or list(rows_where_in(connection, revised, last))
        return [rows.record(row) for row in changed], changed[-1]["revision"] if changed else after

    def timeline(self, id_: str) -> list[AlertEvent]:
        """Every line of an alert, oldest first."""
        line = tables.alert_event
        query = select(line).where(line.c.alert_id == id_).order_by(line.c.number)
        with self._database.read() as connection:
            return [rows.event(row) for row in connection.execute(query).mappings()]

    def timeline_fault(self, id_: str) -> str | None:
        """Where a timeline was changed or cut; None if it is whole."""
        line, alert = tables.alert_event, tables.alert
        query = select(line).where(line.c.alert_id == id_).order_by(line.c.number)
        with self._database.read() as connection:
            kept = connection.execute(
                select(alert.c.events, alert.c.last_hash).where(alert.c.id == id_)
            ).first()
            lines = connection.execute(query).mappings().all()
        if kept is None:
            return "there is no such alert"
        return chain.fault([dict(line) for line in lines], kept.events, kept.last_hash)

    def handle(self, id_: str, act: Act) -> AlertRecord:
        """Do something about an alert; raises Conflict with what to do instead."""
        with self._database.write() as connection:
            held = _held(connection, [id_]).get(id_)
            if held is None:
                raise Conflict(f"there is no alert {id_!r}")
            rule = rules.one(connection, held.alert.rule_id)
            terms = handling.Terms(rule is not None and rule.approval, deadline_s(rule, held.alert))
            held.handling, kind = handling.handled(held.alert, held.handling, act, terms)
            held.add(kind, act.at_us, act.at_us, act.by, act.detail)
            _write(connection, [held])
            return AlertRecord(held.alert, held.handling, held.events + len(held.lines))

    def overdue(self, now_us: int, limit: int = 1000) -> list[AlertRecord]:
        """Alerts whose due_at_us has passed, and shelved ones whose time is over."""
        alert = tables.alert.c
        late = and_(alert.shelved_until_us.is_(None), alert.due_at_us <= now_us)
        query = (
            select(tables.alert)
            .where(alert.handled != Handled.CLOSED, or_(late, alert.shelved_until_us <= now_us))
            .order_by(alert.active_at_us, alert.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [rows.record(row) for row in connection.execute(query).mappings()]

    def silences(self, now_us: int | None = None) -> list[Silence]:
        """All silences, or those in force at a time, by start."""
        silence = tables.silence
        query = select(silence).order_by(silence.c.starts_at_us, silence.c.id)
        if now_us is not None:
            query = query.where(silence.c.starts_at_us <= now_us, silence.c.ends_at_us > now_us)
        with self._database.read() as connection:
            return [rows.silence(row) for row in connection.execute(query).mappings()]

    def put_silence(self, silence: Silence) -> None:
        """Add one."""
        with self._database.write() as connection:
            upsert(connection, tables.silence, [rows.silence_row(silence)])

    def end_silence(self, id_: str, at_us: int) -> bool:
        """End one early; whether it was in force or yet to come."""
        silence = tables.silence
        ending = (
            silence.update().where(silence.c.id == id_, silence.c.ends_at_us > at_us).values(ends_at_us=at_us)
        )
        with self._database.write() as connection:
            return bool(connection.execute(ending).rowcount)


def records_of(connection: Connection, ids: Sequence[str]) -> dict[str, AlertRecord]:
    """Alerts by id; what is not there is left out."""
    return {row["id"]: rows.record(row) for row in rows_where_in(connection, tables.alert.c.id, ids)}


def add_lines(connection: Connection, lines: Sequence[tuple[str, EventKind, int, dict[str, object]]]) -> None:
    """Add lines (alert id, kind, at_us, detail) to timelines, in a transaction that is alone in writing."""
    held = _held(connection, list(dict.fromkeys(line[0] for line in lines)))
    for id_, kind, at_us, detail in lines:
        held[id_].add(kind, at_us, at_us, WATTLINE, detail)
    _write(connection, list(held.values()), told=True)


def _watched(changes: Sequence[AlertChange]) -> list[str]:
    return list(dict.fromkeys(str(change.alert.target) for change in changes))


def _held(
    connection: Connection, ids: Sequence[str], targets: Sequence[str] = (), of_rules: Sequence[str] = ()
) -> dict[str, Held]:
    """Alerts of these ids, and open ones of these rules on these targets, with what telemetry has said."""
    alert, line = tables.alert.c, tables.alert_event.c
    found = {row["id"]: row for row in rows_where_in(connection, alert.id, ids)}
    watched = _IS_OPEN, alert.rule_id.in_(of_rules)
    found |= {row["id"]: row for row in rows_where_in(connection, alert.target, targets, *watched)}
    held = {
        id_: Held(rows.alert(row), rows.handling(row), row["events"], row["last_hash"])
        for id_, row in found.items()
    }
    for row in rows_where_in(connection, line.alert_id, list(held), line.kind.in_(TELEMETRY)):
        held[row["alert_id"]].said.add((EventKind(row["kind"]), row["at_us"]))
    return held


def _write(connection: Connection, changed: Sequence[Held], *, told: bool = False) -> None:
    """Put alerts with their new lines, chained to those before, and what is to be told of them.

    told: the lines say whom we told, which changes no alert.
    """
    if not changed:
        return
    alert_rows, lines = [], []
    number = 0 if told else count_change(connection, ALERTS)
    for held in changed:
        before = held.last_hash
        for event in held.lines:
            line = {
                "alert_id": event.alert_id,
                "number": event.number,
                "kind": str(event.kind),
                "at_us": event.at_us,
                "recorded_at_us": event.recorded_at_us,
                "by": event.by,
                "detail": rows.detail_text(event.detail),
            }
            before = chain.link(before, line)
            lines.append({**line, "hash": before})
        end = {"events": held.events + len(held.lines), "last_hash": before, "revision": number}
        alert_rows.append(rows.alert_row(held.alert) | rows.handling_row(held.handling) | end)
    upsert(connection, tables.alert, alert_rows, permanent=("revision",) if told else ())
    if lines:
        connection.execute(insert(tables.alert_event), lines)
    _tell(connection, changed)


def _tell(connection: Connection, changed: Iterable[Held]) -> None:
    """Put what somebody should hear of into the outbox, in the same transaction.

    Nobody hears of history, or that we gave an alert to the organisation that it is of anyway.
    """
    outbox.put(
        connection,
        [
            OutboxLine(line.alert_id, line.number, line.kind, line.at_us, line.recorded_at_us)
            for held in changed
            for line in held.lines
            # What it did while it was history stays untold, also when both come at once.
            if not (held.alert.retrospective or line.detail.get("retrospective"))
            and not (line.kind is EventKind.ASSIGNED and line.by == WATTLINE)
        ],
    )


def _where(query: AlertQuery) -> list[ColumnElement[bool] | TextClause]:
    alert = tables.alert.c
    chosen: list[ColumnElement[bool] | TextClause] = [
        column.in_(values)
        for column, values in (
            (alert.state, query.states),
            (alert.handled, query.handled),
            (alert.rule_id, query.rules),
            (alert.place_id, query.places),
            (alert.responsible_id, query.organisations),
        )
        if values
    ]
    if query.states and set(query.states) <= set(OPEN):
        chosen.append(_IS_OPEN)
    if query.retrospective is not None:
        chosen.append(alert.retrospective == query.retrospective)
    if query.before is not None:
        at_us, id_ = query.before
        chosen.append(or_(alert.active_at_us < at_us, and_(alert.active_at_us == at_us, alert.id > id_)))
    return chosen
