"""The memory and scale benchmarks in small: every size has every figure."""

from tests.bench.ends import last_line


def test_memory_is_known_at_every_step_of_every_size():
    result = last_line("memory", "--registers", 50, 100, "--checkpoint-s", 1)
    for count in (50, 100):
        found = result[f"with_{count}_registers_mb"]
        steps = {"empty", "reported", "checkpoint", "asked", "restarted", "asked_again"}
        assert found.keys() == {*steps, "peak", "start_s"}
        assert all(0 < found[step] <= found["peak"] for step in steps)


def test_scale_registers_starts_and_saves_at_every_size():
    result = last_line("scale", "--devices", 20, 40, "--messages", 200)
    for devices in (20, 40):
        found = result[f"with_{devices}_devices"]
        timed = {"estate_s", "register_s", "register_cpu_s", "start_s", "start_cpu_s", "checkpoint_s"}
        assert found.keys() == {*timed, "per_s", "cpu_s_per_million", "busy", "checkpoint_mb", "peak_mb"}
        assert all(value > 0 for value in found.values())


def test_the_ledger_is_derived_again_and_says_what_each_way_costs():
    found = last_line("ledger", "--meters", 20, "--days", 3, "--late", 4)
    assert found["readings"] == 20 * 3 * 96
    assert found["unchanged_revised"] == 0
    assert found["ratio_revised"] >= 20 * 3 * 95
    assert all(found[name] > 0 for name in ("first_s", "read_s", "unchanged_s", "ratio_s"))
    assert 0 < found["late_ms"]["p50"] <= found["late_ms"]["p95"]


def test_rules_see_nothing_where_all_is_calm_and_everything_where_all_is_in_breach():
    found = last_line("alerts", "--meters", 40, "--rules", 20, "--batches", 4)
    assert found["watched"] == found["registers"] == 200
    assert found["watches"] == 400
    assert found["calm_transitions"] == 0
    assert found["some_transitions"] < found["all_transitions"]
    assert all(found[f"{name}_ms"] > 0 for name in ("null", "calm", "some", "all", "silence"))
