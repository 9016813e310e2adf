"""A process that tells people of alerts and nothing else: `python -m tests.faults.sending URL PORT`."""

import asyncio
import sys
import time

from core.delivery import GroupBy, Route
from notify.channels import CHANNELS
from notify.channels.base import Surroundings
from notify.http import Transport
from storage.registry import open_registry
from wattline.stated.channels import Told
from wattline.telling.channels import OpenChannels
from wattline.telling.deliver import Dispatcher, Rhythm

LEASE_S = 2.0
SECRET = "whsec_d2F0dGxpbmUtd2F0dGxpbmUtd2F0dGxpbmU="  # noqa: S105 of this test alone


def now_us():
    return time.time_ns() // 1000


async def main(url, port):
    registry = open_registry(url)
    settings = {"id": "hook", "kind": "webhook", "url": f"http://127.0.0.1:{port}/", "secret_env": "HOOK"}
    channel = CHANNELS["webhook"].model_validate(settings | {"rate_per_minute": 6000, "span_s": 10.0})
    route = Route(
        "all",
        ("hook",),
        group_by=(GroupBy.RULE, GroupBy.PLACE),
        group_wait_s=0.0,
        group_interval_s=0.0,
        storm=9999,
    )
    catalog = registry.catalog()
    channels = OpenChannels(
        Told({"hook": channel}, (route,)),
        Surroundings(Transport(("127.0.0.0/8",)), None, {"HOOK": SECRET}),
        registry,
        registry.deliveries,
        catalog=lambda: catalog,
        now_us=now_us,
    )
    rhythm = Rhythm(look_s=0.02, again_s=0.1, lease_s=LEASE_S)
    await Dispatcher(registry.deliveries, channels, now_us, rhythm=rhythm).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
