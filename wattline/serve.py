"""The processes of Wattline: all in one (`run`), ingest alone, API alone.

Each starts its parts in order, says where it can be reached, and on Ctrl-C or SIGTERM stops
them in the opposite order: simulators, HTTP, source, pipeline (which saves a checkpoint),
stores, broker.
"""

import asyncio
import contextlib
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn
from fastapi import FastAPI

from api.app import create_status_app
from api.server import server_config
from core.catalog import Catalog
from core.errors import StartError, WattlineError
from core.estate import Estate
from core.ports import Feed
from core.reference import References
from ingest.mqtt import MqttOptions, open_session
from wattline.assemble import (
    WEB_DIST,
    Parts,
    make_app,
    make_pipeline,
    make_services,
    make_telling,
    make_watch,
    mqtt_options,
    now_us,
    open_parts,
)
from wattline.beside import deadlines_kept, figures_watched
from wattline.broker.embedded import start_broker
from wattline.follow import Follower
from wattline.preflight import require_data_dir, require_free_port, require_servers
from wattline.shards import WHOLE, Shard
from wattline.stages.checkpoints import Checkpoints
from wattline.stated.channels import NOBODY, Told
from wattline.stated.settings import Settings
from wattline.telling.deliver import Dispatcher

log = logging.getLogger(__name__)

_STOP_WITHIN_S = 10.0

Children = Callable[[Catalog, Feed], list[list[str]]]
"""Gives command lines of Wattline to run beside it, once it knows what is stored."""


async def run(
    settings: Settings,
    estate: Estate,
    references: References,
    children: Children | None = None,
    *,
    told: Told = NOBODY,
) -> None:
    """Everything in one process group; children are started once messages are taken."""
    if Shard.parse(settings.ingest.shard) != WHOLE:
        raise StartError(
            f"`run` takes all devices, and ingest.shard is {settings.ingest.shard}: leave it out, "
            "or use `ingest` and `api`"
        )
    require_data_dir(settings.data_dir)
    require_free_port(settings.http.host, settings.http.port, "http.port")
    embedded = settings.broker.kind == "embedded"
    if embedded:
        require_free_port(settings.broker.host, settings.broker.port, "broker.port")
        require_free_port(settings.broker.host, settings.broker.device_port, "broker.device_port")
    async with contextlib.AsyncExitStack() as stack:
        if embedded:
            _say("starting the broker")
            broker = await asyncio.to_thread(start_broker, settings.broker, settings.data_dir)
            stack.callback(broker.stop)
        parts = await stack.enter_async_context(_parts(settings, estate, references))
        if others := await asyncio.to_thread(Checkpoints(parts.registry).not_left):
            raise StartError(
                f"shards {', '.join(map(str, others))} have not left: stop each of them and run "
                "`python -m wattline ingest --shard I/N --leave` for it"
            )
        pipeline, source = make_pipeline(settings, parts)
        ingest = asyncio.create_task(pipeline.run())
        stack.push_async_callback(_finish, ingest)
        stack.callback(source.close)
        stack.callback(parts.feed.close)
        await stack.enter_async_context(_watching(settings, parts))
        await stack.enter_async_context(figures_watched(parts))
        await stack.enter_async_context(deadlines_kept(parts))
        await stack.enter_async_context(_telling(settings, parts, told))
        served = await stack.enter_async_context(
            _http(settings.http.host, settings.http.port, make_app(settings, parts))
        )
        _announce(settings, embedded=embedded)
        if children is not None:
            await _until_connected(parts, ingest)
            for command in await asyncio.to_thread(children, parts.catalogs.current, parts.feed):
                await stack.enter_async_context(_child(command))
        await _until_stopped(ingest, served)
        _say("stopping")


async def ingest_only(
    settings: Settings,
    estate: Estate,
    references: References,
    shard: Shard = WHOLE,
    *,
    leave: bool = False,
    told: Told = NOBODY,
) -> None:
    """From broker to stores, without API and page: the devices of a shard.

    leave: only what still waits in the broker's session; then the session ends, and other
    shards may take over.
    """
    require_data_dir(settings.data_dir)
    require_servers(settings, shard)
    port = settings.ingest.http_port
    if port is not None:
        require_free_port(settings.http.host, port, "ingest.http_port")
    async with contextlib.AsyncExitStack() as stack:
        parts = await stack.enter_async_context(_parts(settings, estate, references))
        checkpoints = Checkpoints(parts.registry, shard)
        await _until_others_left(checkpoints, mqtt_options(settings, shard), leave=leave)
        pipeline, source = make_pipeline(settings, parts, shard, leave=leave)
        ingest = asyncio.create_task(pipeline.run())
        stack.push_async_callback(_finish, ingest)
        stack.callback(source.close)
        if shard.index == 0 and not leave:
            await stack.enter_async_context(figures_watched(parts))
            await stack.enter_async_context(deadlines_kept(parts))
            await stack.enter_async_context(_telling(settings, parts, told))
        served = []
        if port is not None:
            app = create_status_app(make_services(parts))
            served = [await stack.enter_async_context(_http(settings.http.host, port, app))]
        _say(f"taking messages from {settings.broker.host}:{settings.broker.port}{_part(shard)}")
        await _until_stopped(ingest, *served)
        if leave and ingest.done():
            await asyncio.to_thread(checkpoints.leave)
            _say(f"left{_part(shard)}: the session is empty and gone")


async def _until_others_left(checkpoints: Checkpoints, options: MqttOptions, *, leave: bool) -> None:
    """Keep what is published from now on, and wait until another layout of shards has handed over."""
    others = await asyncio.to_thread(checkpoints.not_left)
    if not others:
        return
    names = ", ".join(map(str, others))
    if leave:
        raise StartError(f"{checkpoints.shard} has not taken over yet: let {names} leave, and start it once")
    await open_session(options)
    _say(f"messages are kept for us; waiting until all others have left: {names}")
    _say("stop each of them and run `python -m wattline ingest --shard I/N --leave` for it")
    while others:
        await asyncio.sleep(1)
        others = await asyncio.to_thread(checkpoints.not_left)


async def api_only(settings: Settings, told: Told = NOBODY) -> None:
    """API and page over stores that another process fills."""
    if settings.store.kind == "duckdb":
        raise StartError(
            "a DuckDB file has one owner process: use `run`, or set WATTLINE_STORE__KIND=influx "
            "to serve the API on its own"
        )
    require_free_port(settings.http.host, settings.http.port, "http.port")
    async with contextlib.AsyncExitStack() as stack:
        parts = await stack.enter_async_context(_parts(settings, Estate(), References()))
        parts.telling = await asyncio.to_thread(make_telling, settings, parts, told)
        following = asyncio.create_task(Follower(parts).run())
        stack.push_async_callback(_cancel, following)
        stack.callback(parts.feed.close)
        await stack.enter_async_context(_watching(settings, parts))
        served = await stack.enter_async_context(
            _http(settings.http.host, settings.http.port, make_app(settings, parts))
        )
        _announce(settings, embedded=False)
        await _until_stopped(following, served)


@contextlib.asynccontextmanager
async def _parts(settings: Settings, estate: Estate, references: References) -> AsyncIterator[Parts]:
    with _progress("opening the stores"):
        parts = await asyncio.to_thread(open_parts, settings, asyncio.get_running_loop())
        try:
            # What places and registers name comes first.
            await asyncio.to_thread(parts.registry.put_references, references)
            await asyncio.to_thread(parts.registry.put_estate, estate)
            parts.catalogs.reload()
        except WattlineError:
            parts.close()
            raise
    try:
        yield parts
    finally:
        await asyncio.to_thread(parts.close)


@contextlib.asynccontextmanager
async def _watching(settings: Settings, parts: Parts) -> AsyncIterator[None]:
    """The broker's own figures, in the process whose /metrics and /readyz show them."""
    watch = make_watch(settings)
    if watch is None:
        yield
        return
    parts.feed.broker_figures, parts.feed.broker_warnings = watch.figures.metrics, watch.warnings
    following = asyncio.create_task(watch.run())
    try:
        yield
    finally:
        await _cancel(following)


@contextlib.asynccontextmanager
async def _telling(settings: Settings, parts: Parts, told: Told) -> AsyncIterator[None]:
    """People are told of alerts, while this process is the one that does."""
    parts.telling = channels = await asyncio.to_thread(make_telling, settings, parts, told)
    if not settings.alerts.deliver:
        yield
        return
    deliveries = parts.registry.deliveries
    dispatcher = Dispatcher(deliveries, channels, now_us, log_days=settings.alerts.log_days)
    sending = asyncio.create_task(dispatcher.run())
    try:
        yield
    finally:
        dispatcher.stop()
        await _finish(sending)


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn would raise them again after its own shutdown."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def _http(host: str, port: int, app: FastAPI) -> AsyncIterator[asyncio.Task[None]]:
    server = _Server(server_config(app, host, port))
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110 uvicorn offers no event
        await asyncio.sleep(0.02)
    try:
        yield serving
    finally:
        server.should_exit = True
        await _finish(serving)


@contextlib.asynccontextmanager
async def _child(command: list[str]) -> AsyncIterator[None]:
    # The child holds the other end of its standard input: it sees us go, however we go.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wattline", *command, stdin=asyncio.subprocess.PIPE
    )
    try:
        yield
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _STOP_WITHIN_S)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _until_connected(parts: Parts, ingest: asyncio.Task[None]) -> None:
    """Wait until the checkpoint is restored and the broker connected."""
    while not parts.feed.connected() and not ingest.done():  # noqa: ASYNC110 the feed offers no event
        await asyncio.sleep(0.05)


async def _until_stopped(*tasks: asyncio.Task[None]) -> None:
    """Return on SIGINT or SIGTERM; raise what a task died of."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    for task in tasks:
        if task.done():
            task.result()


async def _finish(task: asyncio.Task[None]) -> None:
    """Let a task that was told to stop do so, but not forever."""
    done, _ = await asyncio.wait([task], timeout=_STOP_WITHIN_S)
    if not done:
        log.error("did not stop within %g s: %s", _STOP_WITHIN_S, task.get_name())
        await _cancel(task)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _part(shard: Shard) -> str:
    return "" if shard == WHOLE else f" (shard {shard})"


def _announce(settings: Settings, *, embedded: bool) -> None:
    address = f"http://{settings.http.host}:{settings.http.port}"
    _say(f"Wattline is at {address}  (API: {address}/docs)")
    if not (WEB_DIST / "index.html").is_file():
        _say("the page is not built (it needs Node 20 or newer: `make run` builds it); the API serves")
    if embedded:
        broker = settings.broker
        _say(f"devices publish to {broker.host}:{broker.device_port} (MQTT 3.1.1) or :{broker.port} (MQTT 5)")
    _say("stop with Ctrl-C; data stays in " + str(settings.data_dir.resolve()))


@contextlib.contextmanager
def _progress(what: str) -> Iterator[None]:
    started = time.monotonic()
    _say(what)
    yield
    if time.monotonic() - started > 2:
        _say(f"{what}: done in {time.monotonic() - started:.1f} s")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 the terminal is where the person who started us looks
