"""Reads tables that other programs wrote: tab- or comma-separated text, and the first sheet of an Excel workbook.

A workbook is read by the standard library (ECMA-376, part 1, 18.3 and 18.4): XML in a zip archive. Its XML may declare
no document type, and no part may unpack to more than `MOST_BYTES`.
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from benchmarks.errors import DataError
from benchmarks.files import read_bytes
from benchmarks.safe_xml import parse_xml

MOST_BYTES = 2**30
SUFFIXES = (".xlsx", ".tsv", ".csv")
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError, RuntimeError, OSError)


def read(path: Path) -> list[dict[str, str]]:
    """Read a table whose first row names its columns.

    Returns:
        One dict of column -> text for every further row that is not empty; an empty cell is "".

    Raises:
        DataError: the file is missing or broken, or a row has more cells than there are columns.
    """
    rows = list(_workbook(path) if path.suffix == ".xlsx" else _text(path))
    if not rows:
        raise DataError(f"{path} holds no table: write the file again")
    names, found = rows[0], []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) > len(names):
            raise DataError(f"{path}: row {number} has {len(row)} cells under {len(names)} names: write the file again")
        if any(row):
            found.append(dict(zip(names, row + [""] * (len(names) - len(row)), strict=True)))
    return found


def _text(path: Path) -> Iterator[list[str]]:
    try:
        text = read_bytes(path).decode("utf-8-sig")
        dialect = "excel-tab" if path.suffix == ".tsv" else "excel"
        csv.field_size_limit(MOST_BYTES)
        yield from csv.reader(io.StringIO(text, newline=""), dialect, strict=True)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no table of text in UTF-8 ({error}): write the file again") from None


def _workbook(path: Path) -> Iterator[list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(read_bytes(path))) as archive:
            parts = {name: _part(archive, name, path) for name in _wanted(archive, path)}
    except _BROKEN_ZIP as error:
        raise DataError(f"{path} is no Excel workbook ({error}): write the file again") from None
    shared = [_joined(each) for each in parts.pop("xl/sharedStrings.xml", Element("none")).iter(f"{_MAIN}si")]
    (sheet,) = parts.values()
    for row in sheet.iter(f"{_MAIN}row"):
        cells: dict[int, str] = {}
        for cell in row.iter(f"{_MAIN}c"):
            place = cell.get("r")
            column = _column(place, path) if place else max(cells, default=-1) + 1
            cells[column] = _value(cell, shared, path)
        yield [cells.get(column, "") for column in range(max(cells, default=-1) + 1)]


def _wanted(archive: zipfile.ZipFile, path: Path) -> list[str]:
    """The first sheet, by its number, and the texts that sheets share."""
    names = archive.namelist()
    sheets = sorted((int(found[1]), name) for name in names if (found := _SHEET.fullmatch(name)))
    if not sheets:
        raise DataError(f"{path} holds no sheet: write the file again")
    return [sheets[0][1], *(name for name in names if name == "xl/sharedStrings.xml")]


_SHEET = re.compile(r"xl/worksheets/sheet(\d+)\.xml")


def _part(archive: zipfile.ZipFile, name: str, path: Path) -> Element:
    if archive.getinfo(name).file_size > MOST_BYTES:
        raise DataError(f"{path}: {name} is larger than {MOST_BYTES} bytes: refused")
    return parse_xml(archive.read(name), path / name)


def _value(cell: Element, shared: list[str], path: Path) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _joined(cell)
    value = cell.findtext(f"{_MAIN}v", "")
    if kind != "s":
        return _unescaped(value)
    if not value.isdecimal() or int(value) >= len(shared):
        raise DataError(f"{path}: cell {cell.get('r')} names text {value!r}, which there is not: write the file again")
    return shared[int(value)]


def _joined(holder: Element) -> str:
    """The text of a cell, whose runs may be formatted each in its own way; how words are pronounced is left out."""
    runs = [run for part in holder if part.tag in (f"{_MAIN}r", f"{_MAIN}is") for run in part.iter(f"{_MAIN}t")]
    own = [part for part in holder if part.tag == f"{_MAIN}t"]
    return _unescaped("".join(run.text or "" for run in own + runs))


def _unescaped(text: str) -> str:
    """Excel writes control characters as _x000D_."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _column(place: str, path: Path) -> int:
    """The number of a column, A being 0, from the place of a cell such as AB12."""
    letters = place.rstrip("0123456789")
    if not re.fullmatch("[A-Z]{1,3}", letters):
        raise DataError(f"{path}: a cell lies at {place!r}: write the file again")
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
