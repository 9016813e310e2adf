"""The HTTP interface, put together: the table of contents of this folder."""

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from api import docs, openapi, problems, web
from api.guard import BodyLimit, HeadIsGet, SameOrigin
from api.headers import SecurityHeaders
from api.ledger import Ledger
from api.live import Live
from api.routes import ROUTERS, imports, system
from api.services import Services


def create_app(services: Services) -> FastAPI:
    """The app that serves these services; it starts and closes none of them."""
    app = FastAPI(
        title="Wattline",
        version=services.version,
        description=openapi.DESCRIPTION,
        openapi_tags=openapi.TAGS,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(HeadIsGet),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),
            Middleware(SameOrigin, allowed_origins=services.allowed_origins),
            Middleware(
                BodyLimit,
                most_bytes=services.limits.body_bytes,
                most_at={imports.PATH: services.limits.import_bytes},
            ),
        ],
    )
    app.state.services = services
    app.state.ledger = Ledger(services.store, services.limits)
    app.state.live = Live(services)
    for router in ROUTERS:
        app.include_router(router)
    openapi.install(app)
    docs.install(app)
    web.install(app, services.web_dist)
    problems.install(app, page=web.page_for(services.web_dist))
    return app


def create_status_app(services: Services) -> FastAPI:
    """Health, readiness and metrics alone, of a process that serves nothing else."""
    app = FastAPI(title="Wattline", version=services.version, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.services = services
    app.state.live = Live(services)
    app.include_router(system.router)
    problems.install(app, page=web.page_for(None))
    return app
