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
