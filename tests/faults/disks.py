"""Rows 9 and 10: a full disk, and a log of DuckDB that is torn or damaged."""

import contextlib
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.report import Report
from tests.faults.world import Options, World

_DISK_MB = 256


@contextlib.contextmanager
def small_disk(folder: Path):
    """A file system of _DISK_MB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    folder.mkdir()
    size = f"size={_DISK_MB}m"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"a small disk can't be mounted: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def disk_full(options: Options, folder: Path) -> Report:
    """The disk of the store fills up under load; after `seconds` somebody makes room.

    DuckDB: the data folder, with the registry in it. InfluxDB: influxd's folder. influxd 1.6.7
    repeats the error of a write that has failed until it is restarted, and then appends to a
    log that ends in half an entry, at which its next start will stop reading: whoever makes
    room restarts it and, once it has taken something, has it write out its log by taking a
    backup (kind no-backup: doesn't).
    """
    disk = folder / ("influxd" if options.store == "influx" else "data")
    with small_disk(disk), World(folder, options, "disk-full") as world:
        world.product.variables["WATTLINE_DATA_DIR"] = str(
            world.product.folder if options.store == "influx" else disk / "wattline"
        )
        world.begin()
        said = 0
        for trial in range(options.trials):
            ballast = disk / "ballast"
            before = world.product.total("wattline_store_retries_total")
            _fill(ballast, leave=world.random.uniform(0, 1 << 20))
            world.devices.wait_until(
                lambda before=before: world.product.total("wattline_store_retries_total") > before
            )
            time.sleep(options.seconds)
            said += "no space left" in world.product.log or "make room" in world.product.log
            since_s = time.monotonic()
            ballast.unlink()
            if options.store == "influx":
                world.influx.stop()
                world.influx.start()
            world.recovered(since_s, 120)
            if options.store == "influx" and options.kind != "no-backup":
                world.influx.back_up(folder / f"backup-{trial}")
        world.report.more["said"] = said
        return world.finish()


def _room(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


def _fill(ballast: Path, leave: float) -> None:
    """Write zeros until so many bytes are free."""
    with ballast.open("wb") as file, contextlib.suppress(OSError):
        while (left := _room(ballast.parent) - leave) > 0:
            file.write(bytes(min(int(left) + 1, 1 << 20)))
            file.flush()


def damaged_log(options: Options, folder: Path) -> Report:
    """Wattline is killed and the log of its DuckDB file is cut short (odd trials) or a bit of it flipped.

    What was in the lost part had been acknowledged: its only copy is gone, and it can't come
    again. What is asked for is that Wattline starts, keeps the rest, and says what is missing.
    silent: trials in which more was missing than the log of Wattline says.
    """
    with World(folder, options, "damaged-log") as world:
        world.begin()
        silent, readings_said, gone = 0, 0, set()
        for trial in range(options.trials):
            world.pause_s(0.2, options.seconds)
            world.product.kill()
            before = {number for _, number in world.tap.acknowledged_s}
            log = world.product.folder / "data" / "wattline.duckdb.wal"
            if trial % 2:
                os.truncate(log, world.random.randrange(log.stat().st_size))
            else:
                flip(log, world.random.randrange(log.stat().st_size * 8))
            told = len(world.product.log)
            since_s = time.monotonic()
            world.product.start()
            world.recovered(since_s)
            missing = (before & world.missing_now()) - gone
            said = _SAID.search(world.product.log[told:])
            readings_said += int(said[1]) if said else 0
            silent += 2 * len(missing) > (int(said[1]) if said else 0)
            gone |= missing
        report = world.finish(lost_at_broker=True)
        report.more |= {"silent": silent, "gone_with_the_log": len(gone), "readings_said": readings_said}
        report.lost -= len(gone)
        return report


_SAID = re.compile(r"(\d+) readings.* that were acknowledged")


def flip(file: Path, bit: int) -> None:
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    file.write_bytes(content)
