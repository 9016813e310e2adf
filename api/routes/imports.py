"""POST /api/v1/imports: readings from a CSV or Excel file, tried first and then taken."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from api import problems
from api.depends import ServicesOf
from api.openapi import refusals
from api.problems import ProblemError
from api.schemas.imports import ChangedPeriod, ChangedRegister, ImportResult
from api.schemas.problem import FieldProblem
from api.times import rfc3339
from core.imports import BadFile, ImportOptions, ImportReport, ImportUnavailable, Mistake, RegisterChange

PATH = "/api/v1/imports"

router = APIRouter(prefix=PATH, tags=["series"])

_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FILE = {"schema": {"type": "string", "format": "binary"}}
_BODY = {"requestBody": {"required": True, "content": {"text/csv": _FILE, _EXCEL: _FILE}}}


@router.post(
    "", summary="Import readings from a file", responses=refusals(403, 413, 422, 503), openapi_extra=_BODY
)
async def import_file(
    services: ServicesOf,
    request: Request,
    *,
    dry_run: Annotated[bool, Query(description="Tell what would change, and change nothing.")] = False,
    device: Annotated[
        str, Query(max_length=200, description="Of every row, where the file has no column device.")
    ] = "",
    quantity: Annotated[
        str, Query(max_length=100, description="Of every row, where the file has no column quantity.")
    ] = "",
    timezone: Annotated[
        str, Query(max_length=64, description="Of times without offset (default: that of the meter's place).")
    ] = "",
) -> ImportResult:
    """Import the CSV or Excel file (.xlsx) in the body.

    Columns are device, quantity, time, value and, if there is one, unit; values as the meter
    shows them. A file with a mistake is refused as a whole, with every mistake in `errors`. The readings go
    the way of every message and are flagged `manual`, with the intervals that rest on them.
    """
    if services.importer is None:
        raise ProblemError(503, "this Wattline takes no imports")
    content = await request.body()
    options = ImportOptions(device, quantity, timezone)
    try:
        report = await run_in_threadpool(services.importer.take, content, options, dry_run=dry_run)
    except BadFile as error:
        raise _refused(error) from None
    except ImportUnavailable as error:
        raise ProblemError(503, str(error)) from None
    return _result(report)


def _refused(error: BadFile) -> ProblemError:
    more = (
        "" if error.count <= len(error.mistakes) else f", of which the first {len(error.mistakes)} are told"
    )
    detail = f"nothing was imported: {error.count} mistake(s) in the file{more}"
    return ProblemError(422, detail, [_problem(mistake) for mistake in error.mistakes])


def _problem(mistake: Mistake) -> FieldProblem:
    field = f"row {mistake.row}: {mistake.column}" if mistake.row else mistake.column
    return FieldProblem(field=problems.shown(field), value=problems.shown(mistake.value), fix=mistake.fix)


def _result(report: ImportReport) -> ImportResult:
    return ImportResult(
        readings=report.readings, sent=report.sent, registers=[_register(one) for one in report.registers]
    )


def _register(change: RegisterChange) -> ChangedRegister:
    timezone = change.timezone
    return ChangedRegister(
        device=change.device,
        quantity=change.quantity,
        unit=change.unit,
        timezone=timezone,
        first=rfc3339(change.first_us, timezone),
        last=rfc3339(change.last_us, timezone),
        added=change.added,
        corrected=change.corrected,
        repeated=change.repeated,
        intervals=change.intervals,
        revised=change.revised,
        periods=[
            ChangedPeriod(
                start=rfc3339(period.start_us, timezone),
                end=rfc3339(period.end_us, timezone),
                now=period.now,
                then=period.then,
                now_coverage=period.now_coverage,
                then_coverage=period.then_coverage,
                intervals=period.intervals,
            )
            for period in change.periods
        ],
    )
