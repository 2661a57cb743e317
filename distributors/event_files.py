"""NDJSON and CSV files -> numbered events for bulk.py. A row that cannot be read keeps its number and its reason."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

from .bulk import Unreadable

Numbered = Iterator[tuple[int, "dict[str, Any] | Unreadable"]]

EVENT = ("id", "source", "type", "subject", "time")
LINE = ("sku", "quantity", "line_amount", "line", "line_name", "product_name")
DATA = (
    "customer", "customer_name", "currency", "amount", "order", "name", "sponsor", "market", "joined_on", "language",
    "email", "kind", "hotness", "birthday", "phone", "rank", "activity", "form", "undoes", "score", "contact",
    "channel", "state", "origin", "tone",
)  # fmt: skip
COLUMNS = EVENT + DATA + LINE

CSV_HELP = f"""CSV has a header line with any of these columns, in any order:
  the event     {", ".join(EVENT)}
  its data      {", ".join(DATA)}
  an order line {", ".join(LINE)}
One row is one order line: rows with the same source and id that follow each other are one order, and only the first
of them needs the other columns. An empty cell is an absent field. line_amount may be left out when an order has one line.
Amounts use a decimal point."""


def read_ndjson(lines: Iterable[str]) -> Numbered:
    """One CloudEvent a line, numbered by line; blank lines are skipped."""
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            yield number, json.loads(text, parse_constant=refuse)
        except (ValueError, RecursionError):
            yield number, Unreadable("The line is not valid JSON.")


def refuse(name: str) -> NoReturn:
    raise ValueError(name)


def read_csv(lines: Iterable[str]) -> Numbered:
    """Order lines grouped into events, each numbered by its first line in the file. ValueError for a wrong header."""
    reader = csv.reader(lines, strict=True)
    header = [name.strip().lower() for name in next(reader, [])]
    check_header(header)
    key: tuple[str, str] | None = None
    group: list[dict[str, str]] = []
    first = 0
    for number, row in numbered_rows(reader):
        if isinstance(row, Unreadable) or len(row) != len(header):
            yield number, row if isinstance(row, Unreadable) else miscounted(row, header)
            continue
        cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
        # Rows without an id are not one order: each is refused by itself.
        if group and cells.get("id") and (cells.get("source", ""), cells["id"]) == key:
            group.append(cells)
            continue
        if group:
            yield first, as_event(group)
        key, group, first = (cells.get("source", ""), cells.get("id", "")), [cells], number
    if group:
        yield first, as_event(group)


def check_header(header: list[str]) -> None:
    unknown = [name for name in header if name not in COLUMNS]
    missing = [name for name in EVENT if name not in header]
    if unknown:
        raise ValueError(f"The column {unknown[0]!r} is not known; manage.py ingest --help lists them.")
    if missing:
        raise ValueError(f"The header has no column {missing[0]!r}.")
    if len(set(header)) < len(header):
        raise ValueError("The header names a column twice.")


def numbered_rows(reader: Any) -> Iterator[tuple[int, list[str] | Unreadable]]:
    """Rows with the line on which they begin."""
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, Unreadable(f"The row is not valid CSV: {error}.")
            continue
        if row:
            yield number, row


def miscounted(row: list[str], header: list[str]) -> Unreadable:
    return Unreadable(f"The row has {len(row)} cells; the header has {len(header)}.")


def as_event(group: list[dict[str, str]]) -> dict[str, Any]:
    """One event from its rows; the later rows only bring lines."""
    head = group[0]
    event: dict[str, Any] = {name: head[name] for name in EVENT if head.get(name)}
    data: dict[str, Any] = {name: head[name] for name in DATA if head.get(name)}
    lines = [as_line(cells) for cells in group if cells.get("sku")]
    if len(lines) == 1 and "amount" not in lines[0] and "amount" in data:
        lines[0]["amount"] = data["amount"]
    if lines:
        data["lines"] = lines
    return {"specversion": "1.0", **event, "data": data}


def as_line(cells: dict[str, str]) -> dict[str, str]:
    names = {"sku": "sku", "quantity": "quantity", "line_amount": "amount", "line": "line", "line_name": "line_name"}
    names["product_name"] = "name"
    return {field: cells[column] for column, field in names.items() if cells.get(column)}


FORMATS: dict[str, Callable[[Iterable[str]], Numbered]] = {"ndjson": read_ndjson, "csv": read_csv}
