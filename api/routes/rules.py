"""GET /api/v1/rules."""

from fastapi import APIRouter

from api.depends import ServicesOf
from api.items import rule_item
from api.openapi import refusals
from api.schemas.alerts import RuleList

router = APIRouter(prefix="/api/v1/rules", tags=["alerts"])


@router.get("", summary="List rules", responses=refusals(503))
def rules(services: ServicesOf) -> RuleList:
    """Every rule that may raise an alert."""
    return RuleList(items=[rule_item(rule) for rule in services.registry.rules()])
