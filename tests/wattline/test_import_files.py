"""Files of readings: what is understood, and what is refused with which fix."""

import contextlib
import io
import zipfile
from datetime import UTC, datetime

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.catalog import Catalog
from core.imports import BadFile, ImportOptions
from core.model import Device, DeviceKind, Name, Place, PlaceKind, Register
from core.quantities import QUANTITIES
from wattline.imports import table as import_table
from wattline.imports.rows import Entry, entries
from wattline.imports.table import rows

NAME = Name("名", "name")
ENERGY = "energy_active_import_total"
HEAD = "device,quantity,time,value"
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def us(text):
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


def catalog():
    places = [
        Place("hall", PlaceKind.BUILDING, NAME, "Asia/Shanghai"),
        Place("rathaus", PlaceKind.BUILDING, NAME, "Europe/Berlin"),
    ]
    devices = [
        Device("m1", DeviceKind.METER, "hall", NAME),
        Device("17", DeviceKind.METER, "rathaus", NAME),
        Device("sum", DeviceKind.VIRTUAL, "hall", NAME, formula="[m1]"),
    ]
    of = QUANTITIES[ENERGY]
    registers = [Register(0, "m1", ENERGY, of.kind, of.unit, of.energy, rollover_at=1e6)]
    return Catalog(places, enumerate(devices), registers)


def read(content, **options):
    data = content.encode() if isinstance(content, str) else content
    return entries(rows(data), catalog(), ImportOptions(**options), us(NOW.isoformat()))


def mistakes(content, **options):
    with pytest.raises(BadFile) as refused:
        read(content, **options)
    return [(mistake.row, mistake.column, mistake.value) for mistake in refused.value.mistakes]


def workbook(*table, formats=()):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in table:
        sheet.append(row)
    for cell, number_format in formats:
        sheet[cell].number_format = number_format
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


EIGHT = us("2026-03-01T08:00:00+08:00")


@pytest.mark.parametrize(
    "content",
    [
        f"{HEAD}\nm1,{ENERGY},2026-03-01T08:00:00+08:00,12.5\n",
        f"{HEAD}\r\nm1,{ENERGY},2026-03-01T00:00:00Z,12.5\r\n\r\n",
        f"\ufeffdevice;quantity;TIME;Value;remark\nm1;{ENERGY};2026-03-01 08:00;12.5;read by hand\n",
        f"设备\t计量项\t抄表时间\t读数\nm1\t{ENERGY}\t2026年3月1日 8:00\t12.5",
        f"表号,计量项,时间,示数,单位\nm1,{ENERGY},2026/3/1 8:00:00,12.5,度\n".encode("gb18030"),
        f"{HEAD},unit\nm1,{ENERGY},2026.3.1 08:00,12500,Wh\n".encode("utf-16"),
        workbook(
            ["设备", "计量项", "时间", "读数"],
            ["m1", ENERGY, datetime(2026, 3, 1, 8), 12.5],  # noqa: DTZ001 as Excel has it
        ),
    ],
)
def test_one_reading_written_in_many_ways(content):
    assert read(content) == [Entry("m1", ENERGY, EIGHT, 12.5)]


def test_options_stand_in_for_columns():
    found = read("time,value\n2026-03-01 01:00,7\n", device="m1", quantity=ENERGY, timezone="Europe/Berlin")
    assert found == [Entry("m1", ENERGY, us("2026-03-01T01:00:00+01:00"), 7.0)]


def test_times_are_those_of_the_meters_place():
    found = read(f"{HEAD}\nm1,{ENERGY},2026-03-01 08:00,1\n17,{ENERGY},2026-03-01 08:00,1\n")
    assert [entry.time_us for entry in found] == [EIGHT, us("2026-03-01T08:00:00+01:00")]


def test_an_id_that_looks_like_a_number_is_an_id_in_excel_too():
    found = read(workbook(HEAD.split(","), [17, ENERGY, "2026-03-01 08:00", 5]))
    assert found[0].device == "17"


def test_every_mistake_is_told_and_nothing_is_read():
    table = f"""{HEAD},unit
m9,{ENERGY},2026-03-01 08:00,1,kWh
m1,energy,2026-03-01 08:00,1,kWh
m1,{ENERGY},yesterday,"1.234,5",pounds
m1,{ENERGY},2026-02-30 08:00,,kWh
m1,{ENERGY},1999-01-01 08:00,1,kWh
m1,{ENERGY},2027-01-01 08:00,1,kWh
m1,{ENERGY},2026-03-01 08:00,-1,kWh
m1,{ENERGY},2026-03-01 08:00,1000000,kWh
sum,{ENERGY},2026-03-01 08:00,1,kWh
m1,{ENERGY},2026-03-01 08:00,5,kWh
m1,{ENERGY},2026-03-01 08:00,6,kWh
m1,{ENERGY},2026-03-01 08:00,5,kWh
"""
    assert mistakes(table) == [
        (2, "device", "m9"),
        (3, "quantity", "energy"),
        (4, "time", "yesterday"),
        (4, "value", "1.234,5"),
        (4, "unit", "pounds"),
        (5, "time", "2026-02-30 08:00"),
        (5, "value", ""),
        (6, "time", "1999-01-01 08:00"),
        (7, "time", "2027-01-01 08:00"),
        (8, "value", "-1"),
        (9, "value", "1000000"),
        (10, "device", "sum"),
        (12, "value", "6"),
    ]


def test_a_unit_of_another_quantity_is_not_converted():
    assert mistakes(f"{HEAD},unit\nm1,{ENERGY},2026-03-01 08:00,1,m3\n") == [(2, "unit", "m3")]
    assert mistakes(f"{HEAD},unit\nm1,{ENERGY},2026-03-01 08:00,1,\n") == [(2, "unit", "")]


def test_a_time_that_the_clocks_show_twice_or_never_needs_its_offset():
    berlin = f"{HEAD}\n17,{ENERGY},2026-10-25 02:30,1\n17,{ENERGY},2026-03-29 02:30,1\n"
    assert mistakes(berlin) == [(2, "time", "2026-10-25 02:30"), (3, "time", "2026-03-29 02:30")]
    assert read(berlin.replace(" 02:30", "T02:30:00+01:00"))


def test_a_day_alone_is_no_time():
    assert mistakes(f"{HEAD}\nm1,{ENERGY},2026-03-01,1\n") == [(2, "time", "2026-03-01")]
    day = datetime(2026, 3, 1)  # noqa: DTZ001
    book = workbook(HEAD.split(","), ["m1", ENERGY, day, 1], formats=[("C2", "yyyy-mm-dd")])
    assert mistakes(book) == [(2, "time", "2026-03-01")]


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ("", {}, [(0, "file", "")]),
        (f"{HEAD}\n", {}, [(0, "file", "")]),
        ("time,value\n2026-03-01 08:00,1\n", {}, [(1, "device", ""), (1, "quantity", "")]),
        ("meter,device,quantity,time,value\n", {}, [(1, "device", "device")]),
        (f"{HEAD}\n", {"device": "m1"}, [(0, "device", "m1")]),
        (f"{HEAD}\n", {"timezone": "Mars"}, [(0, "timezone", "Mars")]),
        (b"\x00\x01\x02", {}, [(0, "file", "")]),
        (b"PK\x03\x04 and no workbook", {}, [(0, "file", "")]),
        (f'{HEAD}\nm1,"a"b,c,1\n', {}, [(0, "file", "")]),
    ],
)
def test_what_is_no_table_of_readings_says_why(content, options, expected):
    assert mistakes(content, **options) == expected


def test_mistakes_are_counted_and_only_so_many_told():
    table = f"{HEAD}\n" + f"m1,{ENERGY},never,1\n" * 1000
    with pytest.raises(BadFile) as refused:
        read(table)
    assert refused.value.count == 1000
    assert len(refused.value.mistakes) == 200


VALID = (
    f"{HEAD},unit\nm1,{ENERGY},2026-03-01 08:00,1,kWh\nm1,{ENERGY},2026-03-01T09:00:00Z,2e3,Wh\n".encode(),
    workbook(HEAD.split(","), ["m1", ENERGY, "2026-03-01 08:00", 1.5]),
)


@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(max_size=300).map(lambda text: f"{HEAD}\n{text}".encode(errors="surrogatepass")),
    )
)
def test_whatever_is_sent_as_a_file_is_read_or_refused(content):
    with contextlib.suppress(BadFile):
        read(content)


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(st.sampled_from(VALID), st.data())
def test_a_file_that_was_damaged_on_the_way_is_read_or_refused(content, data):
    damaged = bytearray(content)
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=5)):
        damaged[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BadFile):
        read(bytes(damaged))


def package(**parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(f"{name}.xml", content)
    return out.getvalue()


def test_what_unpacks_to_far_more_than_it_is_is_refused():
    bomb = package(sheet=b"0" * 202_000_000)
    assert len(bomb) < 1_000_000
    with pytest.raises(BadFile, match="unpacks to"):
        read(bomb)


@pytest.mark.parametrize("code", ["utf-8", "utf-16"])
def test_entities_are_refused(code):
    laughs = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
    with pytest.raises(BadFile, match="entities"):
        read(package(sheet=laughs.encode(code)))


def test_an_entity_across_the_edge_of_what_is_looked_at_at_once_is_found():
    with pytest.raises(BadFile, match="entities"):
        read(package(sheet=b" " * ((1 << 20) - 4) + b'<!ENTITY a "b">'))


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(import_table, "MOST_ROWS", 3)
    line = f"m1,{ENERGY},2026-03-01 08:0{{}},1\n"
    table = HEAD + "\n" + "".join(line.format(minute) for minute in range(3))
    assert len(read(table)) == 3
    assert mistakes(table + line.format(3)) == [(0, "file", "")]


def test_a_cell_at_the_far_end_of_a_sheet_costs_little(monkeypatch):
    """A spreadsheet holds 1,048,576 rows of 16,384 columns, and a file may claim more."""
    monkeypatch.setattr(import_table, "MOST_ROWS", 3)
    plain = zipfile.ZipFile(io.BytesIO(workbook(HEAD.split(","), ["m1", ENERGY, "2026-03-01 08:00", 1])))
    far = io.BytesIO()
    with zipfile.ZipFile(far, "w") as made:
        for name in plain.namelist():
            content = plain.read(name)
            if name.endswith("sheet1.xml"):
                content = content.replace(b'<row r="2"', b'<row r="9999999999"').replace(
                    b'r="D2"', b'r="XFD9"'
                )
            made.writestr(name, content)
    assert mistakes(far.getvalue()) == [(0, "file", "")]


def test_what_is_too_old_to_change_a_figure_is_refused():
    table = f"{HEAD}\nm1,{ENERGY},2026-03-01 08:00,1\n"
    with pytest.raises(BadFile, match="readings_days"):
        entries(
            rows(table.encode()),
            catalog(),
            ImportOptions(),
            us(NOW.isoformat()),
            kept_from_us=us("2026-03-02T00:00:00Z"),
        )
