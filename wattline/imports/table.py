"""CSV and Excel files to rows of cells, within bounds: a small file must not fill the memory.

A CSV is UTF-8 (with or without a mark), UTF-16 with its mark or GB 18030, with commas,
semicolons or tabs; of an Excel workbook the first sheet is read.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice

import openpyxl

from core.imports import BadFile, Mistake

Cell = str | float | datetime | None

MOST_BYTES = 32 * 1024 * 1024
"""Of a file as it is sent."""

MOST_ROWS = 300_000
"""Eight and a half years of one meter every 15 minutes; more come in several files."""

_MOST_COLUMNS = 40
_MOST_UNPACKED_BYTES = 192 * 1024 * 1024
_MOST_PARTS = 200
_LONGEST_CELL = 1_000
_DECLARATIONS = tuple("<!ENTITY".encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Row:
    """Cells in the order of the columns; number as the file or the spreadsheet counts, from 1."""

    number: int
    cells: list[Cell]


def rows(content: bytes) -> Iterator[Row]:
    """Every row that is not empty, the header first; raises BadFile."""
    if len(content) > MOST_BYTES:
        raise refused(f"{len(content):,} bytes are more than {MOST_BYTES:,}: split it into several files")
    found = _excel(content) if content[:4] == b"PK\x03\x04" else _csv(content)
    for row in found:
        if row.number > MOST_ROWS + 1:
            raise refused(f"it has more than {MOST_ROWS:,} rows: split it into several files")
        if any(cell is not None for cell in row.cells):
            yield row


def refused(why: str) -> BadFile:
    """The file as a whole can't be used."""
    return BadFile([Mistake(0, "file", "", why)])


def _csv(content: bytes) -> Iterator[Row]:
    text = _text(content)
    head = text[: text.find("\n")] if "\n" in text else text
    delimiter = max(",;\t", key=head.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in lines:
            yield Row(lines.line_num, [cell.strip() or None for cell in cells[:_MOST_COLUMNS]])
    except csv.Error as error:
        raise refused(f"line {lines.line_num} is not CSV ({error}): save it as CSV again") from error


def _text(content: bytes) -> str:
    """What the bytes say; the check is that header and ids are known names."""
    codes = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030")
    for code in codes:
        try:
            text = content.decode(code)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise refused("it is neither a CSV in UTF-8 or GB 18030 nor an Excel workbook (.xlsx): save it as one")


def _excel(content: bytes) -> Iterator[Row]:
    try:
        _check_package(content)
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        try:
            if not book.worksheets:
                raise refused("the workbook has no sheet")
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # what a file says of its own size is not believed
            found = sheet.iter_rows(max_row=MOST_ROWS + 2, max_col=_MOST_COLUMNS)
            for number, cells in enumerate(islice(found, MOST_ROWS + 2), 1):
                yield Row(number, [_cell(cell.value, cell.number_format) for cell in cells])
        finally:
            book.close()
    except BadFile:
        raise
    # A broken workbook fails anywhere in zipfile, expat and openpyxl, each with errors of its own.
    except Exception as error:
        raise refused(f"the workbook can't be read ({error!s:.200}): save it again as .xlsx") from error


def _check_package(content: bytes) -> None:
    """Refuse what would unpack to far more than it is, and entities, which unpack to anything.

    zipfile never unpacks more of a part than the part says it holds.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        parts = package.infolist()
        unpacked = sum(part.file_size for part in parts)
        if len(parts) > _MOST_PARTS or unpacked > _MOST_UNPACKED_BYTES:
            raise refused(
                f"the workbook unpacks to {len(parts)} parts and {unpacked:,} bytes, more than "
                f"{_MOST_PARTS} and {_MOST_UNPACKED_BYTES:,}: split it, or save it as CSV"
            )
        for part in parts:
            with package.open(part) as stream:
                before = b""
                while piece := stream.read(1 << 20):
                    if any(mark in before + piece for mark in _DECLARATIONS):
                        raise refused("the workbook declares XML entities, which no spreadsheet does")
                    before = piece[-16:]


def _cell(value: object, number_format: str) -> Cell:
    if value is None or isinstance(value, str):
        text = (value or "").strip()
        return text[:_LONGEST_CELL] or None
    if isinstance(value, datetime):
        # A cell that shows a day holds its midnight; that it was read then is nowhere said.
        return value if "h" in number_format.lower() else value.date().isoformat()
    if isinstance(value, bool | date | time):
        return str(value)
    return float(value) if isinstance(value, int | float) else str(value)
