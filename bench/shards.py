"""What a second shard brings: the same messages drained by one process, and by each of two.

Every shard hears all messages, acknowledges those of others at once and takes its own through
the pipeline into InfluxDB. Each is measured alone, a fresh process pinned to one core,
mosquitto and InfluxDB on the others: what a layout could do with a core for each shard and
servers that keep up is the messages over the time of its slowest shard.
"""

import argparse
import asyncio
import json
import tempfile
from pathlib import Path

from bench.clients import Task, influx_parts, through_pipeline
from bench.cores import alone, leave_one_core, machine, medians
from bench.load import messages, queue_up, session
from bench.servers import influxd, mosquitto
from simulators.stream import Message
from wattline.shards import Shard


def drain(task: Task, shard: Shard, own: int) -> dict[str, float]:
    """Drain the session; ends when the last of the shard's own messages is acknowledged."""

    async def through() -> dict[str, float]:
        return await through_pipeline(task, *influx_parts(task), shard=shard, own=own)

    return asyncio.run(through())


def run(backlog: list[Message], devices: int, most: int, core: int | None) -> dict[str, float]:
    """Every shard of every layout, one after the other, over the same messages."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name, mosquitto(Path(name)) as port:
        for count in range(1, most + 1):
            slowest = float("inf")
            for shard in (Shard(index, count) for index in range(count)):
                folder = Path(name) / f"{shard.index}-of-{count}"
                folder.mkdir()
                client_id = f"bench-{folder.name}"
                own = sum(shard.wants(message.topic) for message in backlog)
                asyncio.run(queue_up(session(port, client_id), backlog))
                with influxd(folder) as url:
                    task = Task(client_id, len(backlog), devices, folder, port, url)
                    result = alone(core, drain, task, shard, own)
                print(f"shard {shard}: {own} messages are its own", result, flush=True)
                found |= {f"{key}_{folder.name}".replace("-", "_"): value for key, value in result.items()}
                slowest = min(slowest, result["per_s"])
            found[f"layout_of_{count}_per_s"] = slowest
    found["gain_of_2"] = round(found["layout_of_2_per_s"] / found["layout_of_1_per_s"], 2)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--devices", type=int, default=5_000)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--most", type=int, default=2, help="shards of the largest layout")
    options = parser.parse_args()
    where, core = machine(), leave_one_core()
    backlog = messages(options.messages, options.devices)
    runs = [run(backlog, options.devices, options.most, core) for _ in range(options.repeat)]
    head = {"messages": options.messages, "devices": options.devices, "runs": options.repeat}
    print(json.dumps({**head, **where, "pinned": core is not None, **medians(runs)}))


if __name__ == "__main__":
    main()
