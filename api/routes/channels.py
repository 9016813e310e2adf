"""Ways to reach people: GET /api/v1/channels, and a test button for each."""

import logging

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from api import problems
from api.depends import ServicesOf
from api.openapi import refusals
from api.problems import ProblemError
from api.schemas.delivery import ByInput, ChannelItem, ChannelList, TestResult
from api.services import Services
from core.delivering import ChannelView, Telling

router = APIRouter(prefix="/api/v1/channels", tags=["alerts"])

_log = logging.getLogger("wattline.api")


@router.get("", summary="List channels", responses=refusals(503))
def channels(services: ServicesOf) -> ChannelList:
    """Every channel of the configuration, and whether it is disabled and why."""
    disabled = services.registry.deliveries.disabled()
    return ChannelList(items=[ChannelItem.of(one, disabled.get(one.id)) for one in _channels(services)])


@router.post("/{channel_id}/test", summary="Send a test message", responses=refusals(403, 404, 503))
async def test(services: ServicesOf, channel_id: str) -> TestResult:
    """Send a message that says it is a test, now, and answer with what the other side said."""
    telling = _telling(services, channel_id)
    delivery, said, duration_ms = await telling.test(channel_id)
    await run_in_threadpool(services.registry.deliveries.log_test, delivery, said, duration_ms)
    return TestResult.of(delivery, said, duration_ms)


@router.post(
    "/{channel_id}/enable",
    summary="Use a disabled channel again",
    responses=refusals(400, 403, 404, 413, 422, 503),
)
def enable(services: ServicesOf, channel_id: str, body: ByInput) -> ChannelItem:
    """Use a channel again that answered 410; what was given up meanwhile can be sent again one by one."""
    view = next(one for one in _telling(services, channel_id).channels() if one.id == channel_id)
    if services.registry.deliveries.enable(channel_id):
        _log.info("channel %s is enabled by %s", channel_id, body.by)
    return ChannelItem.of(view, None)


def _channels(services: Services) -> list[ChannelView]:
    return [] if services.telling is None else services.telling.channels()


def _telling(services: Services, channel_id: str) -> Telling:
    known = [one.id for one in _channels(services)]
    if channel_id not in known:
        raise problems.unknown("channel_id", channel_id, known, "/api/v1/channels")
    if services.telling is None:
        raise ProblemError(503, "this Wattline has no channels")
    return services.telling
