"""A file of cases: what it may say, and how each mistake is told."""

import textwrap

import pytest

from core.errors import ConfigError
from wattline.cli import main
from wattline.rules.case import load
from wattline.rules.times import Clock, names, span_us, values

RULES = """\
rules:
  - id: over-power
    condition: {kind: threshold, quantity: power_active, comparator: above, threshold: 100}
"""
CASE = """\
timezone: Asia/Shanghai
day: 2026-03-02
devices: [{id: m1, expected_interval_s: 60}]
"""
SERIES = '{of: m1/power_active, from: "10:00", every: 1m, values: 50x3 150x3}'


def write(tmp_path, *lines, head=CASE + RULES):
    path = tmp_path / "cases.yaml"
    path.write_text(head + "cases:\n" + "\n".join(lines) + "\n")
    return path


def case(series=SERIES, expect='{transitions: "10:03 fired over-power m1/power_active"}', more=""):
    return textwrap.indent(f"- title: a case\n  series: [{series}]\n  expect: {expect}\n{more}", "  ")


def mistakes(path):
    with pytest.raises(ConfigError) as error:
        load(path)
    return error.value.mistakes


def test_values_are_written_short():
    assert values("50x2 _ 100+5x3 1 _x2 -3") == [50, 50, None, 100, 105, 110, 1, None, None, -3]


@pytest.mark.parametrize("text", ["", "fifty", "50x0", "_+1x3", "50x", "50x99999999"])
def test_other_values_are_refused(text):
    with pytest.raises(ValueError, match=r"write|value"):
        values(text)


def test_spans_and_names_are_written_short():
    assert [span_us(text) for text in ("30s", "1m", "2h", "1d")] == [30e6, 60e6, 7200e6, 86400e6]
    assert names("m{1..3}-a") == ["m1-a", "m2-a", "m3-a"]
    assert names("m1") == ["m1"]


def test_a_local_time_that_comes_twice_is_told_with_its_offset(tmp_path):
    path = write(
        tmp_path,
        case(),
        head=CASE.replace("Asia/Shanghai", "Europe/Berlin").replace("03-02", "10-25") + RULES,
    )
    clock: Clock = load(path)[0].clock
    first = clock.time_us("2026-10-25T02:30+02:00")
    assert clock.time_us("02:30") == first
    assert clock.told(first) == "2026-10-25T02:30:00+02:00"
    assert clock.told(first + 3_600_000_000) == "2026-10-25T02:30:00+01:00"
    assert clock.told(first + 7_200_000_000) == "03:30"


def test_a_case_that_holds_is_told_in_one_line(tmp_path, capsys):
    assert main(["rules", "test", str(write(tmp_path, case()))]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "ok  cases.yaml: a case",
        "1 case, 0 failed",
    ]


def test_a_case_that_does_not_hold_shows_what_differs(tmp_path, capsys):
    path = write(
        tmp_path,
        case(expect='{transitions: "10:04 fired over-power m1/power_active", open: "10:05 0"}'),
    )
    assert main(["rules", "test", str(path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "FAILED  cases.yaml: a case",
        "    transitions: - expected, + seen",
        "      - 10:04 fired over-power m1/power_active",
        "      + 10:03 fired over-power m1/power_active",
        "    open: - expected, + seen",
        "      - 10:05 0",
        "      + 10:05 1",
        "1 case, 1 failed",
    ]


def test_rules_may_come_from_the_file_that_is_shipped(tmp_path):
    (tmp_path / "rules.yaml").write_text(
        "rules:\n"
        "  - {id: one, name: {zh: 一, en: One}, action: {zh: 查, en: Check}, "
        "condition: {kind: no_data}}\n"
        "  - {id: two, name: {zh: 二, en: Two}, action: {zh: 查, en: Check}, "
        "condition: {kind: threshold, quantity: power_active, comparator: above, threshold: 7}}\n"
    )
    path = write(tmp_path, case(), head=CASE + "rules_file: rules.yaml\nonly: [two]\n")
    with pytest.raises(ConfigError, match="over-power"):
        load(path)  # it is not among them
    path = write(
        tmp_path,
        case(expect='{transitions: "10:00 fired two"}'),
        head=CASE + "rules_file: rules.yaml\nonly: [two]\n",
    )
    assert [rule.id for rule in load(path)[0].estate.rules] == ["two"]


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (
            {"series": '{of: m2/power_active, from: "10:00", every: 1m, values: 1}'},
            "series.of = 'm2': no such device: add it to devices, or correct the id",
        ),
        (
            {"series": '{of: power_active, from: "10:00", every: 1m, values: 1}'},
            "series[0].of = 'power_active': names no register: write device/quantity, as in m1/power_active",
        ),
        (
            {"series": '{of: m1/power_active, from: "25:00", every: 1m, values: 1}'},
            "series[0].from = '25:00': is no time: write 10:00, 2026-03-02 10:00 or 2026-03-02T10:00+08:00",
        ),
        (
            {"series": '{of: m1/power_active, from: "10:00", every: soon, values: 1}'},
            "series[0].every = 'soon': is no duration: write 30s, 1m, 2h or 1d",
        ),
        (
            {"series": '{of: m1/power_active, from: "10:00", every: 1m, values: many}'},
            "series[0].values = 'many': is no value: write 50, 50x5 (five times), ",
        ),
        (
            {"series": '{of: m1/power_active, from: "10:00", every: 1m, amounts: 1x3}'},
            "series[0].amounts = '1x3': power_active is no counter: write values",
        ),
        (
            {"expect": '{transitions: "10:03 burns over-power"}'},
            "expect.transitions = '10:03 burns over-power': write a time and one of fired, live",
        ),
        (
            {"expect": '{open: "10:03 one"}'},
            "expect.open = '10:03 one': write a time and a number of alerts: 10:30 1",
        ),
        ({"expect": "{}"}, "expect: is empty: write transitions, states, open or told"),
        (
            {"more": '  tick: "1s"\n  until: 2026-04-02 10:00\n'},
            "tick = '1s': is more than 20,000 times in the case: make it longer, or begin later with from",
        ),
        (
            {"more": "  devices: [{id: m1, place_id: nowhere}]\n"},
            "devices[0].place_id = 'nowhere': no such place: add it or correct the id",
        ),
        (
            {"more": "  rules: [{id: r, condition: {kind: treshold}}]\n"},
            "rules[0].condition",
        ),
    ],
)
def test_a_mistake_names_file_case_key_value_and_fix(tmp_path, made, told):
    path = write(tmp_path, case(**made))
    found = mistakes(path)
    assert found[0].startswith(f"{path}: cases[0] ('a case'): {told}")


def test_a_misspelt_key_is_told_with_the_one_that_was_meant(tmp_path):
    path = write(tmp_path, case(more="  processs: 2\n"))
    assert mistakes(path) == [f"{path}: cases[0].processs = 2: is no key of ours: did you mean processes?"]


def test_a_file_that_is_not_there_is_told(tmp_path, capsys):
    assert main(["rules", "test", str(tmp_path / "none.yaml")]) == 1
    assert "no such file" in capsys.readouterr().err
