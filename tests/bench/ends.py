"""What a benchmark prints last, as `make bench` reads it."""

import json
import subprocess
import sys
from pathlib import Path

from tests.servers import binary

CHECKOUT = Path(__file__).parents[2]


def last_line(name: str, *options: object, servers: tuple[str, ...] = ("mosquitto",)) -> dict:
    """Run a benchmark with these options; skips if one of the servers is not installed."""
    for server in servers:
        binary(server, {"influxd": "influxdb"}.get(server, server))
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", *map(str, options)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])
