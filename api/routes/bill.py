"""GET /api/v1/reports/bill: what a place's account costs in a month."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.accounts import Accounts
from api.bill import Question, month_bill
from api.depends import EstateOf, LedgerOf, ServicesOf
from api.openapi import refusals
from api.routes.spans import month_span
from api.schemas.bill import Bill
from core.quantities import Energy

router = APIRouter(prefix="/api/v1/reports", tags=["figures"])


@router.get("/bill", summary="Get a month's bill", responses=refusals(404, 422, 503))
def bill(
    services: ServicesOf,
    estate: EstateOf,
    ledger: LedgerOf,
    *,
    place: Annotated[str, Query(description="This place with all below it.", examples=["b0"])],
    energy: Energy = Energy.ELECTRICITY,
    month: Annotated[
        str | None,
        Query(max_length=20, description="Local month; this one if left out.", examples=["2026-11"]),
    ] = None,
    explain: Annotated[
        bool, Query(description="With the readings behind it and the kind of every day.")
    ] = False,
) -> Bill:
    """A month's bill by the calendar tariff of the place, each line rounded to the cent.

    What it would need and nobody has entered is in `missing` and has no line.
    """
    found = estate.place(place)
    name, start_us, end_us = month_span(month, found.timezone, services.clock())
    accounts = Accounts(estate, ledger, services.clock())
    return month_bill(
        accounts,
        services.registry.references(),
        Question(found, energy, name, start_us, end_us),
        explain=explain,
        pending=services.feed.ledger_pending(),
    )
