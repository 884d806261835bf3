"""Writes a paper table for machines: CSV with one number a line, and JSON."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from results.export.cells import Cell, Row, Table
from results.export.layout import Grid, head_text

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
FIELDS = (
    "table", "group", "row", "column", "what", "state", "value", "shown", "scale", "emphasis", "delta", "world",
    "protocol", "source_kind", "source", "source_key", "weights", "n", "notes",
)  # fmt: skip
"""Columns of the CSV. `value` is plain and unrounded; `shown` is what the table prints."""


def to_csv(tables: Sequence[tuple[Table, Grid]]) -> str:
    """Write one line for each number, also for those that are not there, with the reason in `state`."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, FIELDS, lineterminator="\n")
    writer.writeheader()
    for entry in (entry for table, grid in tables for entry in _entries(table, grid)):
        sources = entry.pop("sources")
        joined = {
            "source_kind": " + ".join(dict.fromkeys(source["kind"] for source in sources)),
            "source": " + ".join(source["name"] for source in sources),
            "source_key": " + ".join(source["key"] for source in sources),
            "weights": " + ".join(dict.fromkeys(source.get("weights", "") for source in sources)),
            "n": " + ".join(source.get("n", "") for source in sources),
            "notes": "; ".join(entry["notes"]),
        }
        writer.writerow({name: _safe(value) for name, value in {**entry, **joined}.items()})
    return stream.getvalue()


def to_json(table: Table, grid: Grid) -> dict[str, Any]:
    """Build an object with the header, the rows and every cell with its sources."""
    return {
        "table": table.name,
        "caption": table.caption,
        "columns": [{"head": list(leaf.path), "better": leaf.better} for leaf in table.columns],
        "rows": [{"row": row.label, "group": row.group, "ours": row.ours, "grey": row.grey} for row in table.rows],
        "cells": _entries(table, grid),
        "notes": [{"mark": mark, "text": text} for mark, text in grid.notes],
    }


def to_text(tables: Sequence[tuple[Table, Grid]]) -> str:
    """Write all tables as JSON; NaN and infinity never pass."""
    content = {"tables": [to_json(table, grid) for table, grid in tables]}
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _entries(table: Table, grid: Grid) -> list[dict[str, Any]]:
    found = []
    for at, row in enumerate(table.rows):
        for place, (leaf, cells) in enumerate(zip(table.columns, row.cells, strict=True)):
            shown = grid.rows[place].cells[at] if table.transpose else grid.rows[at].cells[place]
            for part, cell in enumerate(cells):
                text = shown.pieces[min(part, len(shown.pieces) - 1)].text
                entry = _entry(row, head_text(leaf), cell, text)
                entry["emphasis"] = table.emphasis.get((at, place, part), "")
                found.append({"table": table.name, **entry})
    return found


def _entry(row: Row, column: str, cell: Cell, text: str) -> dict[str, Any]:
    return {
        "group": row.group,
        "row": row.label,
        "column": column,
        "what": cell.what,
        "state": cell.state,
        "value": cell.value,
        "shown": text,
        "scale": cell.scale,
        "delta": cell.delta,
        "world": cell.world,
        "protocol": cell.code,
        "sources": [{"kind": each.kind, "name": each.name, "key": each.key, **each.details} for each in cell.sources],
        "notes": list(cell.notes),
    }


def _safe(value: object) -> object:
    """Keep a spreadsheet from running a name as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else "" if value is None else value
