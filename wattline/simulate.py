"""Commands that publish what is simulated or recorded: replay, simulate, and the demo's two.

Places and meters are registered first, through the API of the running Wattline; then every
message goes through its broker like any device's.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from core.errors import StartError
from core.estate import Estate
from core.quantities import Energy
from simulators.demo import DEMO_SEED, DemoOptions, run_demo
from simulators.faults import parse_fault
from simulators.follow import FollowOptions, run_follow
from simulators.publish import BrokerAddress
from simulators.record import read_record
from simulators.recorded import Recording, choose, needed_estate
from simulators.replay import ReplayOptions, parse_moment, run_replay
from simulators.simulate import LoadOptions, load_estate, run_load
from wattline.assemble import secret, tls_context
from wattline.provision import late_spans, messages_in_figures, provision
from wattline.stated.settings import Settings

SAMPLE = Path(__file__).parent.parent / "simulators" / "sample" / "electricity_hourly.csv.gz"

_T = TypeVar("_T")
_SETTLE_S = 600.0


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the commands; each gets settings from the caller beside its options."""
    replay = commands.add_parser("replay", help="publish recorded interval amounts as cumulative registers")
    replay.add_argument("file", type=Path, help="CSV or CSV.gz: timestamp_utc, building and kwh (or m3, …)")
    replay.add_argument(
        "--speed", type=float, default=0.0, help="event seconds a second; 0: as fast as possible"
    )
    replay.add_argument("--as-now", action="store_true", help="shifted so that the record ends now")
    replay.add_argument("--buildings", default="", help="only these, with commas between")
    replay.add_argument("--from", dest="start", help="first moment, like 2018-01-01 (in --timezone)")
    replay.add_argument("--to", dest="end", help="end, not included")
    replay.add_argument("--zero-is-missing", action="store_true", help="a row of 0 was not heard")
    replay.add_argument("--energy", type=Energy, choices=list(Energy), help="default: by the file's name")
    replay.add_argument("--timezone", default="UTC", help="of the places that are made (default: UTC)")
    replay.add_argument("--follow", action="store_true", help="play on in real time, weekdays kept, for ever")
    replay.add_argument("--every", type=float, default=60.0, help="with --follow: seconds between readings")
    replay.add_argument("--since-us", type=int, help="with --follow: up to here it is published already")
    replay.add_argument("--history-days", type=float, default=400.0, help="with --follow: days of the past")
    replay.add_argument("--shuffle", action="store_true", help="in random order")
    replay.add_argument("--duplicate", type=float, default=0.0, help="share of messages sent twice")
    replay.add_argument("--split", type=int, default=1, help="lists of 1 to this many readings a message")
    replay.add_argument("--seed", type=int, default=0)
    _addresses(replay)
    replay.set_defaults(command=_replay)

    simulate = commands.add_parser("simulate", help="meters that send five values a message, at a rate")
    simulate.add_argument("--devices", type=int, default=1000)
    simulate.add_argument("--rate", type=float, default=1000.0, help="messages a second; 0: as many as go")
    simulate.add_argument("--messages", type=int, help="stop after so many (default: Ctrl-C)")
    simulate.add_argument("--seed", type=int, default=0)
    simulate.add_argument(
        "--fault", action="append", default=[], help="like offline:device=load-00001,start=60,duration=120"
    )
    _addresses(simulate)
    simulate.set_defaults(command=_simulate)

    city = commands.add_parser("simulate-city", help="the demo's city: 20 buildings, 30 vehicles, live")
    city.add_argument("--seed", type=int, default=DEMO_SEED)
    city.add_argument("--since-us", type=int, help="what was published up to here is not published again")
    city.add_argument("--fault", action="append", default=[], help="beside the scripted ones")
    _addresses(city)
    city.set_defaults(command=_simulate_city)


def _addresses(command: argparse.ArgumentParser) -> None:
    command.add_argument("--broker", type=_broker, help="host:port (default: the configured broker)")
    command.add_argument("--api", help="address of the running Wattline (default: the configured one)")
    # For children of `run`: they end with it, however it ends.
    command.add_argument("--until-stdin-closes", action="store_true", help=argparse.SUPPRESS)
    command.add_argument("--registered", action="store_true", help=argparse.SUPPRESS)


def _broker(text: str) -> BrokerAddress:
    try:
        return BrokerAddress.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _replay(options: argparse.Namespace, settings: Settings) -> int:
    chosen = ReplayOptions(
        speed=options.speed,
        as_now=options.as_now,
        from_us=parse_moment(options.start, options.timezone) if options.start else None,
        to_us=parse_moment(options.end, options.timezone) if options.end else None,
        zero_is_missing=options.zero_is_missing,
        seed=options.seed,
        shuffle=options.shuffle,
        duplicate=options.duplicate,
        split=options.split,
    )
    with _progress() as progress:
        record = read_record(options.file, progress)
        buildings = tuple(filter(None, options.buildings.split(",")))
        recording = choose(record, buildings=buildings, energy=options.energy)
        progress.console.print(f"{record.rows:,} rows of {recording.energy}, {recording.why}")
        _register(options, settings, needed_estate(recording, options.timezone))
        if options.follow:
            return _follow(options, settings, recording, progress)
        api = _api(options, settings)
        before = messages_in_figures(api)
        report = _run(run_replay(recording, chosen, _broker_of(options, settings), progress), options)
        if report is None:
            return 130
        progress.console.print(
            f"{report.readings:,} readings in {report.messages:,} messages, {report.seconds:.1f} s"
        )
        _wait_until_counted(api, before + report.messages, progress)
        for building, total in report.totals.items():
            progress.console.print(f"{building}: {total:,.3f} {report.unit}")
        if report.not_heard:
            progress.console.print(f"{report.not_heard:,} intervals were not heard")
    return 0


def _follow(options: argparse.Namespace, settings: Settings, recording: Recording, progress: Progress) -> int:
    follow = FollowOptions(
        zero_is_missing=options.zero_is_missing,
        every_s=options.every,
        history_s=options.history_days * 86_400,
        since_us=options.since_us,
    )
    _run(run_follow(recording, follow, _broker_of(options, settings), progress), options)
    return 0


def _simulate(options: argparse.Namespace, settings: Settings) -> int:
    load = LoadOptions(
        devices=options.devices,
        rate=options.rate,
        messages=options.messages,
        seed=options.seed,
        faults=tuple(map(parse_fault, options.fault)),
    )
    with _progress() as progress:
        _register(options, settings, load_estate(load))
        report = _run(run_load(load, _broker_of(options, settings), progress), options)
        if report is not None:
            rate = report.messages / report.seconds
            progress.console.print(f"{report.messages:,} messages acknowledged, {rate:,.0f}/s")
    return 0


def _simulate_city(options: argparse.Namespace, settings: Settings) -> int:
    city = DemoOptions(
        seed=options.seed, since_us=options.since_us, faults=tuple(map(parse_fault, options.fault))
    )
    with _progress() as progress:
        _run(run_demo(city, _broker_of(options, settings), progress), options)
    return 0


def _register(options: argparse.Namespace, settings: Settings, estate: Estate) -> None:
    if not options.registered:
        provision(_api(options, settings), estate)


def _wait_until_counted(api: str, messages: float, progress: Progress) -> None:
    """Until all messages are in the figures and these are final."""
    task = progress.add_task("until the figures are final", total=None)
    deadline = time.monotonic() + _SETTLE_S
    while messages_in_figures(api) < messages or late_spans(api):
        if time.monotonic() > deadline:
            raise StartError(f"the figures are not final after {_SETTLE_S:g} s: see {api}/readyz")
        time.sleep(0.2)
    progress.update(task, total=1, completed=1)


def _api(options: argparse.Namespace, settings: Settings) -> str:
    given: str | None = options.api
    return (given or f"http://{settings.http.host}:{settings.http.port}").rstrip("/")


def _broker_of(options: argparse.Namespace, settings: Settings) -> BrokerAddress:
    if options.broker is not None:
        given: BrokerAddress = options.broker
        return given
    broker = settings.broker
    return BrokerAddress(
        broker.host,
        broker.device_port if broker.kind == "embedded" else broker.port,
        broker.username,
        secret(broker.password_file, "broker.password_file"),
        tls_context(broker),
    )


def _run(work: Coroutine[object, object, _T], options: argparse.Namespace) -> _T | None:
    """Run it; None if it was interrupted or the parent is gone."""

    async def guarded() -> _T | None:
        async with _parent(watched=options.until_stdin_closes):
            return await work

    try:
        return asyncio.run(guarded())
    except (KeyboardInterrupt, asyncio.CancelledError):
        return None


@contextlib.asynccontextmanager
async def _parent(*, watched: bool) -> AsyncIterator[None]:
    """Cancel the task inside when standard input closes."""
    task = asyncio.current_task()
    if watched and task is not None:
        loop = asyncio.get_running_loop()

        def read() -> None:
            if not os.read(sys.stdin.fileno(), 4096):
                loop.remove_reader(sys.stdin)
                task.cancel()

        loop.add_reader(sys.stdin, read)
    yield


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=Console(stderr=True))
