"""GET /api/v1/rules."""

from fastapi import APIRouter

from api.depends import ServicesOf
from api.openapi import refusals
from api.schemas.rules import RuleItem, RuleList

router = APIRouter(prefix="/api/v1/rules", tags=["alerts"])


@router.get("", summary="List rules", responses=refusals(503))
def rules(services: ServicesOf) -> RuleList:
    """Every rule that may raise an alert."""
    return RuleList(items=[RuleItem.of(rule) for rule in services.registry.rules()])
