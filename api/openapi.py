"""The OpenAPI description: what FastAPI derives, with problems where it expects its own errors."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import MEDIA_TYPE
from api.schemas.problem import Problem

DESCRIPTION = """
Energy and vehicles of public institutions.

- Times are RFC 3339 with offset; a span may also be given as local dates of the place.
- Lists come in pages: pass `next` back as `cursor`.
- What goes wrong is answered as `application/problem+json` (RFC 9457); `errors` names every
  bad input with its fix.
- Missing is not zero: an unknown amount is `null`, and `coverage` is the measured share.

**Live socket** `GET /api/v1/live` (WebSocket) sends JSON objects: first
`{"type":"hello","at","power":[…],"vehicles":[…],"alerts":[…]}` with everything as it stands, then
`{"type":"power","at","items":[…]}`, `{"type":"vehicles","at","items":[…]}`,
`{"type":"alert","at","previous","alert":{…}}` (of what telemetry says, with the state before, and of
what people do, with the same state) and `{"type":"ledger","at","places":[…]}` (figures of these
places changed: fetch again what is shown). Items are those of `power`, `vehicles` and `alerts`.
"""

TAGS = [
    {"name": "estate", "description": "Places, devices and what they report."},
    {"name": "series", "description": "Readings, consumption and live power."},
    {
        "name": "figures",
        "description": "Demand, benchmarks, quotas and what else is computed from the series.",
    },
    {"name": "reports", "description": "The statutory table, what is entered for it, and closed reports."},
    {"name": "alerts", "description": "Rules and what they found."},
    {"name": "fleet", "description": "Vehicles, tracks and the map."},
    {"name": "system", "description": "Health, metrics and what was not accepted."},
]


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route answers with, for its description."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Make app.openapi() describe problems."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI documents


def _described(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        license_info=app.license_info,
    )
    components = schema["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        components.pop(name, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    components.update(problem.pop("$defs", {}))
    components["Problem"] = problem
    failure = refusals(500)[500]
    for path in schema["paths"].values():
        for operation in path.values():
            operation["responses"]["500"] = failure
            # FastAPI adds its own 422 to whatever takes a parameter, be it any text.
            if MEDIA_TYPE not in operation["responses"].get("422", failure)["content"]:
                del operation["responses"]["422"]
    return schema
