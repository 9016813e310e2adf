"""How fast a queued session drains on one core: Wattline against a null consumer and two rivals.

Messages of five values and about 135 B wait in a mosquitto session. Every client has the same
ones, is a fresh process, and is pinned to one core; mosquitto, InfluxDB and whoever
publishes share the others. `influx_apart` is Wattline on InfluxDB once more with mosquitto on
the client's core, so that InfluxDB has the others for itself, as it has with raw lines. The
clients are described in bench.clients. All meters are
registered before. `busy` is the client's share of its core: well below 1, the servers were
the limit. With --repeat, medians and the least and the most of all runs.
"""

import argparse
import asyncio
import contextlib
import json
import tempfile
from pathlib import Path

from bench.clients import CLIENTS, Task
from bench.cores import alone, leave_one_core, machine, medians
from bench.load import messages, queue_up, session
from bench.servers import influxd, mosquitto, write_path_of_2x
from simulators.stream import Message

_RATIOS = {
    "duckdb_of_null": ("duckdb", "null"),
    "influx_of_null": ("influx", "null"),
    "duckdb_of_usual": ("duckdb", "usual"),
    "influx_of_raw": ("influx", "raw_lines"),
    "influx_of_raw_same": ("influx", "raw_same_lines"),
    "influx_apart_of_raw": ("influx_apart", "raw_lines"),
    "influx_apart_of_raw_same": ("influx_apart", "raw_same_lines"),
    "raw_same_of_raw": ("raw_same_lines", "raw_lines"),
    "influx_of_usual": ("influx", "usual"),
}


def run(
    chosen: list[str], backlog: list[Message], options: argparse.Namespace, core: int | None
) -> dict[str, float]:
    """Every chosen client once, one after the other, over the same messages."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name, mosquitto(Path(name)) as port:
        for client in chosen:
            folder = Path(name) / client
            folder.mkdir()
            count = min(options.usual_messages, options.messages) if client == "usual" else options.messages
            with contextlib.ExitStack() as servers:
                url, broker = "", port
                if client not in ("null", "duckdb"):
                    url = servers.enter_context(influxd(folder))
                if client == "usual":
                    url = servers.enter_context(write_path_of_2x(url))
                if client == "influx_apart":
                    broker = servers.enter_context(mosquitto(folder, core))
                if client not in ("raw_lines", "raw_same_lines"):
                    asyncio.run(queue_up(session(broker, f"bench-{client}"), backlog[:count]))
                task = Task(f"bench-{client}", count, options.devices, folder, broker, url)
                result = alone(core, CLIENTS[client], task)
            found |= {f"{client}_{key}": value for key, value in result.items()}
            print(client, result, flush=True)
    for ratio, (ours, theirs) in _RATIOS.items():
        if ours in chosen and theirs in chosen:
            found[ratio] = round(found[f"{ours}_per_s"] / found[f"{theirs}_per_s"], 3)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--usual-messages", type=int, default=30_000, help="of these, for the usual script")
    parser.add_argument("--devices", type=int, default=5_000)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--clients", nargs="+", choices=list(CLIENTS), default=list(CLIENTS))
    options = parser.parse_args()
    where, core = machine(), leave_one_core()
    runs = []
    for _ in range(options.repeat):
        backlog = messages(options.messages, options.devices)
        runs.append(run(options.clients, backlog, options, core))
    head = {"messages": options.messages, "devices": options.devices, "runs": options.repeat}
    print(json.dumps({**head, **where, "pinned": core is not None, **medians(runs)}))


if __name__ == "__main__":
    main()
