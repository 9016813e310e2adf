"""Closed reports and entered values: rows that are added and never changed."""

from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import Connection, insert, select

from core.errors import Conflict
from core.reports import ClosedReport, EnteredValue, ReportHead
from storage import tables


def enter(connection: Connection, values: Sequence[EnteredValue]) -> None:
    """Add values."""
    rows = [{field.name: getattr(value, field.name) for field in fields(value)} for value in values]
    if rows:
        connection.execute(insert(tables.entered_value), rows)


def entered(connection: Connection, year: int) -> list[EnteredValue]:
    """Values of a year in the order of entry."""
    table = tables.entered_value
    query = select(table).where(table.c.year == year).order_by(table.c.seq)
    names = [field.name for field in fields(EnteredValue)]
    return [
        EnteredValue(**{name: row[name] for name in names}) for row in connection.execute(query).mappings()
    ]


def close(connection: Connection, report: ClosedReport) -> None:
    """Add a report; raises Conflict if its id is taken."""
    table = tables.closed_report
    if connection.scalar(select(table.c.id).where(table.c.id == report.head.id)) is not None:
        raise Conflict(f"report {report.head.id!r} is closed already")
    head = {field.name: getattr(report.head, field.name) for field in fields(ReportHead)}
    connection.execute(insert(table), [head | {"body": report.body, "basis": report.basis}])


def closed(connection: Connection, id_: str) -> ClosedReport | None:
    """One report."""
    table = tables.closed_report
    row = connection.execute(select(table).where(table.c.id == id_)).mappings().first()
    if row is None:
        return None
    head = ReportHead(**{field.name: row[field.name] for field in fields(ReportHead)})
    return ClosedReport(head, bytes(row["body"]), bytes(row["basis"]))


def heads(connection: Connection, place_id: str | None) -> list[ReportHead]:
    """What is closed, newest first."""
    table = tables.closed_report.c
    query = select(*(table[field.name] for field in fields(ReportHead)))
    if place_id is not None:
        query = query.where(table.place_id == place_id)
    query = query.order_by(table.closed_at_us.desc(), table.id.desc())
    return [ReportHead(**row) for row in connection.execute(query).mappings()]
