"""The live socket: a snapshot first, then what changes.

The feed gives a slow reader the newest state and never a growing queue, and a message is
sent only when the one before is on its way, so a client costs one message of memory. A
client that does not take its message in time is dropped; it connects again and gets a new
snapshot.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from api import problems
from api.guard import is_foreign
from api.live_messages import Messages
from api.schemas.live import PingMessage, VehiclesMessage
from api.services import Services
from core.errors import WattlineError
from core.ports import FeedEvent

_GOING_AWAY, _INTERNAL_ERROR, _TRY_AGAIN_LATER = 1001, 1011, 1013
_CLOSE_S = 1.0


class Live:
    """Serves every live client of the process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._messages = Messages(services)
        self.clients = 0

    async def serve(self, websocket: WebSocket) -> None:
        """Speak with one client until it leaves, is too slow, or the feed ends."""
        limits = self._services.limits
        if is_foreign(websocket.headers, self._services.allowed_origins):
            refusal = problems.answer(403, "a page of another host may not listen here")
            await websocket.send_denial_response(refusal)
            return
        if self.clients >= limits.live_clients:
            full = f"{limits.live_clients} clients listen already"
            await websocket.send_denial_response(problems.answer(503, full, headers={"Retry-After": "30"}))
            return
        self.clients += 1
        try:
            await websocket.accept()
            await self._converse(websocket)
        finally:
            self.clients -= 1

    async def _converse(self, websocket: WebSocket) -> None:
        """Send until done or until the client leaves, whichever is first."""
        sending = asyncio.create_task(self._send_all(websocket))
        listening = asyncio.create_task(_until_gone(websocket))
        try:
            await asyncio.wait((sending, listening), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            listening.cancel()
            outcome, _ = await asyncio.gather(sending, listening, return_exceptions=True)
        if isinstance(outcome, asyncio.CancelledError | WebSocketDisconnect):
            return
        if isinstance(outcome, TimeoutError):
            await _close(websocket, _TRY_AGAIN_LATER, "too slow; connect again")
        elif isinstance(outcome, WattlineError):
            await _close(websocket, _INTERNAL_ERROR, problems.shown(str(outcome))[:60])
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            await _close(websocket, _GOING_AWAY, "the pipeline stopped")

    async def _send_all(self, websocket: WebSocket) -> None:
        """Snapshot and changes until the feed ends. Raises TimeoutError for a slow client."""
        events = self._services.feed.events()
        told: dict[str, str] = {}
        # Subscribed before the snapshot is taken, so that no change falls between the two; a
        # generator subscribes when its first step runs, which is in the loop's next round.
        upcoming = asyncio.ensure_future(anext(events))
        try:
            await asyncio.sleep(0)
            hello = await self._messages.hello()
            told.update((item.id, item.status) for item in hello.vehicles)
            await self._send(websocket, hello.model_dump_json())
            while True:
                await asyncio.wait((upcoming,), timeout=self._services.limits.live_status_s)
                if not upcoming.done():
                    await self._send_silent(websocket, told)
                    continue
                try:
                    event = upcoming.result()
                except StopAsyncIteration:
                    return
                for message, text in await self._messages.of(event):
                    if isinstance(message, VehiclesMessage):
                        told.update((item.id, item.status) for item in message.items)
                    await self._send(websocket, text)
                upcoming = asyncio.ensure_future(anext(events))
        finally:
            await _end(events, upcoming)

    async def _send_silent(self, websocket: WebSocket, told: dict[str, str]) -> None:
        """Tell of vehicles whose status changed although nothing came from them, or just ping."""
        message = await self._messages.vehicles()
        message.items = [item for item in message.items if told.get(item.id) != item.status]
        told.update((item.id, item.status) for item in message.items)
        sent = message if message.items else PingMessage(at=message.at)
        await self._send(websocket, sent.model_dump_json())

    async def _send(self, websocket: WebSocket, text: str) -> None:
        async with asyncio.timeout(self._services.limits.live_send_s):
            await websocket.send_text(text)


async def _until_gone(websocket: WebSocket) -> None:
    """Take and forget whatever the client says."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def _end(events: AsyncIterator[FeedEvent], upcoming: asyncio.Future[FeedEvent]) -> None:
    """Unsubscribe: stop waiting, and let a generator run its cleanup."""
    upcoming.cancel()
    await asyncio.gather(upcoming, return_exceptions=True)
    close = getattr(events, "aclose", None)
    if close is not None:
        await close()


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    # A client that takes nothing does not take the close either.
    with suppress(TimeoutError, WebSocketDisconnect):
        async with asyncio.timeout(_CLOSE_S):
            await websocket.close(code, reason)
