"""What one distributor's share of a KPI's week is made of: events, with what each of them adds.

Customers appear as numbers within the answer, never by name. A link that is cut since (of an event to its customer) leaves a
remainder: what the share has and no event accounts for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

from distributors.models import Distributor, Event, Market

from .figures import Fact, facts_of
from .models import KPI


@dataclass(frozen=True)
class Evidence:
    """One event, or a day without one (somebody is with us since then), and what it adds to the week."""

    day: date
    numerator: Decimal
    denominator: Decimal
    time: datetime | None = None
    type: str = ""
    source: str = ""
    external_id: str = ""
    customer: int | None = None  # her number in this answer


@dataclass(frozen=True)
class Account:
    rows: list[Evidence]
    numerator: Decimal
    denominator: Decimal
    remainder: tuple[Decimal, Decimal]  # of what the week has and no row accounts for

    @property
    def is_whole(self) -> bool:
        return not any(self.remainder)


class Part(NamedTuple):
    """What an event adds to a stored metric of a person on a day."""

    event: int
    of: int
    day: date
    value: Decimal


Added = tuple[int | None, Fact, Decimal, Decimal]
NOTHING = Decimal(0)


def account(kpi: KPI, market: Market, last: date, distributor: Distributor) -> Account:
    """Of the week that ends on `last`. A few queries, whatever the number of events."""
    facts = facts_of(kpi, market, last, distributor.pk)
    added = list(by_event(kpi, facts, distributor))
    over, under = total(facts)
    missing = over - sum((row[2] for row in added), NOTHING), under - sum((row[3] for row in added), NOTHING)
    return Account(rows_of(added), over, under, missing)


def total(facts: Iterable[Fact]) -> tuple[Decimal, Decimal]:
    over, under = NOTHING, NOTHING
    for fact in facts:
        over, under = over + fact.numerator, under + (fact.denominator or NOTHING)
    return over, under


def by_event(kpi: KPI, facts: list[Fact], distributor: Distributor) -> Iterable[Added]:
    """Event id, its fact, and what it adds above and below the line."""
    parts = parts_of(facts, kpi.scope)
    for fact in facts:
        under = fact.denominator or NOTHING
        if not fact.part:
            yield fact.event or distributor.enrolled_by_id, fact, fact.numerator, under
            continue
        found = parts[fact.part, fact.of, fact.day]
        if fact.once:
            yield from ((part.event, fact, fact.numerator, under) for part in found[:1])
            continue
        for part in found:
            yield part.event, fact, part.value if fact.numerator else NOTHING, part.value if under else NOTHING


def rows_of(added: list[Added]) -> list[Evidence]:
    events = {event.pk: event for event in Event.objects.filter(pk__in={pk for pk, *_ in added if pk})}
    numbers: dict[int, int] = {}
    rows = []
    for pk, fact, over, under in added:
        event = events.get(pk) if pk else None
        customer = fact.customer or (event.customer_id if event else None)
        number = numbers.setdefault(customer, len(numbers) + 1) if customer else None
        rows.append(row_of(event, fact.day, over, under, number))
    return merged(rows)


def row_of(event: Event | None, day: date, over: Decimal, under: Decimal, customer: int | None) -> Evidence:
    if event is None:
        return Evidence(day, over, under)
    return Evidence(day, over, under, event.time, event.type, event.source, event.external_id, customer)


def merged(rows: list[Evidence]) -> list[Evidence]:
    """One row an event: an order adds to sales and to orders. In order of time; days without an event first."""
    found: dict[object, Evidence] = {}
    for row in rows:
        key = (row.source, row.external_id) if row.source else row
        if (there := found.get(key)) is not None:
            row = Evidence(**vars(row) | {
                "numerator": there.numerator + row.numerator, "denominator": there.denominator + row.denominator,
            })  # fmt: skip
        found[key] = row
    return sorted(found.values(), key=lambda row: (row.day, row.time.timestamp() if row.time else 0.0))


# The events behind the stored metrics (fold.py), of some people on some days.

OF = "e.distributor_id = ANY(%(of)s) AND e.day = ANY(%(days)s)"
HOLDS = """(%(scope)s = '' OR EXISTS (SELECT FROM distributors_orderline l JOIN distributors_productline p
    ON p.id = l.line_id WHERE l.order_id = {order}.event_id AND p.code = %(scope)s))"""

SALES = f"""
SELECT e.id, e.distributor_id, e.day, CASE e.type WHEN 'order.placed' THEN 1 ELSE -1 END * (e.data->>'amount')::numeric
FROM distributors_event e WHERE {OF} AND e.type IN ('order.placed', 'order.refunded') AND %(scope)s = ''
UNION ALL
SELECT e.id, e.distributor_id, e.day, sum(l.amount)
FROM distributors_event e JOIN distributors_orderline l ON l.order_id = e.id
JOIN distributors_productline p ON p.id = l.line_id
WHERE {OF} AND e.type = 'order.placed' AND p.code = %(scope)s GROUP BY e.id
UNION ALL
SELECT e.id, e.distributor_id, e.day, -sum(l.amount)
FROM distributors_event e
CROSS JOIN LATERAL jsonb_to_recordset(e.data->'lines') AS l(sku text, amount numeric, line text)
JOIN distributors_product sold ON sold.sku = l.sku LEFT JOIN distributors_productline named ON named.code = l.line
JOIN distributors_productline p ON p.id = coalesce(named.id, sold.line_id)
WHERE {OF} AND e.type = 'order.refunded' AND e.data ? 'lines' AND p.code = %(scope)s GROUP BY e.id"""  # noqa: S608

PLACED = f"""
SELECT e.id, e.distributor_id, e.day, 1::numeric FROM distributors_event e JOIN distributors_order o ON o.event_id = e.id
WHERE {OF} AND {HOLDS.format(order="o")}"""  # noqa: S608

BEFORE = f"""EXISTS (
    SELECT FROM distributors_order b JOIN distributors_event f ON f.id = b.event_id
    WHERE b.customer_id = o.customer_id AND (b.time, f.source, f.external_id) < (o.time, e.source, e.external_id)
        AND {HOLDS.format(order="b")})"""

ORDERS = f"""
SELECT e.id, e.distributor_id, e.day, 1::numeric FROM distributors_event e
WHERE {OF} AND e.type = 'order.placed' AND %(scope)s = ''
UNION ALL {PLACED} AND %(scope)s <> ''"""  # noqa: S608

ENROLMENTS = """
SELECT e.id, s.id, (e.time AT TIME ZONE m.time_zone)::date, 1::numeric
FROM distributors_distributor s JOIN distributors_market m ON m.id = s.market_id
JOIN distributors_distributor r ON r.sponsor_id = s.id JOIN distributors_event e ON e.id = r.enrolled_by_id
WHERE s.id = ANY(%(of)s) AND (e.time AT TIME ZONE m.time_zone)::date = ANY(%(days)s)"""

CONTACTS = f"""
SELECT e.id, e.distributor_id, e.day, 1::numeric FROM distributors_event e
WHERE {OF} AND e.type = 'contact.added' AND e.customer_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM distributors_event f WHERE f.customer_id = e.customer_id AND f.type = 'contact.added'
        AND (f.time, f.source, f.external_id) < (e.time, e.source, e.external_id))"""  # noqa: S608

SIGN_INS = f"""
SELECT * FROM (
    SELECT DISTINCT ON (e.distributor_id, e.day) e.id, e.distributor_id, e.day, 1::numeric
    FROM distributors_event e WHERE {OF} AND e.type = 'distributor.signed_in'
    ORDER BY e.distributor_id, e.day, e.time, e.id
) AS firsts"""  # noqa: S608

COMPLETIONS = f"""
SELECT e.id, e.distributor_id, e.day, 1::numeric FROM distributors_event e
WHERE {OF} AND e.type = 'activity.completed' AND NOT EXISTS (
    SELECT FROM distributors_event u WHERE u.type = 'activity.undone' AND u.distributor_id = e.distributor_id
        AND u.data->>'undoes' = e.external_id AND u.source = e.source)"""  # noqa: S608

LESSONS = f"""{COMPLETIONS} AND e.data->>'form' = 'lesson'
UNION ALL
SELECT e.id, e.distributor_id, e.day, 1::numeric FROM distributors_event e WHERE {OF} AND e.type = 'lesson.completed'
"""  # noqa: S608

PARTS = {
    "sales": SALES,
    "orders": ORDERS,
    "repeat_orders": f"{PLACED} AND {BEFORE}",
    "new_customers": f"{PLACED} AND NOT {BEFORE}",
    "enrolments": ENROLMENTS,
    "contacts_added": CONTACTS,
    "active_days": SIGN_INS,
    "activities_done": COMPLETIONS,
    "lessons_done": LESSONS,
}


def parts_of(facts: Iterable[Fact], scope: str) -> dict[tuple[str, int, date], list[Part]]:
    """What each event adds, by metric, person and day, in order of time. One query a metric."""
    wanted: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.part:
            wanted[fact.part].append(fact)
    found: dict[tuple[str, int, date], list[Part]] = defaultdict(list)
    for metric, some in wanted.items():
        for part in parts(metric, scope, {fact.of for fact in some}, {fact.day for fact in some}):
            found[metric, part.of, part.day].append(part)
    return found


def parts(metric: str, scope: str, of: Iterable[int], days: Iterable[date]) -> list[Part]:
    sql = f"SELECT p.* FROM ({PARTS[metric]}) AS p(id, of, day, value) JOIN distributors_event e ON e.id = p.id"  # noqa: S608
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {"of": list(of), "days": list(days), "scope": scope}
        cursor.execute(f"{sql} WHERE p.value <> 0 ORDER BY e.time, e.source, e.external_id", asked)
        return [Part(*row) for row in cursor.fetchall()]
