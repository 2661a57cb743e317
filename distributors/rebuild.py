"""Everything derived, computed again from events into shadow tables, compared with what is there, and put right.
Compact rows (features.py) are compared with what they are made from, read in the same statement.

The shadows are temporary tables of the same names, which PostgreSQL finds first: the very statements of fold.py fill
them. Readers are not held up; new events wait until the rebuild is over.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection, transaction

from . import features
from .fold import fold

BLOCK = 50_000


@dataclass(frozen=True)
class RebuildReport:
    """How many rows of each derived table were not what the events say (missing, extra or different).

    `features` counts compact rows that were not what the tables they are made from say, and had no mark.
    """

    events: int
    orders: int
    order_lines: int
    measures: int
    customers: int
    customer_lines: int
    ranks: int
    features: int

    @property
    def equal(self) -> bool:
        return not any(count for name, count in asdict(self).items() if name != "events")

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "equal": self.equal}


def rebuild(*, check: bool = False) -> RebuildReport:
    """Recompute orders, order lines, measures, customers' folded columns and lines, ranks, and compact rows; with `check`,
    only compare. Consent and contacts of whom no such event names are as they were brought along."""
    with transaction.atomic(), connection.cursor() as cursor:
        # The first thing every ingest does is lock rows here; plain reads go on.
        cursor.execute("LOCK TABLE distributors_distributor IN EXCLUSIVE MODE")
        wrong = features.wrong()
        cursor.execute(SHADOWS)
        events = fold_everything(cursor)
        counts = [*(count(cursor, part) for part in DIFFERENCES), len(wrong)]
        report = RebuildReport(events, *counts)
        if not check and not report.equal:
            for statement in REPAIRS:
                cursor.execute(statement)
        cursor.execute(DROP)
        if not check:
            features.refresh(wrong)  # the repairs have left marks on all others that they concern
        return report


def fold_everything(cursor: Any) -> int:
    done, last = 0, 0
    while True:
        cursor.execute(
            "SELECT array_agg(id), array_agg(DISTINCT type) FROM "
            "(SELECT id, type FROM distributors_event WHERE id > %s ORDER BY id LIMIT %s) AS block",
            [last, BLOCK],
        )
        ids, types = cursor.fetchone()
        if not ids:
            return done
        fold(ids, types)
        done, last = done + len(ids), max(ids)
        cursor.execute("ANALYZE distributors_order; ANALYZE distributors_orderline")


SHADOWS = """
CREATE TEMP TABLE distributors_order (LIKE public.distributors_order INCLUDING ALL) ON COMMIT DROP;
CREATE TEMP TABLE distributors_orderline (LIKE public.distributors_orderline INCLUDING ALL) ON COMMIT DROP;
CREATE INDEX ON pg_temp.distributors_orderline (order_id);
CREATE TEMP TABLE distributors_measure (LIKE public.distributors_measure INCLUDING ALL) ON COMMIT DROP;
CREATE TEMP TABLE distributors_customerline (LIKE public.distributors_customerline INCLUDING ALL) ON COMMIT DROP;
CREATE TEMP TABLE distributors_customer (LIKE public.distributors_customer INCLUDING ALL) ON COMMIT DROP;
INSERT INTO pg_temp.distributors_customer SELECT * FROM public.distributors_customer;
UPDATE pg_temp.distributors_customer
SET orders = 0, spent = 0, first_order_on = NULL, last_order_on = NULL, usual_gap_days = NULL;
CREATE TEMP TABLE distributors_distributor (LIKE public.distributors_distributor INCLUDING ALL) ON COMMIT DROP;
INSERT INTO pg_temp.distributors_distributor SELECT * FROM public.distributors_distributor;
UPDATE pg_temp.distributors_distributor SET rank = '';
ANALYZE pg_temp.distributors_distributor;
"""

DROP = """
DROP TABLE pg_temp.distributors_orderline, pg_temp.distributors_order, pg_temp.distributors_measure,
    pg_temp.distributors_customer, pg_temp.distributors_customerline, pg_temp.distributors_distributor
"""

ORDER = "event_id, distributor_id, customer_id, time, day, amount, currency, is_repeat"
ORDERS = f"SELECT {ORDER} FROM {{schema}}.distributors_order"  # noqa: S608
LINES = """SELECT order_id, product_id, line_id, quantity, amount, count(*) AS n
    FROM {schema}.distributors_orderline GROUP BY 1, 2, 3, 4, 5"""
MEASURES = "SELECT distributor_id, metric, scope, day, value FROM {schema}.distributors_measure"
FOLDED = (
    "orders", "spent", "first_order_on", "last_order_on", "usual_gap_days", "kind", "allowed", "refused", "do_not_contact",
    "last_contact_at", "recent_contacts",
)  # fmt: skip
CUSTOMERS = f"SELECT id, {', '.join(FOLDED)} FROM {{schema}}.distributors_customer"  # noqa: S608

CUSTOMER_LINE = "customer_id, line_id, distributor_id, orders, last_on, product_id, price, amount"
CUSTOMER_LINES = f"SELECT {CUSTOMER_LINE} FROM {{schema}}.distributors_customerline"  # noqa: S608
RANKS = "SELECT id, rank FROM {schema}.distributors_distributor"


def differences(select: str, key: str) -> str:
    """The keys of rows that the two schemas do not share."""
    there, computed = select.format(schema="public"), select.format(schema="pg_temp")
    return f"""SELECT DISTINCT {key} FROM (
        (({there}) EXCEPT ({computed})) UNION ALL (({computed}) EXCEPT ({there}))) AS d"""  # noqa: S608


DIFFERENCES = (
    differences(ORDERS, "event_id"),
    differences(LINES, "order_id, product_id, line_id, quantity, amount"),
    differences(MEASURES, "distributor_id, metric, scope, day"),
    differences(CUSTOMERS, "id"),
    differences(CUSTOMER_LINES, "customer_id, line_id"),
    differences(RANKS, "id"),
)


def count(cursor: Any, keys: str) -> int:
    cursor.execute(f"SELECT count(*) FROM ({keys}) AS k")  # noqa: S608
    return int(cursor.fetchone()[0])


# Order lines are replaced order by order; a wrong order is replaced with its lines.
REPAIRS = (
    f"""CREATE TEMP TABLE pep_wrong_order ON COMMIT DROP AS
        SELECT event_id AS id FROM ({differences(ORDERS, "event_id")}) AS o
        UNION SELECT order_id FROM ({differences(LINES, "order_id")}) AS l""",  # noqa: S608
    "DELETE FROM public.distributors_orderline WHERE order_id IN (SELECT id FROM pep_wrong_order)",
    "DELETE FROM public.distributors_order WHERE event_id IN (SELECT id FROM pep_wrong_order)",
    f"""INSERT INTO public.distributors_order ({ORDER}) {ORDERS.format(schema="pg_temp")}
        WHERE event_id IN (SELECT id FROM pep_wrong_order)""",  # noqa: S608
    """INSERT INTO public.distributors_orderline (order_id, product_id, line_id, quantity, amount)
        SELECT order_id, product_id, line_id, quantity, amount FROM pg_temp.distributors_orderline
        WHERE order_id IN (SELECT id FROM pep_wrong_order)""",
    """DELETE FROM public.distributors_measure m WHERE NOT EXISTS (
        SELECT FROM pg_temp.distributors_measure c WHERE (c.distributor_id, c.metric, c.scope, c.day, c.value)
            = (m.distributor_id, m.metric, m.scope, m.day, m.value))""",
    """INSERT INTO public.distributors_measure (distributor_id, metric, scope, day, value)
        SELECT distributor_id, metric, scope, day, value FROM pg_temp.distributors_measure
        ON CONFLICT DO NOTHING""",
    f"""UPDATE public.distributors_customer c SET {", ".join(f"{name} = s.{name}" for name in FOLDED)}
        FROM pg_temp.distributors_customer s WHERE s.id = c.id AND c.id IN ({differences(CUSTOMERS, "id")})""",  # noqa: S608
    f"""DELETE FROM public.distributors_customerline b WHERE NOT EXISTS (
        SELECT FROM (({CUSTOMER_LINES.format(schema="public")}) INTERSECT ({CUSTOMER_LINES.format(schema="pg_temp")})) AS c
        WHERE (c.customer_id, c.line_id) = (b.customer_id, b.line_id))""",  # noqa: S608
    f"""INSERT INTO public.distributors_customerline ({CUSTOMER_LINE}) {CUSTOMER_LINES.format(schema="pg_temp")}
        ON CONFLICT DO NOTHING""",
    f"""UPDATE public.distributors_distributor d SET rank = s.rank
        FROM pg_temp.distributors_distributor s WHERE s.id = d.id AND d.id IN ({differences(RANKS, "id")})""",  # noqa: S608
)
