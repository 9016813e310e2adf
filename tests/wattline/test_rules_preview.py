"""`rules preview` asks a Wattline that runs, and tells what it answers."""

import threading
import time

import pytest
import uvicorn

from storage.duckdb import DuckDBStore
from storage.registry import open_registry
from tests.api.world import World, us
from wattline.cli import main

MINUTE_US = 60_000_000


@pytest.fixture
def address(tmp_path):
    """Where a Wattline with a day of power answers."""
    registry = open_registry(f"sqlite:///{tmp_path}/registry.sqlite")
    store = DuckDBStore(tmp_path / "wattline.duckdb")
    world = World(registry, store)
    begin_us = us("2018-07-01T00:00:00")
    values = [30_000.0] * 4 + [60_000.0] * 4 + [30_000.0] * 88
    rows = [(begin_us + at * 15 * MINUTE_US, value) for at, value in enumerate(values)]
    world.readings("m0", "power_active", rows)
    server = uvicorn.Server(uvicorn.Config(world.app(), port=0, log_level="error", ws="none"))
    serving = threading.Thread(target=server.run)
    serving.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    serving.join()
    store.close()
    registry.close()


def ask(rule, address):
    span = ["--from", "2018-07-01", "--to", "2018-07-02"]
    return main(["rules", "preview", str(rule), *span, "--api", address])


def test_a_stored_rule_is_told_with_its_alerts_and_the_next_step(address, capsys):
    assert ask("high-power", address) == 0
    told = capsys.readouterr().out
    assert "high-power: Power too high" in told
    assert "1 targets, 96 values" in told
    assert "1 alerts on 1 targets" in told
    assert "1 not told, 1 of them as history" in told
    assert "m0/power_active" in " ".join(told.split())
    assert "next: " in told


def test_the_rules_of_a_file_are_tried_one_by_one(address, tmp_path, capsys):
    rule = "name: {zh: 一, en: One}, action: {zh: 查, en: Check}"
    limit = "kind: threshold, quantity: power_active, comparator: above, threshold"
    path = tmp_path / "rules.yaml"
    path.write_text(
        f"rules:\n  - {{id: one, {rule}, condition: {{{limit}: 50000}}}}\n"
        f"  - {{id: two, {rule}, condition: {{{limit}: 90000}}}}\n"
    )
    assert ask(path, address) == 0
    told = capsys.readouterr().out
    assert told.index("one: One") < told.index("two: One")
    assert "It would not have fired" in told


def test_a_rule_on_silence_says_what_is_not_known(address, tmp_path, capsys):
    path = tmp_path / "rules.yaml"
    path.write_text(
        "rules:\n  - {id: silent, name: {zh: 静, en: Silent}, action: {zh: 查, en: Check}, "
        "condition: {kind: no_data}, select: {devices: [m0, m1]}, inhibited_by: [high-power]}\n"
    )
    assert ask(path, address) == 0
    told = capsys.readouterr().out
    assert "silent: Silent" in told
    assert "not known: No alert of rule high-power is recorded in this span" in told
    assert "not known: 2 devices were never heard (m0, m1)" in told


def test_what_is_refused_is_told_with_the_fix(address, capsys):
    assert ask("none-such", address) == 1
    assert "rule_id = 'none-such': one of high-power" in capsys.readouterr().err


def test_without_a_wattline_it_says_how_to_start_one(capsys):
    assert ask("high-power", "http://127.0.0.1:9") == 1
    assert "python -m wattline run" in capsys.readouterr().err
