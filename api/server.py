"""How the app is served, with every bound set."""

import uvicorn
from fastapi import FastAPI


def server_config(app: FastAPI, host: str, port: int) -> uvicorn.Config:
    """For a uvicorn server in the process's own event loop; it logs warnings where the process logs.

    When told to stop it closes live sockets (1012) and waits a few seconds for open answers.
    """
    return uvicorn.Config(
        app,
        host,
        port,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        # Clients say nothing on the live socket, so little is taken from them. One that does
        # not answer a ping is gone.
        ws="websockets-sansio",
        ws_max_size=4096,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        limit_concurrency=2048,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=3,
    )
