"""Reading recorded estates: what is accepted, and what is refused with its line."""

import gzip
from pathlib import Path

import pytest

from core.quantities import Energy
from simulators import SAMPLE
from simulators.record import Record, RecordError, read_record
from simulators.recorded import ReplayError, choose, needed_estate

HOUR_US = 3_600_000_000


def record(tmp_path: Path, text: str, name: str = "electricity.csv") -> Record:
    path = tmp_path / name
    path.write_text(text)
    return read_record(path)


def rows(*lines: str) -> str:
    return "\n".join(["timestamp_utc,building,kwh", *lines, ""])


def test_amounts_become_integers_of_the_file_s_precision(tmp_path):
    read = record(tmp_path, rows("2018-01-01 00:00:00,b0,12.0", "2018-01-01 01:00:00,b0,0.125"))
    series = read.series["b0"]
    assert series.amount.tolist() == [12_000, 125]
    assert series.decimals == 3
    assert series.step_us == HOUR_US
    assert int(series.start_us[0]) == 1_514_764_800_000_000


def test_times_may_carry_an_offset(tmp_path):
    read = record(tmp_path, rows("2018-01-01T08:00:00+08:00,b0,1", "2018-01-01T01:00:00Z,b0,1e1"))
    assert read.series["b0"].amount.tolist() == [1, 10]
    assert int(read.series["b0"].start_us[0]) == 1_514_764_800_000_000


def test_buildings_may_alternate_or_follow_one_another(tmp_path):
    a, b = ["2018-01-01 00:00:00,a,1", "2018-01-01 01:00:00,a,2"], ["2018-01-01 00:00:00,b,3"]
    b.append("2018-01-01 01:00:00,b,4")
    apart = record(tmp_path, rows(*a, *b))
    mixed = record(tmp_path, rows(a[0], b[0], a[1], b[1]))
    for building in "ab":
        assert apart.series[building].amount.tolist() == mixed.series[building].amount.tolist()


def test_zipped_marked_and_rearranged_files_are_read(tmp_path):
    path = tmp_path / "gas.csv.gz"
    lines = "\ufeffbuilding,note,m3,timestamp_utc\r\nb0,x,1.5,2018-01-01 00:00\r\nb0,,2,2018-01-01 00:15\r\n"
    path.write_bytes(gzip.compress(lines.encode()))
    read = read_record(path)
    assert read.unit == "m3"
    assert read.series["b0"].amount.tolist() == [15, 20]
    assert read.series["b0"].step_us == HOUR_US // 4


def test_units_of_other_sizes_are_converted(tmp_path):
    text = rows("2018-01-01 00:00,b0,1.5", "2018-01-01 01:00,b0,2").replace("kwh", "MWh")
    series = record(tmp_path, text).series["b0"]
    assert (series.amount / 10**series.decimals).tolist() == [1500, 2000]
    whole = record(tmp_path, text.replace("1.5", "3e1")).series["b0"]
    assert whole.amount.tolist() == [30_000, 2000]


def test_amounts_with_the_dust_of_floats_are_rounded(tmp_path):
    series = record(
        tmp_path, rows("2018-01-01 00:00,b0,0.30000000000000004", "2018-01-01 01:00,b0,0.6999999999999999")
    ).series["b0"]
    assert (series.amount / 10**series.decimals).tolist() == [0.3, 0.7]


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        (["2018-01-01 00:00,b0,x"], 2, "'x' is not an amount"),
        (["2018-01-01 00:00,b0,"], 2, "leave the row out"),
        (["2018-01-01 00:00,b0,nan"], 2, "not an amount"),
        (["2018-01-01 00:00,b0,inf"], 2, "not an amount"),
        (["2018-01-01 00:00,b0,1_0"], 2, "not an amount"),
        (["2018-01-01 00:00,b0,-1.5"], 2, "negative"),
        (["01/02/2018 00:00,b0,1"], 2, "is not a time"),
        (["2018-01-01 00:00,b0,1", "2018-01-01 00:00,b0,1"], 3, "is there twice"),
        (["2018-01-01 01:00,b0,1", "2018-01-01 00:00,b0,1"], 3, "is earlier than the row before"),
        (["2018-01-01 00:00,b0,1", "2018-01-01 01:00,b0"], 3, "has 2 columns"),
        (["2018-01-01 00:00,b/0,1"], 2, "building 'b/0' can't be used"),
        (["2018-01-01 00:00,+,1"], 2, "building '+' can't be used"),
        (
            [f"2018-01-01 0{h}:00,b0,1" for h in range(4)] + ["2018-01-01 04:15,b0,1"],
            6,
            "does not keep the step of 60 minutes",
        ),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path, lines, line, said):
    with pytest.raises(RecordError) as caught:
        record(tmp_path, rows(*lines))
    assert caught.value.line == line
    assert f"line {line}: " in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the columns are none"),
        ("time,building,kwh\n", "needed are timestamp_utc, building and one of kwh"),
        ("timestamp_utc,building,kwh,m3\n", "needed are"),
        ("timestamp_utc,building,kwh\n", "has no rows"),
        ("timestamp_utc,building,kwh\n2018-01-01,b0,1\n", "one row a building"),
    ],
)
def test_a_file_that_is_no_record_says_what_is_needed(tmp_path, text, said):
    with pytest.raises(RecordError, match=said):
        record(tmp_path, text)


def test_a_missing_a_broken_and_a_foreign_file_are_clear(tmp_path):
    with pytest.raises(RecordError, match=r"none\.csv: can't be read: No such file"):
        read_record(tmp_path / "none.csv")
    (tmp_path / "broken.csv.gz").write_bytes(gzip.compress(rows("2018-01-01,b0,1").encode())[:-9])
    with pytest.raises(RecordError, match="can't be read"):
        read_record(tmp_path / "broken.csv.gz")
    (tmp_path / "plain.csv.gz").write_text("timestamp_utc")
    with pytest.raises(RecordError, match="can't be read"):
        read_record(tmp_path / "plain.csv.gz")
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(RecordError, match="not UTF-8"):
        read_record(tmp_path / "picture.csv")


TWO = rows("2018-01-01 00:00,b0,1", "2018-01-01 01:00,b0,2", "2018-01-01 00:00,b1,1", "2018-01-01 01:00,b1,2")


@pytest.mark.parametrize(
    ("name", "column", "energy", "quantity"),
    [
        ("electricity_hourly.csv", "kwh", Energy.ELECTRICITY, "energy_active_import_total"),
        ("meters.csv", "kwh", Energy.ELECTRICITY, "energy_active_import_total"),
        ("gas_hourly.csv", "kwh", Energy.GAS, "gas_energy_total"),
        ("gas.csv", "m3", Energy.GAS, "gas_volume_total"),
        ("Water-2018.csv", "m3", Energy.WATER, "water_volume_total"),
        ("heat.csv", "kwh", Energy.HEAT, "heat_energy_total"),
    ],
)
def test_the_energy_is_read_off_the_file_s_name(tmp_path, name, column, energy, quantity):
    chosen = choose(record(tmp_path, TWO.replace("kwh", column), name))
    assert (chosen.energy, chosen.quantity) == (energy, quantity)


@pytest.mark.parametrize(
    ("name", "column"), [("gas_and_water.csv", "m3"), ("meters.csv", "m3"), ("water.csv", "kwh")]
)
def test_an_unclear_energy_asks_for_the_option(tmp_path, name, column):
    with pytest.raises(ReplayError, match="--energy"):
        choose(record(tmp_path, TWO.replace("kwh", column), name))


def test_an_energy_asked_for_beats_the_name(tmp_path):
    assert (
        choose(record(tmp_path, TWO, "electricity.csv"), energy=Energy.HEAT).quantity == "heat_energy_total"
    )


def test_an_unknown_building_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(ReplayError, match="no building b9 in the file: it has b0, b1"):
        choose(record(tmp_path, TWO), buildings=("b0", "b9"))


def test_the_needed_estate_has_the_file_s_building_ids(tmp_path):
    estate = needed_estate(choose(record(tmp_path, TWO), buildings=("b1",)), "Asia/Shanghai")
    site, building = estate.places
    (device,) = estate.devices
    assert (building.id, building.parent_id, building.timezone) == ("b1", site.id, "Asia/Shanghai")
    assert (device.id, device.place_id, device.expected_interval_s) == ("b1-electricity", "b1", 3600.0)


def test_the_sample_that_ships_is_small_whole_and_attributed():
    read = read_record(SAMPLE)
    assert read.rows == 3 * 2 * 8760
    assert SAMPLE.stat().st_size < 300_000
    readme = (SAMPLE.parent / "README.md").read_text()
    assert "MIT" in readme
    assert "Copyright (c) 2023 Energy Efficient Cities Initiative, University of Cambridge" in readme
