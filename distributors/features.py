"""The compact row of a distributor: read, and refreshed when a mark says that something behind it has changed.

Nobody who reads ever waits for somebody who writes events, and no change is ever lost:

- Whoever changes something leaves a mark in the transaction of the change (marks.py).
- Whoever refreshes locks the row, so that refreshes of a person take turns; then takes the marks that are there and free.
  A mark still in the hands of a change under way is left alone: that change is not seen yet, and its mark stays.
- Only then, in a new statement, the facts are read. All that the taken marks stand for has been committed, so it is seen.
  What is committed later left a mark that was not taken, or waits for the one that was and leaves a new one.

The statement is the definition of every record, and reads facts and reference data alone, never the clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from . import versions
from .metrics import METRICS, How
from .records import CUSTOMER, DAY, EPOCH, FOREVER, GOAL, LINE, NEVER, RECRUIT, TAG, Records, unpacked

#: Weeks and days that windows of a goal reach back, beyond its newest measure (periods.Run.windows, and one to spare).
PAST_WINDOWS = 13
#: How long quiet recruits are looked back on, from their newest order day.
RECRUIT_DAYS = 56
#: How many people's rows are made by one statement, where all are.
BLOCK = 1000


@dataclass(frozen=True)
class Row:
    """What ranking reads of one distributor (records.py says what is in it). `changed` is new whenever a byte of it is."""

    distributor_id: int
    identity: int
    goals: Records
    days: Records
    customers: Records
    lines: Records
    recruits: Records
    tags: Records
    changed: int


def day(sql: str) -> str:
    """SQL of a date -> its two bytes. A date beyond the years 1910 to 2089 is the first or last of them."""
    number = f"({sql}) - DATE '{EPOCH}'"
    return f"int2send(CASE WHEN ({sql}) IS NULL THEN {NEVER} ELSE least(greatest({number}, {NEVER + 1}), {FOREVER - 1}) END::int2)"


def instant(sql: str) -> str:
    """SQL of a timestamp -> its eight bytes of microseconds; 0 without one."""
    return f"int8send(coalesce((extract(epoch FROM {sql}) * 1000000)::int8, 0))"


def local(sql: str, zone: str) -> str:
    """SQL of a timestamp -> SQL of its calendar day there."""
    return f"({sql} AT TIME ZONE {zone})::date"


def hundredths(sql: str) -> str:
    return f"int8send(({sql} * 100)::int8)"


def packed(fields: Sequence[str], order: str) -> str:
    """An aggregate of records, one after the other."""
    return f"string_agg({' || '.join(fields)}, ''::bytea ORDER BY {order})"


#: METRICS as arrays for `unnest`, in their order.
VOCABULARY: dict[str, list[Any]] = {
    "metrics": list(METRICS),
    "places": list(range(len(METRICS))),
    "hows": [metric.how.value for metric in METRICS.values()],
    "tops": [(metric.of or (metric.name,))[0] for metric in METRICS.values()],
    "bottoms": [metric.of[1] if metric.how is How.RATIO else None for metric in METRICS.values()],
}

# Goals, and of each the measures it is counted by: its own sum, the two of a ratio, or one a recruit. They are read from
# the newest of them back as far as any window of any day could reach; a goal that counts recruits keeps who, not how much.
GOALS = f"""
goal AS MATERIALIZED (
    SELECT g.id, g.distributor_id, g.scope, g.period, g.starts_on, g.ends_on, g.target, g.weight,
           metric.place AS metric, metric.how, metric.top, metric.bottom,
           CASE WHEN g.scope = '' THEN 0 ELSE coalesce(l.id, -1) END AS line_id,
           row_number() OVER (PARTITION BY g.distributor_id ORDER BY g.weight DESC, g.id) - 1 AS place,
           CASE g.period WHEN 'week' THEN 7 WHEN 'month' THEN 31 ELSE g.ends_on - g.starts_on + 1 END AS longest
    FROM distributors_goal g
    JOIN unnest(%(metrics)s::text[], %(places)s::int[], %(hows)s::text[], %(tops)s::text[], %(bottoms)s::text[])
         AS metric(name, place, how, top, bottom) ON metric.name = g.metric
    LEFT JOIN distributors_productline l ON l.code = g.scope AND g.scope <> ''
    WHERE g.distributor_id = ANY(%(ids)s::bigint[]) AND g.ended_at IS NULL
), source AS (
    SELECT g.distributor_id, g.place, 2 * g.place + part.n AS slot, g.distributor_id AS whose, NULL::bigint AS recruit_id,
           part.metric, g.scope,
           CASE g.how WHEN '{How.SUM}' THEN 7 * {PAST_WINDOWS} + g.longest ELSE {PAST_WINDOWS} * g.longest END AS reach
    FROM goal g CROSS JOIN LATERAL (VALUES (0, g.top), (1, g.bottom)) AS part(n, metric)
    WHERE g.how <> '{How.RECRUITS}' AND part.metric IS NOT NULL
    UNION ALL
    SELECT g.distributor_id, g.place, 2 * g.place, r.id, r.id, g.top, g.scope, {PAST_WINDOWS} * g.longest
    FROM goal g JOIN distributors_distributor r ON r.sponsor_id = g.distributor_id
    WHERE g.how = '{How.RECRUITS}'
), reached AS (
    SELECT s.*, max(newest.day) OVER (PARTITION BY s.distributor_id, s.place) - s.reach AS since
    FROM source s CROSS JOIN LATERAL (
        SELECT m.day FROM distributors_measure m
        WHERE m.distributor_id = s.whose AND m.metric = s.metric AND m.scope = s.scope
          AND (s.recruit_id IS NULL OR m.value > 0)
        ORDER BY m.day DESC LIMIT 1
    ) AS newest
), goals AS (
    SELECT distributor_id, {
    packed(
        [
            "int8send(id)",
            "int2send(metric::int2)",
            "int4send(line_id::int4)",
            "int2send(CASE period WHEN 'week' THEN 0 WHEN 'month' THEN 1 ELSE 2 END::int2)",
            day("starts_on"),
            day("ends_on"),
            hundredths("target"),
            "int4send((weight * 100)::int4)",
        ],
        order="place",
    )
} AS packed FROM goal GROUP BY 1
), days AS (
    SELECT distributor_id, {
    packed(["int2send(slot::int2)", day("day"), "int8send(value)"], order="slot, day, value")
} AS packed
    FROM (
        SELECT r.distributor_id, r.slot, m.day, coalesce(r.recruit_id, (m.value * 100)::int8) AS value
        FROM reached r JOIN distributors_measure m
             ON m.distributor_id = r.whose AND m.metric = r.metric AND m.scope = r.scope AND m.day >= r.since
        WHERE r.recruit_id IS NULL OR m.value > 0
    ) AS measured GROUP BY 1
)"""  # noqa: S608

# Customers who may be contacted. A basket is open when no order came at or after it, so only what a customer did after
# her last order is looked at.
CUSTOMERS = f"""
customer AS MATERIALIZED (
    SELECT c.id, c.distributor_id, c.orders, c.spent, c.first_order_on, c.last_order_on, c.usual_gap_days, c.last_contact_at,
           c.recent_contacts, c.added_at, c.kind, c.hotness, c.birthday, person.time_zone,
           CASE WHEN person.consent_required THEN c.allowed ELSE 15 & ~c.refused END AS ways
    FROM distributors_customer c JOIN person ON person.id = c.distributor_id
    WHERE c.distributor_id = ANY(%(ids)s::bigint[]) AND NOT c.do_not_contact
      AND (c.allowed > 0 OR NOT person.consent_required AND c.refused <> 15)
), bought AS MATERIALIZED (
    SELECT c.distributor_id, b.customer_id, b.line_id, b.last_on, b.orders, coalesce(b.price, 0) AS price, p.lasts_days,
           b.last_on = c.last_order_on AS lately
    FROM distributors_customerline b JOIN customer c ON c.id = b.customer_id JOIN distributors_product p ON p.id = b.product_id
    WHERE b.distributor_id = ANY(%(ids)s::bigint[])
), dearest AS (
    SELECT DISTINCT ON (customer_id) customer_id, line_id FROM bought WHERE lately
    ORDER BY customer_id, price DESC, line_id
), customers AS (
    SELECT c.distributor_id, {
    packed(
        [
            "int8send(c.id)",
            "int4send(c.orders)",
            hundredths("c.spent"),
            day("c.first_order_on"),
            day("c.last_order_on"),
            "float8send(coalesce(c.usual_gap_days, -1))",
            "int4send(coalesce(dearest.line_id, 0)::int4)",
            instant("c.last_contact_at"),
            day(local("c.last_contact_at", "c.time_zone")),
            *(day(local(f"c.recent_contacts[{nth}]", "c.time_zone")) for nth in range(1, 5)),
            day(local("c.added_at", "c.time_zone")),
            "int2send(CASE WHEN c.kind <> 'prospect' OR c.orders > 0 THEN 0 ELSE "
            "CASE c.hotness WHEN 'hot' THEN 1 WHEN 'warm' THEN 2 WHEN 'cold' THEN 4 ELSE 3 END END::int2)",
            "int2send(coalesce(extract(month FROM c.birthday) * 100 + extract(day FROM c.birthday), 0)::int2)",
            instant("basket.time"),
            day(local("basket.time", "c.time_zone")),
            "int2send(c.ways::int2)",
        ],
        order="c.id",
    )
} AS packed
    FROM customer c LEFT JOIN dearest ON dearest.customer_id = c.id
    LEFT JOIN LATERAL (
        SELECT e.time FROM distributors_event e
        WHERE e.customer_id = c.id AND e.type = 'basket.opened' AND e.time > coalesce(
            (SELECT max(o.time) FROM distributors_order o WHERE o.customer_id = c.id), '-infinity')
        ORDER BY e.time DESC LIMIT 1
    ) AS basket ON true
    GROUP BY 1
), lines AS (
    SELECT distributor_id, {
    packed(
        ["int8send(customer_id)", "int4send(line_id::int4)", day("last_on"), "int2send(lasts_days)"],
        order="customer_id, last_on DESC, price DESC, line_id",
    )
} AS packed FROM bought WHERE orders = 1 AND lasts_days IS NOT NULL GROUP BY 1
)"""  # noqa: S608

RECRUITS = f"""
recruits AS (
    SELECT sponsor_id AS distributor_id, {
    packed(["int8send(id)", day("joined_on"), day("day"), hundredths("value")], order="id, day")
} AS packed
    FROM (
        SELECT r.sponsor_id, r.id, r.joined_on, m.day, coalesce(m.value, 0) AS value
        FROM distributors_distributor r
        LEFT JOIN LATERAL (
            SELECT m.day FROM distributors_measure m
            WHERE m.distributor_id = r.id AND m.metric = 'orders' AND m.scope = '' AND m.value > 0
            ORDER BY m.day DESC LIMIT 1
        ) AS newest ON true
        LEFT JOIN distributors_measure m ON m.distributor_id = r.id AND m.metric = 'orders' AND m.scope = ''
             AND m.value > 0 AND m.day > newest.day - {RECRUIT_DAYS}
        WHERE r.sponsor_id = ANY(%(ids)s::bigint[]) AND r.left_on IS NULL
    ) AS ordered GROUP BY 1
)"""  # noqa: S608

TAGS = f"""
tags AS (
    SELECT distributor_id, {
    packed(
        [
            "int8send(segment_id)",
            day("since"),
            f"CASE WHEN until IS NULL THEN int2send({FOREVER}::int2) ELSE {day('until')} END",
        ],
        order="segment_id, since",
    )
} AS packed
    FROM distributors_segmentmember WHERE distributor_id = ANY(%(ids)s::bigint[]) GROUP BY 1
)"""  # noqa: S608

RECORDS = {"goals": GOAL, "days": DAY, "customers": CUSTOMER, "lines": LINE, "recruits": RECRUIT, "tags": TAG}


def columns(of: str) -> str:
    return ", ".join(f"{of}.{name}" for name in RECORDS)


#: The rows of `ids` as the facts say now: distributor_id, identity, settings, the six kinds of records, reference.
MADE = f"""
person AS MATERIALIZED (
    SELECT d.id, d.external_id, d.market_id, d.joined_on, d.language, d.own_goal_share, d.rank, m.time_zone, m.consent_required
    FROM distributors_distributor d JOIN distributors_market m ON m.id = d.market_id
    WHERE d.id = ANY(%(ids)s::bigint[])
), {GOALS}, {CUSTOMERS}, {RECRUITS}, {TAGS}, made AS (
    SELECT person.id AS distributor_id, ('x' || substr(md5(person.external_id), 1, 16))::bit(64)::bigint AS identity,
           concat_ws('|', person.market_id, person.joined_on, person.language, person.own_goal_share, nullif(person.rank, '')) AS settings,
           {", ".join(f"coalesce({name}.packed, ''::bytea) AS {name}" for name in RECORDS)},
           coalesce((SELECT number FROM distributors_version WHERE name = 'reference'), 0) AS reference
    FROM person {" ".join(f"LEFT JOIN {name} ON {name}.distributor_id = person.id" for name in RECORDS)}
)"""  # noqa: S608

# A row that a change under way belongs to may be locked for the time of a refresh, never for the time of the change.
START = """
INSERT INTO distributors_feature (distributor_id, identity, settings, goals, days, customers, lines, recruits, tags, changed, reference)
SELECT d.id, 0, '', '', '', '', '', '', '', 0, -1 FROM distributors_distributor d
WHERE d.id = ANY(%(ids)s::bigint[]) AND NOT EXISTS (SELECT FROM distributors_feature f WHERE f.distributor_id = d.id)
ORDER BY d.id ON CONFLICT DO NOTHING
"""
TAKE = """
WITH held AS (
    SELECT distributor_id FROM distributors_feature WHERE distributor_id = ANY(%(ids)s::bigint[])
    ORDER BY distributor_id FOR NO KEY UPDATE
)
SELECT array_agg(distributor_id) FROM held
"""
TAKE_MARKS = """
WITH free AS (
    SELECT id FROM distributors_featuremark WHERE distributor_id = ANY(%(ids)s::bigint[]) FOR UPDATE SKIP LOCKED
)
SELECT array_agg(id) FROM free
"""
WRITE = f"""
WITH {MADE}, compared AS (
    SELECT made.*, f.changed AS was, f.reference AS reference_was, f.reference < 0
           OR (f.identity, f.settings, {columns("f")}) IS DISTINCT FROM (made.identity, made.settings, {columns("made")}) AS differs
    FROM made JOIN distributors_feature f USING (distributor_id)
), written AS (
    UPDATE distributors_feature f
    SET identity = c.identity, settings = c.settings, {", ".join(f"{name} = c.{name}" for name in RECORDS)}, reference = c.reference,
        changed = CASE WHEN c.differs THEN nextval('distributors_version_number') ELSE c.was END
    FROM compared c WHERE f.distributor_id = c.distributor_id AND (c.differs OR c.reference <> c.reference_was)
    RETURNING c.differs
), unmarked AS (
    DELETE FROM distributors_featuremark WHERE id = ANY(%(marked)s::bigint[])
)
SELECT count(*) FROM written WHERE differs
"""  # noqa: S608
# Rows that claim to be up to date and are not.
WRONG = f"""
WITH {MADE}
SELECT array_agg(made.distributor_id) FROM made JOIN distributors_feature f USING (distributor_id, reference)
WHERE (f.identity, f.settings, {columns("f")}) IS DISTINCT FROM (made.identity, made.settings, {columns("made")})
  AND NOT EXISTS (SELECT FROM distributors_featuremark m WHERE m.distributor_id = made.distributor_id)
"""  # noqa: S608
READ = f"""
SELECT asked.id, f.identity, {columns("f")}, f.changed,
       f.distributor_id IS NULL OR EXISTS (SELECT FROM distributors_featuremark m WHERE m.distributor_id = asked.id)
           OR f.reference <> coalesce((SELECT number FROM distributors_version WHERE name = 'reference'), 0) AS outdated,
       CASE WHEN nth = 1 THEN (SELECT jsonb_object_agg(name, number)::text FROM distributors_version) END AS versions
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS asked(id, nth)
LEFT JOIN distributors_feature f ON f.distributor_id = asked.id
ORDER BY nth
"""  # noqa: S608
OUTDATED = """
SELECT array_agg(id) FROM (
    SELECT d.id FROM distributors_distributor d LEFT JOIN distributors_feature f ON f.distributor_id = d.id
         AND f.distributor_id BETWEEN %(first)s AND %(last)s
    WHERE d.id BETWEEN %(first)s AND %(last)s AND (f.distributor_id IS NULL OR f.reference <>
        coalesce((SELECT number FROM distributors_version WHERE name = 'reference'), 0))
    UNION SELECT distributor_id FROM distributors_featuremark WHERE distributor_id BETWEEN %(first)s AND %(last)s
) AS outdated
"""


def of(distributor_ids: Iterable[int]) -> dict[int, Row]:
    """Rows by distributor as of now; nothing for who does not exist. 1 query when none of them is out of date."""
    return of_with_versions(distributor_ids)[0]


def of_with_versions(distributor_ids: Iterable[int]) -> tuple[dict[int, Row], dict[str, int]]:
    """`of`, and versions.current() as it was just before, from the same query."""
    ids = sorted(set(distributor_ids))
    if not ids:
        return {}, versions.current()
    found, outdated, stored = read(ids)
    if outdated:
        refresh(outdated)
        again, _still, _stored = read(outdated)
        found |= again
    return {pk: found[pk] for pk in ids if pk in found}, stored


def read(ids: list[int]) -> tuple[dict[int, Row], list[int], dict[str, int]]:
    """Rows as they are stored, whose of them is missing or out of date, and the versions of reference data."""
    found, outdated, stored = {}, [], ""
    with connection.cursor() as cursor:
        cursor.execute(READ, {"ids": ids})
        for pk, identity, *records, changed, is_outdated, said in cursor.fetchall():
            stored = said or stored
            if is_outdated:
                outdated.append(pk)
            if identity is not None:
                parts = zip(RECORDS.items(), records, strict=True)
                native = {name: unpacked(raw, dtype) for (name, dtype), raw in parts}
                found[pk] = Row(pk, identity, changed=changed, **native)
    return found, outdated, versions.complete(json.loads(stored or "{}"))


def refresh(distributor_ids: Iterable[int]) -> int:
    """Make the rows of these people again from facts; how many had other bytes before. One transaction."""
    asked = {"ids": sorted(set(distributor_ids))}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(START, asked)
        held, marked = ids_of(cursor, TAKE, asked), ids_of(cursor, TAKE_MARKS, asked)
        cursor.execute(WRITE, {"ids": held, "marked": marked, **VOCABULARY})
        return int(cursor.fetchone()[0])


def ids_of(cursor: Any, statement: str, asked: dict[str, Any]) -> list[int]:
    """The ids that the statement has found, and locked if it locks."""
    cursor.execute(statement, asked)
    return cursor.fetchone()[0] or []


def refresh_marked(first: int, last: int) -> int:
    """`refresh` of everybody with an id in first..last (inclusive) whose row is missing or out of date."""
    with connection.cursor() as cursor:
        ids = ids_of(cursor, OUTDATED, {"first": first, "last": last})
    return refresh(ids) if ids else 0


def wrong() -> list[int]:
    """Whose row has no mark and the newest reference, and yet is not what the facts say, to the last bit. Empty, always."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(distributor_id ORDER BY distributor_id) FROM distributors_feature")
        ids, found = cursor.fetchone()[0] or [], list[int]()
        for first in range(0, len(ids), BLOCK):
            found += ids_of(cursor, WRONG, {"ids": ids[first : first + BLOCK], **VOCABULARY})
    return sorted(found)
