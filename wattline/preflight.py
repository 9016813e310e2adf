"""What must be true before anything starts; each failure is one line that says what to change."""

import errno
import os
import shutil
import socket
from pathlib import Path

from core.errors import StartError
from wattline.shards import WHOLE, Shard
from wattline.stated.settings import Settings

_FREE_BYTES = 200 * 1024 * 1024


def require_free_port(host: str, port: int, key: str) -> None:
    """Raise StartError unless the port can be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            variable = "WATTLINE_" + key.upper().replace(".", "__")
            if error.errno == errno.EADDRINUSE:
                why = f"port {port} on {host} is taken: stop what uses it"
            elif error.errno == errno.EACCES:
                why = f"port {port} on {host} needs privileges that we don't have: take one above 1023"
            else:
                why = f"can't listen on {host}:{port} ({error.strerror})"
            raise StartError(f"{why}, or set another with {variable}=…") from error


def require_data_dir(folder: Path) -> None:
    """Make the folder; raise StartError unless it can be written and has room."""
    variable = "WATTLINE_DATA_DIR"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
    except OSError as error:
        why = error.strerror or str(error)
        raise StartError(
            f"can't write to {folder.resolve()} ({why}): free it, or set {variable}=…"
        ) from error
    free = shutil.disk_usage(folder).free
    if free < _FREE_BYTES:
        raise StartError(
            f"only {free // 2**20} MiB are free for {folder.resolve()}, and {_FREE_BYTES // 2**20} are "
            f"needed to start: make room, or set {variable}=… to another disk"
        )


def require_servers(settings: Settings, shard: Shard) -> None:
    """Raise StartError unless several processes may share broker and stores, or there is one only."""
    if shard == WHOLE:
        return
    wrong = []
    if settings.broker.kind == "embedded":
        wrong.append("an external broker (WATTLINE_BROKER__KIND=external)")
    if settings.store.kind == "duckdb":
        wrong.append("InfluxDB, for a DuckDB file has one owner process (WATTLINE_STORE__KIND=influx)")
    if not settings.registry_url.startswith("postgresql"):
        wrong.append("PostgreSQL (WATTLINE_REGISTRY__URL=postgresql+psycopg://…)")
    if wrong:
        raise StartError(f"shard {shard} needs " + ", ".join(wrong) + ": set it, or leave --shard out")
