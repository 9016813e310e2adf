"""What routes ask for: the services, and what was made of them once when the app was made."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from api.estate import Estate, estate_of
from api.ledger import Ledger
from api.live import Live
from api.services import Services

# Coroutines although nothing waits: FastAPI would send plain functions to a thread each.


async def _services(connection: HTTPConnection) -> Services:
    services: Services = connection.app.state.services
    return services


async def _ledger(connection: HTTPConnection) -> Ledger:
    ledger: Ledger = connection.app.state.ledger
    return ledger


async def _live(connection: HTTPConnection) -> Live:
    live: Live = connection.app.state.live
    return live


ServicesOf = Annotated[Services, Depends(_services)]
LedgerOf = Annotated[Ledger, Depends(_ledger)]
LiveOf = Annotated[Live, Depends(_live)]


def _estate(services: ServicesOf) -> Estate:
    # In a thread: indexing a new catalog of a large estate takes a while.
    return estate_of(services.catalog())


EstateOf = Annotated[Estate, Depends(_estate)]
