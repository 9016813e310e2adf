"""The page at /: the built web app, or how to build it."""

from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

_INDEX = "index.html"
_OURS = ("/api", "/docs", "/healthz", "/readyz", "/metrics", "/openapi.json", "/assets")

_NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Wattline</title></head>
<body>
<h1>Wattline</h1>
<p>This server runs, but its web page has not been built. 网页尚未构建。</p>
<p>With Node 20 or newer installed: <code>cd web &amp;&amp; npm ci &amp;&amp; npm run build</code>,
then start Wattline again.</p>
<p>The API works without it: <a href="/docs">/docs</a> · <a href="/readyz">/readyz</a></p>
</body>
</html>
"""


def install(app: FastAPI, web_dist: Path | None) -> None:
    """Serve the built files where no route is; a missing build is explained at /."""
    if web_dist is not None and (web_dist / _INDEX).is_file():
        app.frontend("/", directory=web_dist, fallback=None)
        return

    @app.get("/", include_in_schema=False)
    async def not_built() -> HTMLResponse:
        return HTMLResponse(_NOT_BUILT)


def page_for(web_dist: Path | None) -> Callable[[Request], Response | None]:
    """What a browser gets at an address that only the page itself knows: the page.

    A program that asks for something that isn't there still gets its 404.
    """

    def page(request: Request) -> Response | None:
        navigates = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        if web_dist is None or not navigates or request.url.path.startswith(_OURS):
            return None
        index = web_dist / _INDEX
        return FileResponse(index) if index.is_file() else None

    return page
