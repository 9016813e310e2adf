"""/healthz, /readyz and /metrics."""

from collections.abc import Callable
from contextlib import suppress

import anyio
import anyio.to_thread
from fastapi import APIRouter, Response

from api import told
from api.depends import LiveOf, ServicesOf
from api.items import names
from api.metrics import CONTENT_TYPE, exposition
from api.schemas.system import Checks, Health, Readiness
from core.errors import WattlineError

router = APIRouter(tags=["system"])


@router.get("/healthz", summary="Is the process alive")
async def healthz(services: ServicesOf) -> Health:
    """Answers as long as the process does; see /readyz for whether it can work."""
    return Health(status="ok", version=services.version)


@router.get(
    "/readyz",
    summary="Can Wattline work",
    responses={503: {"model": Readiness, "description": "At least one check failed; it says why."}},
)
async def readyz(services: ServicesOf, response: Response) -> Readiness:
    """Whether broker, store and registry can be reached; a warning is no reason not to be ready."""
    found = {
        "broker": "ok" if services.feed.connected() else "not connected; see the log for the last reason",
        "store": "",
        "registry": "",
    }

    async def check(name: str, ping: Callable[[], None]) -> None:
        found[name] = await _outcome(ping, services.limits.check_s)

    warned = services.feed.warnings()

    async def look() -> None:
        # Where the registry does not answer, its check says so.
        with suppress(TimeoutError, WattlineError), anyio.fail_after(services.limits.check_s):
            warned.extend(await anyio.to_thread.run_sync(told.warnings, services, abandon_on_cancel=True))

    async with anyio.create_task_group() as checks:
        checks.start_soon(look)
        checks.start_soon(check, "store", services.store.ping)
        checks.start_soon(check, "registry", services.registry.ping)
    ready = all(outcome == "ok" for outcome in found.values())
    if not ready:
        response.status_code = 503
    return Readiness(
        status="ready" if ready else "not_ready",
        checks=Checks(**found),
        ledger_pending=services.feed.ledger_pending(),
        warnings=[names(warning) for warning in warned],
    )


async def _outcome(ping: Callable[[], None], check_s: float) -> str:
    """The word ok, or why not; a ping that hangs is left to its thread."""
    try:
        with anyio.fail_after(check_s):
            await anyio.to_thread.run_sync(ping, abandon_on_cancel=True)
    except TimeoutError:
        return f"no answer within {check_s:g} s"
    except WattlineError as error:
        return str(error)
    return "ok"


@router.get(
    "/metrics",
    summary="Get metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(services: ServicesOf, live: LiveOf) -> Response:
    """Totals since start in the Prometheus text format."""
    values = services.feed.counters() | {
        "wattline_broker_connected": float(services.feed.connected()),
        "wattline_ledger_pending": float(services.feed.ledger_pending()),
        "wattline_live_clients": float(live.clients),
    }
    with suppress(WattlineError):  # without the registry the others are all the more wanted
        values |= told.figures(services)
    return Response(exposition(values), headers={"Content-Type": CONTENT_TYPE})
