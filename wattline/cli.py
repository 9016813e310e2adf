"""The command line: python -m wattline COMMAND."""

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from core.errors import ConfigError, WattlineError
from wattline import VERSION, demo, serve, simulate
from wattline.imports import command as import_command
from wattline.rederive import rederive
from wattline.retention import statement
from wattline.rules import command as rules_command
from wattline.shards import Shard
from wattline.stated import configuration
from wattline.stated.settings import Settings

CONFIG = Path(__file__).parent.parent / "config"

_SWITCH_S = 0.0005
"""How long a thread that computes may keep others from running Python, instead of 5 ms: a batch
asks the database a dozen things, and beside a round of rules on figures waits so long after each."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    sys.setswitchinterval(_SWITCH_S)
    options = _parser().parse_args(arguments)
    try:
        settings = _settings(options)
        code: int = options.command(options, settings)
    except ConfigError as error:
        return _complain(f"{len(error.mistakes)} mistake(s) in the configuration:", *error.mistakes)
    except WattlineError as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m wattline", description="Energy and fleet monitoring.")
    parser.add_argument("--version", action="version", version=f"wattline {VERSION}")
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(os.environ.get("WATTLINE_CONFIG", CONFIG)),
        help="folder with wattline.yaml, places.yaml, devices.yaml and the other files (default: config)",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="everything in one: broker, ingest, analytics, alerts, API, page")
    run.add_argument("--demo", action="store_true", help="add a simulated city and recorded buildings")
    run.set_defaults(command=_run)

    ingest = commands.add_parser("ingest", help="ingest alone: from the broker to the stores")
    ingest.add_argument(
        "--shard",
        type=_shard,
        metavar="I/N",
        help="take part I (from 0) of N of the devices (default: ingest.shard, or all)",
    )
    ingest.add_argument(
        "--leave",
        action="store_true",
        help="take what still waits in the broker's session of this shard, end the session and hand over",
    )
    ingest.set_defaults(command=_ingest)

    api = commands.add_parser("api", help="API and page alone, over InfluxDB")
    api.set_defaults(command=_api)

    simulate.add_commands(commands)
    import_command.add_command(commands)
    rules_command.add_command(commands)

    again = commands.add_parser(
        "rederive", help="derive consumption again from the stored readings (while ingest is stopped)"
    )
    again.add_argument("--device", action="append", default=[], metavar="ID", help="of this device alone")
    again.set_defaults(command=_rederive)

    check = commands.add_parser(
        "check", help="report every mistake in the configuration; connects to nothing"
    )
    check.set_defaults(command=_check)
    return parser


def _run(options: argparse.Namespace, settings: Settings) -> int:
    estate = configuration.load_estate(options.config)
    references = configuration.load_references(options.config)
    told = configuration.load_told(options.config)
    if options.demo:
        estate = estate.joined(demo.demo_estate(references))
        asyncio.run(serve.run(settings, estate, references, demo.demo_children, told=told))
    else:
        asyncio.run(serve.run(settings, estate, references, told=told))
    return 0


def _ingest(options: argparse.Namespace, settings: Settings) -> int:
    shard = options.shard or Shard.parse(settings.ingest.shard)
    estate = configuration.load_estate(options.config)
    references = configuration.load_references(options.config)
    told = configuration.load_told(options.config)
    asyncio.run(serve.ingest_only(settings, estate, references, shard, leave=options.leave, told=told))
    return 0


def _api(options: argparse.Namespace, settings: Settings) -> int:
    asyncio.run(serve.api_only(settings, configuration.load_told(options.config)))
    return 0


def _rederive(options: argparse.Namespace, settings: Settings) -> int:
    done = asyncio.run(rederive(settings, options.device))
    print(f"{done.registers} counters derived again: {done.intervals} intervals are others now")  # noqa: T201
    return 0


def _check(options: argparse.Namespace, settings: Settings) -> int:
    print(f"{options.config}: no mistakes")  # noqa: T201
    print("what is kept:", *statement(settings.retention, settings.store), sep="\n  ")  # noqa: T201
    return 0


def _settings(options: argparse.Namespace) -> Settings:
    """Settings of a configuration without mistakes; raises ConfigError with all of them."""
    mistakes = configuration.check(options.config)
    if mistakes:
        raise ConfigError(mistakes)
    settings = configuration.load_settings(options.config)
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for library in ("httpx", "alembic", "iotcore"):  # chatty at info
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.root.level))
    return settings


def _shard(text: str) -> Shard:
    try:
        return Shard.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error


def _complain(*lines: str) -> int:
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201
    return 1
