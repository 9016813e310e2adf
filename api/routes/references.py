"""GET /api/v1/references."""

from enum import StrEnum
from typing import Any

from fastapi import APIRouter
from pydantic import Field, TypeAdapter

from api.depends import ServicesOf
from api.openapi import refusals
from api.schemas.base import Answer

router = APIRouter(prefix="/api/v1/references", tags=["figures"])


class ReferenceKind(StrEnum):
    """Kinds of documents that figures are computed with."""

    CALENDARS = "calendars"
    TARIFFS = "tariffs"
    FACTORS = "factors"
    QUOTAS = "quotas"
    POLICIES = "policies"


class ReferenceList(Answer):
    """Documents in order of id."""

    items: list[dict[str, Any]] = Field(
        description="As stated in the configuration, with sources, and what was filled in."
    )


_DOCUMENTS = TypeAdapter(list[Any])


@router.get(
    "/{kind}", summary="List calendars, tariffs, factors, quotas or policies", responses=refusals(422)
)
def references(services: ServicesOf, kind: ReferenceKind) -> ReferenceList:
    """What figures are computed with, as this moment's figures rest on it."""
    found = getattr(services.registry.references(), kind.value)
    documents = [found[id_] for id_ in sorted(found)]
    return ReferenceList(items=_DOCUMENTS.dump_python(documents, mode="json"))
