"""The HTTP server around the app, with every bound set."""

import uvicorn
from fastapi import FastAPI


def make_server(app: FastAPI, host: str, port: int) -> uvicorn.Server:
    """A server to run in the process's event loop; it does not touch the logging setup.

    A stop request closes live sockets (1012) and waits a few seconds for open answers.
    """
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host,
            port,
            log_config=None,
            access_log=False,
            server_header=False,
            # A client says nothing on the live socket, so little is taken from it.
            ws_max_size=4096,
            ws_ping_interval=20.0,
            ws_ping_timeout=20.0,
            limit_concurrency=2048,
            h11_max_incomplete_event_size=32_768,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=5,
        )
    )
