"""/docs: Swagger UI from a bundled copy, so that it works where there is no internet.

Its start script is an address of its own because the content policy allows no inline ones.
"""

import json
from importlib.resources import files

from fastapi import FastAPI
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

# Of this package only the Swagger UI files are used, none of its code.
_BUNDLE = "fastapi_swagger"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="icon" href="/docs/assets/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""


def install(app: FastAPI) -> None:
    """Serve /docs for the app's OpenAPI description."""
    options = {
        "url": app.openapi_url,
        "dom_id": "#swagger-ui",
        "deepLinking": True,
        "docExpansion": "list",
        "tryItOutEnabled": True,
        # By default every look at the page would be told to an outside address.
        "validatorUrl": None,
    }
    page = _PAGE.format(title=f"{app.title} API")
    start = f"SwaggerUIBundle({json.dumps(options)});"

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page)

    @app.get("/docs/start.js", include_in_schema=False)
    async def start_script() -> Response:
        return Response(start, media_type="text/javascript")

    assets = files(_BUNDLE) / "resources"
    app.mount("/docs/assets", StaticFiles(directory=str(assets)), name="docs-assets")
