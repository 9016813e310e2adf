"""WS /api/v1/live."""

from fastapi import APIRouter, WebSocket

from api.depends import LiveOf

router = APIRouter()


@router.websocket("/api/v1/live")
async def live(websocket: WebSocket, service: LiveOf) -> None:
    """See api.live."""
    await service.serve(websocket)
