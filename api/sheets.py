"""The statutory table as CSV and as an Excel workbook."""

import csv
import io

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from api.schemas.statutory import Statutory, StatutoryRow

_SIZES = (
    ("用能人数 People", "people"),
    ("建筑面积 Floor area (m2)", "area_m2"),
    ("车辆数 Vehicles", "vehicles"),
)
_INDICATORS = (
    ("综合能耗 Energy (kgce)", "total_kgce"),
    ("人均综合能耗 (kgce/人) per person", "kgce_per_person"),
    ("单位建筑面积能耗 (kgce/m2) per m2", "kgce_per_m2"),
    ("单位建筑面积电耗 (kWh/m2) per m2", "kwh_per_m2"),
    ("人均电耗 (kWh/人) per person", "kwh_per_person"),
    ("人均用水量 (m3/人) per person", "water_m3_per_person"),
)
_ESTIMATED = PatternFill("solid", start_color="FFF2CC")
_HEAD = PatternFill("solid", start_color="DDE6F0")
_Cell = str | float | int | None


def csv_of(report: Statutory) -> bytes:
    """One line an institution and one of the sum; UTF-8 with the mark by which Excel knows it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_head(report, with_coverage=True))
    for row in (*report.rows, report.total):
        writer.writerow(_cells(report, row, with_coverage=True))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def xlsx_of(report: Statutory) -> bytes:
    """Sheets: the table, its coverage, the estimated figures, and the factors. Estimated cells are yellow."""
    book = Workbook()
    table = book.active
    if not isinstance(table, Worksheet):  # a new workbook has one
        raise TypeError
    table.title = "能源资源消费"
    _put_table(table, report)
    _put(book.create_sheet("覆盖率 Coverage"), _coverage(report))
    _put(book.create_sheet("估算 Estimated"), _estimated(report))
    _put(book.create_sheet("系数 Factors"), _factors(report))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _put_table(sheet: Worksheet, report: Statutory) -> None:
    title = "公共机构能源资源消费统计 Energy and resource consumption"
    sheet.append([f"{title}: {report.name.zh} {report.name.en}, {report.period}"])
    sheet["A1"].font = Font(bold=True, size=13)
    sheet.append(_head(report, with_coverage=False))
    for row in report.rows:
        sheet.append(_cells(report, row, with_coverage=False))
    sheet.append(_cells(report, report.total, with_coverage=False))
    last = 3 + len(report.rows)
    for cell in sheet[2]:
        cell.font, cell.fill = Font(bold=True), _HEAD
        cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
    for cell in sheet[last]:
        cell.font = Font(bold=True)
    for at, row in enumerate((*report.rows, report.total), 3):
        for column, item in enumerate(report.columns, 3):
            cell = sheet.cell(at, column)
            cell.number_format = "#,##0.00"
            if row.values[item.item].estimated:
                cell.fill = _ESTIMATED
        for column in range(3 + len(report.columns), sheet.max_column + 1):
            sheet.cell(at, column).number_format = "#,##0.00"
    sheet.cell(
        last + 2,
        1,
        "黄色单元格含估算、人工录入或未完全计量的数据,明细见「估算」表。空白表示无计量也未录入,不是零。",
    )
    sheet.cell(
        last + 3, 1, "Yellow cells hold estimated, entered or not fully measured amounts. Blank is not zero."
    )
    sheet.freeze_panes = "C3"
    sheet.row_dimensions[2].height = 48
    for column in range(1, sheet.max_column + 1):
        sheet.column_dimensions[get_column_letter(column)].width = 26 if column == 2 else 15


def _put(sheet: Worksheet, rows: list[list[_Cell]]) -> None:
    for row in rows:
        sheet.append([_plain(cell) for cell in row])
    for cell in sheet[1]:
        cell.font, cell.fill = Font(bold=True), _HEAD
    sheet.freeze_panes = "A2"
    for column in range(1, sheet.max_column + 1):
        sheet.column_dimensions[get_column_letter(column)].width = 22


def _head(report: Statutory, *, with_coverage: bool) -> list[_Cell]:
    items: list[_Cell] = []
    for column in report.columns:
        items.append(f"{column.name.zh} {column.name.en} ({column.unit})")
        if with_coverage:
            items.append(f"{column.name.zh}覆盖率 coverage")
    sizes = [label for label, _ in (*_SIZES, *_INDICATORS)]
    return ["编号 Id", "机构名称 Institution", *items, *sizes]


def _cells(report: Statutory, row: StatutoryRow, *, with_coverage: bool) -> list[_Cell]:
    is_sum = row is report.total
    items: list[_Cell] = []
    for column in report.columns:
        value = row.values[column.item]
        items.append(value.amount)
        if with_coverage:
            items.append(round(value.coverage, 4) if value.amount is not None else None)
    sizes: list[_Cell] = [getattr(row, name) for _, name in _SIZES]
    sizes += [getattr(row.indicators, name) for _, name in _INDICATORS]
    name = f"合计 Total: {row.name.zh}" if is_sum else f"{row.name.zh} {row.name.en}"
    return [_plain(row.place), _plain(name), *items, *sizes]


def _plain(cell: _Cell) -> _Cell:
    """Text that a spreadsheet won't take for a formula."""
    if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{cell}"
    return cell


def _coverage(report: Statutory) -> list[list[_Cell]]:
    rows: list[list[_Cell]] = [
        ["编号 Id", "项目 Item", "数量 Amount", "单位 Unit", "覆盖率 Coverage", "标记 Flags", "录入 Entered"]
    ]
    for row in (*report.rows, report.total):
        for column in report.columns:
            value = row.values[column.item]
            if value.amount is not None:
                flags, entered = ", ".join(value.quality), "; ".join(value.entered)
                place = "合计 Total" if row is report.total else row.place
                rows.append(
                    [
                        place,
                        column.name.zh,
                        value.amount,
                        column.unit,
                        round(value.coverage, 4),
                        flags,
                        entered,
                    ]
                )
    return rows


def _estimated(report: Statutory) -> list[list[_Cell]]:
    head: list[_Cell] = [
        "项目 Item", "表计 Meter", "位置 Place", "涉及日数量 Amount of the days", "单位 Unit", "天数 Days",
        "无数据小时 Silent hours", "标记 Flags",
    ]  # fmt: skip
    rows: list[list[_Cell]] = [head]
    for one in report.estimated:
        flags = ", ".join(one.quality)
        rows.append([one.item, one.device, one.place, one.amount, one.unit, one.days, one.silent_h, flags])
    return rows


def _factors(report: Statutory) -> list[list[_Cell]]:
    head: list[_Cell] = [
        "系数 Factor",
        "值 Value",
        "单位 Unit",
        "地区 Region",
        "年份 Year",
        "来源 Source",
        "说明 Note",
    ]
    rows: list[list[_Cell]] = [
        [one.id, one.value, one.unit, one.region, one.year, one.source, one.note] for one in report.basis
    ]
    return [head, *rows]
