"""The statutory table under /api/v1/reports/statutory, and closed reports under /api/v1/reports."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from analytics.statutory import COLUMN, Item
from api import closing, problems, sheets, times
from api.accounts import Accounts
from api.day_sums import DaySums
from api.depends import EstateOf, LedgerOf, ServicesOf
from api.derived import Derivations
from api.estate import Estate
from api.ledger import Ledger
from api.openapi import refusals
from api.schemas.statutory import (
    ClosedReportAnswer,
    ClosingInput,
    EnteredInput,
    EnteredItem,
    EnteredList,
    ReportHeadItem,
    ReportList,
    Statutory,
)
from api.services import Services
from api.statutory import Period, Table
from core.reports import ClosedReport, EnteredValue, ReportHead

router = APIRouter(prefix="/api/v1/reports", tags=["reports"])

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CSV = "text/csv; charset=utf-8"

PlaceOf = Annotated[str, Query(description="At any level of the tree.", examples=["org"])]
YearOf = Annotated[int, Query(ge=1990, le=2199, examples=[2018])]
QuarterOf = Annotated[int | None, Query(ge=1, le=4, description="The whole year if left out.")]


@router.get("/statutory", summary="Get the statutory table", responses=refusals(404, 422, 503))
def statutory(
    services: ServicesOf,
    estate: EstateOf,
    ledger: LedgerOf,
    *,
    place: PlaceOf,
    year: YearOf,
    quarter: QuarterOf = None,
) -> Statutory:
    """Energy and resources of each institution below a place in a quarter or a year, and their sum.

    Rows are prefilled from the ledger; what no meter gives is entered by hand and flagged so.
    What is estimated, entered or not fully measured is listed beside it.
    """
    return _table(services, estate, ledger, place, Period(year, quarter))[0]


@router.get(
    "/statutory.csv",
    summary="Get the statutory table as CSV",
    response_class=Response,
    responses=refusals(404, 422, 503) | {200: {"content": {"text/csv": {}}}},
)
def statutory_csv(
    services: ServicesOf,
    estate: EstateOf,
    ledger: LedgerOf,
    *,
    place: PlaceOf,
    year: YearOf,
    quarter: QuarterOf = None,
) -> Response:
    """The same, one line an institution, with a column of coverage beside each item."""
    report, _ = _table(services, estate, ledger, place, Period(year, quarter))
    return _file(sheets.csv_of(report), _CSV, f"{report.place}-{report.period}.csv")


@router.get(
    "/statutory.xlsx",
    summary="Get the statutory table as an Excel workbook",
    response_class=Response,
    responses=refusals(404, 422, 503) | {200: {"content": {_XLSX: {}}}},
)
def statutory_xlsx(
    services: ServicesOf,
    estate: EstateOf,
    ledger: LedgerOf,
    *,
    place: PlaceOf,
    year: YearOf,
    quarter: QuarterOf = None,
) -> Response:
    """The same with sheets of coverage, of the estimated figures and of the factors."""
    report, _ = _table(services, estate, ledger, place, Period(year, quarter))
    return _file(sheets.xlsx_of(report), _XLSX, f"{report.place}-{report.period}.xlsx")


@router.get("/statutory/values", summary="List entered values", responses=refusals(422))
def entered_values(services: ServicesOf, *, year: YearOf) -> EnteredList:
    """All values of a year ever entered; of one place, quarter and item the last counts."""
    return EnteredList(items=[_entered_item(one) for one in services.registry.entered_values(year)])


@router.post(
    "/statutory/values",
    summary="Enter a value that no meter gives",
    responses=refusals(400, 403, 404, 413, 422, 503),
)
def enter_value(services: ServicesOf, estate: EstateOf, ledger: LedgerOf, body: EnteredInput) -> EnteredItem:
    """Coal, petrol, diesel, or what has no meter at this place; earlier values are kept as they were.

    Where meters count the item, readings are brought in instead, so that no amount is in twice.
    """
    place = estate.place(body.place)
    accounts = Accounts(estate, ledger, services.clock())
    table = Table(accounts, Derivations(accounts, services.registry.references()), [])
    if body.amount is not None and table.is_metered(place.id, body.item, Period(body.year, body.quarter)):
        raise problems.invalid(
            "item",
            body.item,
            f"meters count it at {place.id}",
            "bring in readings with POST /api/v1/imports, or enter the value for a place without a meter",
        )
    value = EnteredValue(
        place.id, body.year, body.quarter, body.item, body.amount, body.source, body.by, services.clock()
    )
    services.registry.enter_values([value])
    return _entered_item(value)


@router.post("", summary="Close a report", responses=refusals(400, 403, 404, 409, 413, 422, 503))
def close(services: ServicesOf, estate: EstateOf, ledger: LedgerOf, body: ClosingInput) -> ClosedReportAnswer:
    """Keep the report as it is now, with the sums by meter and day that it rests on.

    A closed report is never overwritten: closing the same place and period again supersedes it.
    """
    period = Period(body.year, body.quarter)
    report, sums = _table(services, estate, ledger, body.place, period)
    earlier = [one for one in services.registry.closed_reports(body.place) if one.period == str(period)]
    head = ReportHead(
        f"{body.kind}-{body.place}-{period}-{len(earlier) + 1}",
        body.kind,
        body.place,
        str(period),
        services.clock(),
        body.by,
        body.note,
    )
    services.registry.close_report(ClosedReport(head, closing.body_of(report), sums.packed()))
    return _answer(head, report, superseded_by=None)


@router.get("", summary="List closed reports", responses=refusals(404))
def closed_reports(
    services: ServicesOf,
    estate: EstateOf,
    *,
    place: Annotated[str | None, Query(description="Of this place alone.")] = None,
) -> ReportList:
    """Closed reports, newest first."""
    heads = services.registry.closed_reports(estate.place(place).id if place is not None else None)
    return ReportList(items=[_head(one, _superseded(one, heads)) for one in heads])


@router.get(
    "/{report_id}", summary="Get a closed report and what has changed since", responses=refusals(404, 503)
)
def closed_report(
    services: ServicesOf,
    estate: EstateOf,
    ledger: LedgerOf,
    report_id: Annotated[str, Path(examples=["statutory-org-2018Q1-1"])],
) -> ClosedReportAnswer:
    """The report as it was closed; which figures are others now, and because of which intervals."""
    found = services.registry.closed_report(report_id)
    if found is None:
        exists = [one.id for one in services.registry.closed_reports()]
        raise problems.unknown("report_id", report_id, exists, "/api/v1/reports")
    head, report = found.head, closing.report_of(found.body)
    heads = services.registry.closed_reports(head.place_id)
    answer = _answer(head, report, superseded_by=_superseded(head, heads))
    if head.place_id not in estate.catalog.places:
        return answer
    now, _ = _table(services, estate, ledger, head.place_id, Period(report.year, report.quarter))
    because = closing.Because(
        Accounts(estate, ledger, services.clock()), DaySums.unpacked(found.basis), report.timezone
    )
    because.look()
    answer.figures = closing.changed_figures(report, now)
    answer.days, answer.intervals, answer.more = because.days, because.intervals, because.more
    answer.changed = bool(answer.figures)
    answer.next_action = closing.RECLOSE if answer.changed and answer.superseded_by is None else None
    return answer


def _table(
    services: Services, estate: Estate, ledger: Ledger, place: str, period: Period
) -> tuple[Statutory, DaySums]:
    accounts = Accounts(estate, ledger, services.clock())
    derivations = Derivations(accounts, services.registry.references())
    table = Table(accounts, derivations, services.registry.entered_values(period.year))
    return table.build(estate.place(place).id, period, services.feed.ledger_pending())


def _answer(head: ReportHead, report: Statutory, *, superseded_by: str | None) -> ClosedReportAnswer:
    return ClosedReportAnswer(
        **_head(head, superseded_by).model_dump(),
        report=report,
        changed=False,
        figures=[],
        days=[],
        intervals=[],
        more=False,
        next_action=None,
    )


def _head(head: ReportHead, superseded_by: str | None) -> ReportHeadItem:
    return ReportHeadItem(
        id=head.id,
        kind=head.kind,
        place=head.place_id,
        period=head.period,
        closed_at=times.rfc3339(head.closed_at_us),
        by=head.by,
        note=head.note,
        superseded_by=superseded_by,
    )


def _superseded(head: ReportHead, heads: list[ReportHead]) -> str | None:
    """The newest closing of the same, if it is another; heads: newest first."""
    same = [
        one.id
        for one in heads
        if (one.kind, one.place_id, one.period) == (head.kind, head.place_id, head.period)
    ]
    return same[0] if same and same[0] != head.id else None


def _entered_item(value: EnteredValue) -> EnteredItem:
    return EnteredItem(
        place=value.place_id,
        year=value.year,
        quarter=value.quarter,
        item=Item(value.item),
        amount=value.amount,
        source=value.source,
        by=value.by,
        unit=COLUMN[Item(value.item)].unit,
        at=times.rfc3339(value.at_us),
    )


def _file(content: bytes, media_type: str, name: str) -> Response:
    # Ids of places fit into a header as they are.
    plain = name.encode("ascii", "replace").decode().replace('"', "_")
    return Response(
        content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{plain}"'}
    )
