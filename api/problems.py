"""Every answer that is not a success: RFC 9457 problem details, never a stack trace."""

import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import JsonValue
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from api.headers import security_headers
from api.schemas.problem import FieldProblem, Problem, stated_at
from core.errors import Conflict, StoreError

MEDIA_TYPE = "application/problem+json"

_SHOWN_CHARACTERS = 200
_RETRY_AFTER_S = 5
_log = logging.getLogger("wattline.api")

_TITLES = {
    400: ("bad-request", "Bad request"),
    403: ("forbidden", "Forbidden"),
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "Method not allowed"),
    409: ("conflict", "Conflict"),
    413: ("too-large", "Too large"),
    422: ("invalid-input", "Invalid input"),
    500: ("internal-error", "Internal error"),
    503: ("unavailable", "Unavailable"),
}


@dataclass(eq=False)
class ProblemError(Exception):
    """Raised by a route to answer with a problem."""

    status: int
    detail: str
    errors: list[FieldProblem] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)


def invalid(name: str, value: JsonValue, detail: str, fix: str) -> ProblemError:
    """422: an input that can't be used as it is."""
    return ProblemError(422, f"{name}: {detail}", [FieldProblem(field=name, value=value, fix=fix)])


def unknown(name: str, value: str, exists: Iterable[str], listing: str) -> ProblemError:
    """404: nothing of this kind has this id; listing is where all of them are listed."""
    fix = f"{choice(exists)} (all: GET {listing})"
    return ProblemError(
        404,
        f"{name}: there is no {shown(value)!r}",
        [FieldProblem(field=name, value=shown(value), fix=fix)],
    )


def choice(exists: Iterable[str], most: int = 8) -> str:
    """What may be chosen, in words."""
    names = list(exists)
    if not names:
        return "there is none yet"
    more = f" or {len(names) - most} others" if len(names) > most else ""
    return f"one of {', '.join(names[:most])}{more}"


def shown(value: object) -> str:
    """A value of the request as it may be repeated in an answer: short and valid UTF-8."""
    text = value if isinstance(value, str) else repr(value)
    if len(text) > _SHOWN_CHARACTERS:
        text = f"{text[:_SHOWN_CHARACTERS]}…"
    return text.encode("utf-8", "replace").decode()


def answer(
    status: int,
    detail: str,
    *,
    errors: list[FieldProblem] | None = None,
    instance: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem as a response."""
    slug, title = _TITLES.get(status) or ("error", HTTPStatus(status).phrase)
    problem = Problem(
        type=f"urn:wattline:problem:{slug}",
        title=title,
        status=status,
        detail=detail,
        instance=instance,
        errors=errors or None,
    )
    absent = {name for name in ("instance", "errors") if getattr(problem, name) is None}
    return Response(problem.model_dump_json(exclude=absent), status, headers, MEDIA_TYPE)


def install(app: FastAPI, page: Callable[[Request], Response | None]) -> None:
    """Answer every failure of the app with a problem.

    page: what to send instead of a 404 to a browser that asks for one of the page's own
    addresses; None if it does not.
    """

    @app.exception_handler(ProblemError)
    async def raised(_: Request, error: ProblemError) -> Response:
        return answer(error.status, error.detail, errors=error.errors, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def bad_input(_: Request, error: RequestValidationError) -> Response:
        errors = [_field_problem(one) for one in error.errors()]
        detail = "; ".join(dict.fromkeys(f"{one.field}: {one.fix}" for one in errors))
        return answer(422, detail, errors=errors)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.NOT_FOUND:
            nothing = f"there is nothing at {shown(request.url.path)}; /docs lists what there is"
            return page(request) or answer(404, nothing)
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = ", ".join(_methods(app, request))
            return answer(405, f"possible here: {allowed}", headers={"Allow": allowed})
        return answer(error.status_code, str(error.detail), headers=error.headers)

    @app.exception_handler(Conflict)
    async def conflict(_: Request, error: Conflict) -> Response:
        return answer(409, str(error))

    @app.exception_handler(StoreError)
    async def store_down(_: Request, error: StoreError) -> Response:
        wait_s = max(round(error.retry_after_s or _RETRY_AFTER_S), 1)
        headers = {"Retry-After": str(wait_s)} if error.retryable else {}
        # What the store said may name files and statements: it is for the log.
        _log.warning("the store can't serve: %s", error)
        return answer(503, "the store can't serve now; /readyz and the log say why", headers=headers)

    @app.exception_handler(Exception)
    async def crashed(request: Request, error: Exception) -> Response:
        instance = f"urn:uuid:{uuid.uuid4()}"
        _log.error("%s %s failed: %s", request.method, request.url.path, instance, exc_info=error)
        # This answer is made outside of every middleware, so it brings its own headers.
        return answer(
            500,
            "the server failed on this request; its log has the reason under this instance",
            instance=instance,
            headers=security_headers(MEDIA_TYPE, secure=request.url.scheme == "https"),
        )


def _methods(app: FastAPI, request: Request) -> list[str]:
    """Methods of all routes at this address; the framework names only those of the first."""
    possible = [
        method
        for method in ("GET", "POST", "PUT", "DELETE")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in app.routes)
    ]
    return ["HEAD", *possible] if "GET" in possible else possible


def _field_problem(error: Mapping[str, Any]) -> FieldProblem:
    """One pydantic error in the words of the contract."""
    place, *path = stated_at(error["loc"])
    kind, message = error["type"], str(error["msg"])
    if kind == "json_invalid":
        reason = f"the body is not JSON: {error['ctx']['error']} at character {path[0]}"
        return FieldProblem(field="body", value=None, fix=reason)
    if place == "body" and not path:
        return FieldProblem(
            field="body", value=None, fix="send a JSON object with Content-Type: application/json"
        )
    if kind == "missing":
        return FieldProblem(field=_dotted(path), value=None, fix="is needed")
    if kind == "union_tag_not_found":
        return FieldProblem(field=f"{_dotted(path)}.kind", value=None, fix="is needed")
    if kind == "union_tag_invalid":
        tag, tags = error["ctx"]["tag"], error["ctx"]["expected_tags"]
        return FieldProblem(field=f"{_dotted(path)}.kind", value=_small(tag), fix=f"use one of {tags}")
    fix = "is not a field of this resource: leave it out" if kind == "extra_forbidden" else _lower(message)
    return FieldProblem(field=_dotted(path), value=_small(error["input"]), fix=fix)


def _dotted(path: list[str | int]) -> str:
    return shown(".".join(str(part) for part in path))


def _lower(message: str) -> str:
    text = message.removeprefix("Value error, ").removeprefix("Input ")
    return text[:1].lower() + text[1:]


def _small(value: object) -> JsonValue:
    """The value if it is a plain one that JSON can hold, else how it looks."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) < 1e15:  # not infinity, not NaN
        return value
    return shown(value)
