"""Bulk ingest of the real Complete Journey data, beside a plain Django loop and bulk_create doing the same job.

    python benchmarks/ingest.py [--events N] [--bulk-create N] [--loop N]

The job: events with their unique keys, orders, order lines with foreign keys, customers, products, and the day's
measures. The peers get a sample of the same baskets (rates per event; their samples are stated), work on an empty
database with everything known in memory, and skip validation, digests and the history of late orders.
A scratch database is created for the run and dropped at its end.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pep.settings")

import _house
import django
from _house import Target

NOW = datetime(2026, 8, 27, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, help="how many baskets to ingest in bulk (default: all 155,848)")
    parser.add_argument("--bulk-create", type=int, default=10_000, help="the bulk_create peer's sample")
    parser.add_argument("--loop", type=int, default=500, help="the ORM loop's sample")
    parser.add_argument("--keep", action="store_true", help="check the measures against a rebuild, too")
    options = parser.parse_args()
    if not os.environ.get("DATABASE_URL"):
        from pep import postgres

        postgres.ensure_running(Path(os.environ.get("PEP_DATA", ".data")).resolve())
    django.setup()
    on_a_scratch_database(lambda: compare(options))


def on_a_scratch_database(work: Callable[[], None]) -> None:
    from django.db import connection

    connection.settings_dict["TEST"]["NAME"] = f"pep_bench_{os.getpid()}"
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        work()
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def compare(options: argparse.Namespace) -> None:
    read_only = timed(lambda: sum(1 for _ in baskets(options.events)))
    print(f"reading the parquet files alone: {read_only[1]:,} events in {read_only[0]:.1f} s")
    ours = bulk(options.events)
    if options.keep:
        from distributors import ingest

        print(f"rebuild: {timed(lambda: ingest.rebuild(check=True))}")
    peers = [peer("bulk_create", with_bulk_create, options.bulk_create), peer("ORM loop", in_a_loop, options.loop)]
    asked = {"bulk_create": 3}
    _house.report(
        [
            Target(
                f"bulk import x {name}", f">= {asked[name]} x" if name in asked else "", f"{ours / rate:,.1f} x",
                ours / rate >= asked[name] if name in asked else None,
            )
            for name, rate in peers
        ]
    )  # fmt: skip


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def baskets(limit: int | None) -> Iterable[dict[str, Any]]:
    from distributors.complete_journey import events

    return events(limit=limit)


def bulk(limit: int | None) -> float:
    """Events a second of our own ingest, reading included."""
    from distributors import ingest
    from distributors.complete_journey import open_market
    from distributors.models import OrderLine

    open_market()
    summary = ingest.bulk(baskets(limit), received_at=NOW, progress=lambda n: print(".", end="", flush=True))
    assert not summary.failed, summary.errors[:3]
    lines = OrderLine.objects.count()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"\nbulk ingest: {summary.stored:,} events, {lines:,} order lines in {summary.seconds:.1f} s = "
        f"{summary.events_per_second:,.0f} events/s, {lines / summary.seconds:,.0f} lines/s, peak memory {peak:,.0f} MiB"
    )
    return summary.events_per_second


def peer(name: str, store: Callable[[list[dict[str, Any]]], None], n: int) -> tuple[str, float]:
    from django.db import connection
    from django.db.models import Sum

    from distributors.complete_journey import open_market
    from distributors.models import Measure, OrderLine

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE distributors_market, distributors_productline CASCADE")
    open_market()
    sample: list[dict[str, Any]] = []

    def read_and_store() -> None:
        sample.extend(islice(baskets(None), n))
        store(sample)

    seconds, _ = timed(read_and_store)
    sold = Measure.objects.filter(metric="sales", scope="").aggregate(total=Sum("value"))["total"]
    stated = sum(Decimal(e["data"]["amount"]) for e in sample if e["type"] == "order.placed")
    assert sold == stated, (sold, stated)
    lines = OrderLine.objects.count()
    print(f"{name}: sample of {n:,} events, {lines:,} lines in {seconds:.1f} s = {n / seconds:,.0f} events/s")
    return name, n / seconds


class Known:
    """What a peer keeps in memory: who and what there is already."""

    def __init__(self) -> None:
        from distributors.models import Market

        self.market = Market.objects.get()
        self.stores: dict[str, Any] = {}
        self.customers: dict[tuple[int, str], Any] = {}
        self.lines: dict[str, Any] = {}
        self.products: dict[str, Any] = {}
        self.bought: set[tuple[int, str]] = set()

    def product(self, line: dict[str, Any]) -> Any:
        from distributors.models import Product, ProductLine

        code = line["line"]
        if code not in self.lines:
            self.lines[code] = ProductLine.objects.get_or_create(code=code, defaults={"name": code})[0]
        if line["sku"] not in self.products:
            fields = {"name": line.get("name", line["sku"]), "line": self.lines[code]}
            self.products[line["sku"]] = Product.objects.get_or_create(sku=line["sku"], defaults=fields)[0]
        return self.products[line["sku"]]

    def store(self, event: dict[str, Any]) -> Any:
        from distributors.models import Distributor

        if event["subject"] not in self.stores:
            fields = {"name": event["data"]["name"], "market": self.market, "joined_on": NOW.date()}
            self.stores[event["subject"]] = Distributor.objects.create(external_id=event["subject"], **fields)
        return self.stores[event["subject"]]

    def customer(self, store: Any, event: dict[str, Any]) -> Any:
        from distributors.models import Customer

        key = (store.pk, event["data"]["customer"])
        if key not in self.customers:
            fields = {"distributor": store, "external_id": key[1], "name": event["data"]["customer_name"]}
            self.customers[key] = Customer.objects.create(**fields, added_at=NOW)
        return self.customers[key]

    def prepare(self, events: list[dict[str, Any]]) -> None:
        """What a block names for the first time, by bulk_create."""
        from distributors.models import Customer, Product, ProductLine

        placed = [event for event in events if event["type"] == "order.placed"]
        lines = {line["sku"]: line for event in placed for line in reversed(event["data"]["lines"])}
        codes = {line["line"] for line in lines.values()} - self.lines.keys()
        made = ProductLine.objects.bulk_create(ProductLine(code=code, name=code) for code in codes)
        self.lines |= {line.code: line for line in made}
        products = Product.objects.bulk_create(
            [
                Product(sku=sku, name=line.get("name", sku), line=self.lines[line["line"]])
                for sku, line in lines.items()
                if sku not in self.products
            ],
            batch_size=2000,
        )
        self.products |= {product.sku: product for product in products}
        named = {(self.store(e).pk, e["data"]["customer"]): e["data"]["customer_name"] for e in placed}
        people = Customer.objects.bulk_create(
            [
                Customer(distributor_id=store_id, external_id=name, name=shown, added_at=NOW)
                for (store_id, name), shown in named.items()
                if (store_id, name) not in self.customers
            ],
            batch_size=2000,
        )
        self.customers |= {(person.distributor_id, person.external_id): person for person in people}


def row_of(event: dict[str, Any], store: Any, customer: Any, known: Known) -> Any:
    from distributors.models import Event

    at = datetime.fromisoformat(event["time"])
    return Event(
        source=event["source"], external_id=event["id"], type=event["type"], distributor=store, customer=customer,
        time=at, day=known.market.local_day(at), data=event["data"], digest=b"", received_at=NOW,
    )  # fmt: skip


def order_of(row: Any, is_repeat: bool) -> Any:
    from distributors.models import Order

    return Order(
        event=row, distributor=row.distributor, customer=row.customer, time=row.time, day=row.day,
        amount=Decimal(row.data["amount"]), currency=row.data["currency"], is_repeat=is_repeat,
    )  # fmt: skip


def lines_of(order: Any, row: Any, known: Known) -> list[Any]:
    from distributors.models import OrderLine

    return [
        OrderLine(
            order=order, product=known.product(line), line=known.lines[line["line"]],
            quantity=Decimal(str(line["quantity"])), amount=Decimal(line["amount"]),
        )
        for line in row.data["lines"]
    ]  # fmt: skip


def changes(order: Any, lines: list[Any], known: Known) -> dict[tuple[int, str, str, Any], Decimal]:
    """What one order adds to the measures."""
    found: dict[tuple[int, str, str, Any], Decimal] = defaultdict(Decimal)
    sold: dict[str, Decimal] = defaultdict(Decimal)
    sold[""] = order.amount
    for line in lines:
        sold[line.line.code] += line.amount
    for scope, amount in sold.items():
        before = (order.customer.pk, scope) in known.bought
        known.bought.add((order.customer.pk, scope))
        figures = {"sales": amount, "orders": Decimal(1), ("repeat_orders" if before else "new_customers"): Decimal(1)}
        for metric, value in figures.items():
            found[order.distributor.pk, metric, scope, order.day] += value
    return found


def tell_customer(order: Any) -> Any:
    customer = order.customer
    customer.orders += 1
    customer.spent += order.amount
    customer.first_order_on = min(customer.first_order_on or order.day, order.day)
    customer.last_order_on = max(customer.last_order_on or order.day, order.day)
    return customer


def in_a_loop(events: list[dict[str, Any]]) -> None:
    """One event at a time, as one would first write it: each in its transaction."""
    from django.db import transaction
    from django.db.models import F

    from distributors.models import Measure

    known = Known()
    for event in events:
        with transaction.atomic():
            store = known.store(event)
            if event["type"] != "order.placed":
                row_of(event, store, None, known).save()
                continue
            customer = known.customer(store, event)
            row = row_of(event, store, customer, known)
            row.save()
            order = order_of(row, is_repeat=(customer.pk, "") in known.bought)
            order.save(force_insert=True)
            lines = lines_of(order, row, known)
            for line in lines:
                line.save()
            for (store_id, metric, scope, day), value in changes(order, lines, known).items():
                key = {"distributor_id": store_id, "metric": metric, "scope": scope, "day": day}
                measure, made = Measure.objects.get_or_create(**key, defaults={"value": value})
                if not made:
                    Measure.objects.filter(pk=measure.pk).update(value=F("value") + value)
            tell_customer(order).save()


def with_bulk_create(events: list[dict[str, Any]], block: int = 5000) -> None:
    """Blocks: known ids left out, bulk_create of each table, measures summed in memory and upserted."""
    from django.db import transaction

    from distributors.models import Customer, Event, Measure, Order, OrderLine

    known, totals = Known(), defaultdict(Decimal)
    for first in range(0, len(events), block):
        with transaction.atomic():
            part = events[first : first + block]
            there = set(
                Event.objects.filter(external_id__in=[e["id"] for e in part]).values_list("external_id", flat=True)
            )
            rows = []
            part = [event for event in part if event["id"] not in there]
            for event in part:
                if event["type"] == "distributor.enrolled":
                    known.store(event)
            known.prepare(part)
            for event in part:
                store = known.store(event)
                customer = known.customer(store, event) if event["type"] == "order.placed" else None
                rows.append(row_of(event, store, customer, known))
            rows = [row for row in Event.objects.bulk_create(rows, batch_size=2000) if row.customer is not None]
            orders = [order_of(row, is_repeat=(row.customer.pk, "") in known.bought) for row in rows]
            Order.objects.bulk_create(orders, batch_size=2000)
            lines = [lines_of(order, row, known) for order, row in zip(orders, rows, strict=True)]
            OrderLine.objects.bulk_create([line for some in lines for line in some], batch_size=2000)
            touched = set()
            for order, some in zip(orders, lines, strict=True):
                for key, value in changes(order, some, known).items():
                    totals[key] += value
                    touched.add(key)
            Measure.objects.bulk_create(
                [
                    Measure(distributor_id=d, metric=metric, scope=scope, day=day, value=totals[d, metric, scope, day])
                    for d, metric, scope, day in touched
                ],
                batch_size=2000, update_conflicts=True,
                unique_fields=["distributor", "metric", "scope", "day"], update_fields=["value"],
            )  # fmt: skip
            people = {order.customer.pk: tell_customer(order) for order in orders}
            Customer.objects.bulk_update(
                people.values(), ["orders", "spent", "first_order_on", "last_order_on"], batch_size=2000
            )


if __name__ == "__main__":
    main()
