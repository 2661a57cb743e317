"""Events -> orders, measures, customers' order columns and the lines they bought, their consents and when they heard from
her, ranks: the one definition, for one event and for a million.

`fold(ids)` runs in the transaction that stored those events, with their distributors locked. Every statement is
set-based and states *what is true of all stored events* minus *what was true without the new ones*, so the order of
arrival cannot matter: a late order takes "first order" away from a later one, a refund may come before its order.

Measures by the local day they belong to:
  sales            + orders on the order's day, - refunds on the refund's own day; by product line from the lines
  orders           one per order; by product line one per order that holds the line
  repeat_orders    orders of a customer who ordered (bought the line) before, by (time, source, external id)
  new_customers    her customers' first orders (first of the line)
  enrolments       of the sponsor, on the day in the sponsor's market
  contacts_added   one per customer, on the day of her first contact.added
  active_days      1 on a day with a sign-in
  activities_done  completions that were not taken back; lessons_done likewise, and lesson.completed
A day whose sum is 0 has no row.

A distributor's rank is that of her newest rank.reached, by (time, source, external id). So is consent, channel by channel:
the newest consent.changed that names the channel, or all of them, counts; who refused every channel is not contacted.
A sender may date an event ahead of time: such a word on consent counts from when it was received, so that it does not beat
what she says in between. What is dated in the past, which is all that may arrive late, counts by its time alone.

A contact is a contact.made, or a completion about a customer that did not close itself, that was not taken back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.db import connection

from .models import CHANNELS, EVERY_CHANNEL

ORDERS = """
INSERT INTO distributors_order (event_id, distributor_id, customer_id, time, day, amount, currency, is_repeat)
SELECT id, distributor_id, customer_id, time, day, (data->>'amount')::numeric, data->>'currency', false
FROM distributors_event WHERE id = ANY(%(ids)s::bigint[]) AND type = 'order.placed'
"""

# A line's own product line wins; without one, the catalogue's. Materialized: how many lines an event has is beyond the
# planner, and joined within the loop over events it would read the catalogue once for each of them.
SAID = """
said AS MATERIALIZED (
    SELECT e.id, e.type, e.distributor_id, e.day, l.n, l.sku, l.line, coalesce(l.quantity, 1) AS quantity, l.amount
    FROM distributors_event e
    CROSS JOIN LATERAL ROWS FROM (
        jsonb_to_recordset(e.data->'lines') AS (sku text, quantity numeric, amount numeric, line text)
    ) WITH ORDINALITY AS l(sku, quantity, amount, line, n)
    WHERE e.id = ANY(%(ids)s::bigint[]) AND e.type IN ('order.placed', 'order.refunded') AND e.data ? 'lines'
), lines AS (
    SELECT s.*, p.id AS product_id, coalesce(named.id, p.line_id) AS line_id
    FROM said s JOIN distributors_product p ON p.sku = s.sku
    LEFT JOIN distributors_productline named ON named.code = s.line
)"""

ORDER_LINES = f"""
WITH {SAID}
INSERT INTO distributors_orderline (order_id, product_id, line_id, quantity, amount)
SELECT id, product_id, line_id, quantity, amount FROM lines WHERE type = 'order.placed' ORDER BY id, n
"""  # noqa: S608

# The history of every customer with a new order: which order was her first (of each line), now and before.
HISTORY = """
touched AS (
    SELECT DISTINCT customer_id FROM distributors_order WHERE event_id = ANY(%(ids)s::bigint[])
), placed AS MATERIALIZED (
    SELECT o.event_id, o.customer_id, o.distributor_id, o.day, o.is_repeat, o.event_id = ANY(%(ids)s::bigint[]) AS fresh,
           row_number() OVER (PARTITION BY o.customer_id ORDER BY o.time, e.source, e.external_id) AS nth
    FROM touched JOIN distributors_order o USING (customer_id) JOIN distributors_event e ON e.id = o.event_id
), scoped AS (
    SELECT event_id, customer_id, distributor_id, day, fresh, nth, 0::bigint AS line_id FROM placed
    UNION ALL
    SELECT DISTINCT p.event_id, p.customer_id, p.distributor_id, p.day, p.fresh, p.nth, l.line_id
    FROM placed p JOIN distributors_orderline l ON l.order_id = p.event_id
), ranked AS (
    SELECT distributor_id, day, fresh, line_id,
           nth = min(nth) OVER history AS first_now,
           nth = min(nth) FILTER (WHERE NOT fresh) OVER history AS first_before
    FROM scoped WINDOW history AS (PARTITION BY customer_id, line_id)
), marked AS (
    UPDATE distributors_order o SET is_repeat = p.nth > 1
    FROM placed p WHERE o.event_id = p.event_id AND p.is_repeat <> (p.nth > 1)
), counted AS (
    SELECT r.distributor_id, c.metric, coalesce(l.code, '') AS scope, r.day, sum(c.value) AS value
    FROM ranked r LEFT JOIN distributors_productline l ON l.id = r.line_id
    CROSS JOIN LATERAL (VALUES
        ('orders', r.fresh::int),
        ('new_customers', r.first_now::int - CASE WHEN r.fresh THEN 0 ELSE r.first_before::int END),
        ('repeat_orders', (NOT r.first_now)::int - CASE WHEN r.fresh THEN 0 ELSE (NOT r.first_before)::int END)
    ) AS c(metric, value)
    WHERE c.value <> 0
    GROUP BY 1, 2, 3, 4
)"""

COUNTED = "SELECT distributor_id, metric, scope, day, value FROM counted"

SALES = """
SELECT distributor_id, 'sales', '', day, amount FROM distributors_order WHERE event_id = ANY(%(ids)s::bigint[])
UNION ALL
SELECT o.distributor_id, 'sales', l.code, o.day, ol.amount
FROM distributors_order o JOIN distributors_orderline ol ON ol.order_id = o.event_id
JOIN distributors_productline l ON l.id = ol.line_id WHERE o.event_id = ANY(%(ids)s::bigint[])
"""

REFUNDS = """
SELECT distributor_id, 'sales', '', day, -(data->>'amount')::numeric
FROM distributors_event WHERE id = ANY(%(ids)s::bigint[]) AND type = 'order.refunded'
UNION ALL
SELECT r.distributor_id, 'sales', l.code, r.day, -r.amount
FROM lines r JOIN distributors_productline l ON l.id = r.line_id WHERE r.type = 'order.refunded'
"""

ENROLMENTS = """
SELECT s.id, 'enrolments', '', (e.time AT TIME ZONE m.time_zone)::date, 1
FROM distributors_event e JOIN distributors_distributor s ON s.external_id = e.data->>'sponsor'
JOIN distributors_market m ON m.id = s.market_id
WHERE e.id = ANY(%(ids)s::bigint[]) AND e.type = 'distributor.enrolled'
"""

CONTACTS = """
SELECT distributor_id, 'contacts_added', '', day,
       (nth = first_now)::int - CASE WHEN fresh THEN 0 ELSE (nth = first_before)::int END
FROM (
    SELECT *, min(nth) OVER (PARTITION BY customer_id) AS first_now,
           min(nth) FILTER (WHERE NOT fresh) OVER (PARTITION BY customer_id) AS first_before
    FROM (
        SELECT e.distributor_id, e.customer_id, e.day, e.id = ANY(%(ids)s::bigint[]) AS fresh,
               row_number() OVER (PARTITION BY e.customer_id ORDER BY e.time, e.source, e.external_id) AS nth
        FROM distributors_event e WHERE e.type = 'contact.added' AND e.customer_id IN (
            SELECT customer_id FROM distributors_event WHERE id = ANY(%(ids)s::bigint[]) AND type = 'contact.added')
    ) AS added
) AS ranked
"""

ACTIVE_DAYS = """
SELECT DISTINCT e.distributor_id, 'active_days', '', e.day, 1
FROM distributors_event e
WHERE e.id = ANY(%(ids)s::bigint[]) AND e.type = 'distributor.signed_in' AND NOT EXISTS (
    SELECT FROM distributors_measure m
    WHERE m.distributor_id = e.distributor_id AND m.metric = 'active_days' AND m.scope = '' AND m.day = e.day)
"""

# A completion counts on its own day unless an undo names it, whichever of the two came first.
COMPLETIONS = """
SELECT c.distributor_id, m.metric, '', c.day,
       (NOT undone.now)::int - CASE WHEN c.fresh THEN 0 ELSE (NOT undone.before)::int END
FROM (
    SELECT id, source, external_id, distributor_id, day, data->>'form' AS form, true AS fresh
    FROM distributors_event WHERE id = ANY(%(ids)s::bigint[]) AND type = 'activity.completed'
    UNION
    SELECT c.id, c.source, c.external_id, c.distributor_id, c.day, c.data->>'form', c.id = ANY(%(ids)s::bigint[])
    FROM distributors_event u JOIN distributors_event c ON c.source = u.source
        AND c.external_id = u.data->>'undoes' AND c.distributor_id = u.distributor_id AND c.type = 'activity.completed'
    WHERE u.id = ANY(%(ids)s::bigint[]) AND u.type = 'activity.undone'
) AS c
CROSS JOIN LATERAL (
    SELECT count(*) > 0 AS now, count(*) FILTER (WHERE u.id <> ALL(%(ids)s::bigint[])) > 0 AS before
    FROM distributors_event u WHERE u.type = 'activity.undone' AND u.distributor_id = c.distributor_id
        AND u.data->>'undoes' = c.external_id AND u.source = c.source
) AS undone
CROSS JOIN LATERAL (VALUES ('activities_done', true), ('lessons_done', c.form = 'lesson')) AS m(metric, counts)
WHERE m.counts
"""

LESSONS = """
SELECT distributor_id, 'lessons_done', '', day, 1
FROM distributors_event WHERE id = ANY(%(ids)s::bigint[]) AND type = 'lesson.completed'
"""

#: The named subqueries that a contribution reads.
NEEDS = {COUNTED: HISTORY, REFUNDS: SAID}

#: What each event type adds to measures.
CONTRIBUTIONS: dict[str, tuple[str, ...]] = {
    "order.placed": (SALES, COUNTED),
    "order.refunded": (REFUNDS,),
    "distributor.enrolled": (ENROLMENTS,),
    "distributor.signed_in": (ACTIVE_DAYS,),
    "contact.added": (CONTACTS,),
    "activity.completed": (COMPLETIONS,),
    "activity.undone": (COMPLETIONS,),
    "lesson.completed": (LESSONS,),
}

ADD = """
, added AS (
    INSERT INTO distributors_measure AS m (distributor_id, metric, scope, day, value)
    SELECT distributor_id, metric, scope, day, %(sign)s * sum(value)
    FROM changes GROUP BY 1, 2, 3, 4 HAVING sum(value) <> 0 ORDER BY 1, 2, 3, 4
    ON CONFLICT (distributor_id, metric, scope, day) DO UPDATE SET value = m.value + excluded.value
    RETURNING id, value
)
SELECT array_agg(id) FROM added WHERE value = 0
"""

CUSTOMERS = """
WITH touched AS (
    SELECT DISTINCT customer_id FROM distributors_order WHERE event_id = ANY(%(ids)s::bigint[])
), placed AS MATERIALIZED (
    SELECT customer_id, o.day, o.amount FROM touched JOIN distributors_order o USING (customer_id)
), totals AS (
    SELECT customer_id, count(*) AS orders, sum(amount) AS spent, min(day) AS first_on, max(day) AS last_on
    FROM placed GROUP BY 1
), gaps AS (
    SELECT customer_id, day - lag(day) OVER (PARTITION BY customer_id ORDER BY day) AS gap
    FROM (SELECT DISTINCT customer_id, day FROM placed) AS days
), usual AS (
    SELECT customer_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) AS gap FROM gaps GROUP BY 1
)
UPDATE distributors_customer c
SET orders = t.orders, spent = t.spent, first_order_on = t.first_on, last_order_on = t.last_on,
    usual_gap_days = u.gap, kind = 'customer'
FROM totals t JOIN usual u USING (customer_id) WHERE c.id = t.customer_id
"""

# What a customer bought of each line, from her new orders and what was known. Of two main products the same one wins
# whichever came first: the later day, one that is used up, the dearest, and so on to the last column.
CUSTOMER_LINES = """
WITH fresh AS (
    SELECT o.customer_id, l.line_id, o.distributor_id, o.event_id, o.day, l.product_id, l.amount,
           round(l.amount / nullif(l.quantity, 0), 2) AS price
    FROM distributors_order o JOIN distributors_orderline l ON l.order_id = o.event_id
    WHERE o.event_id = ANY(%(ids)s::bigint[]) AND o.customer_id IS NOT NULL
), counted AS (
    SELECT customer_id, line_id, distributor_id, count(DISTINCT event_id) AS orders FROM fresh GROUP BY 1, 2, 3
), bought AS (
    SELECT customer_id, line_id, day, product_id, amount, price FROM fresh
    UNION ALL
    SELECT b.customer_id, b.line_id, b.last_on, b.product_id, b.amount, b.price
    FROM counted JOIN distributors_customerline b USING (customer_id, line_id)
), main AS (
    SELECT DISTINCT ON (b.customer_id, b.line_id) b.customer_id, b.line_id, b.day, b.product_id, b.amount, b.price
    FROM bought b JOIN distributors_product p ON p.id = b.product_id
    ORDER BY b.customer_id, b.line_id, b.day DESC, p.lasts_days IS NULL, b.amount DESC, p.id, b.price DESC NULLS LAST
)
INSERT INTO distributors_customerline AS b (customer_id, line_id, distributor_id, orders, last_on, product_id, price, amount)
SELECT customer_id, line_id, c.distributor_id, c.orders, m.day, m.product_id, m.price, m.amount
FROM counted c JOIN main m USING (customer_id, line_id) ORDER BY 1, 2
ON CONFLICT (customer_id, line_id) DO UPDATE
SET orders = b.orders + excluded.orders, last_on = excluded.last_on, product_id = excluded.product_id,
    price = excluded.price, amount = excluded.amount
"""

# Of all that is stored about whom the new events name: of each channel the newest word.
CONSENTS = f"""
WITH touched AS (
    SELECT DISTINCT customer_id FROM distributors_event
    WHERE id = ANY(%(ids)s::bigint[]) AND type = 'consent.changed' AND customer_id IS NOT NULL
), newest AS (
    SELECT DISTINCT ON (customer_id, c.bit) customer_id, c.bit, e.data->>'state' AS state
    FROM touched JOIN distributors_event e USING (customer_id)
    JOIN (VALUES {", ".join(f"('{name}', {bit})" for name, bit in CHANNELS.items())}) AS c(name, bit)
         ON e.data->>'channel' IN (c.name, 'all')
    WHERE e.type = 'consent.changed'
    ORDER BY customer_id, c.bit, least(e.time, e.received_at) DESC, e.time DESC, e.source DESC, e.external_id DESC
), said AS (
    SELECT customer_id, coalesce(sum(bit) FILTER (WHERE state = 'given'), 0) AS allowed,
           coalesce(sum(bit) FILTER (WHERE state = 'withdrawn'), 0) AS refused
    FROM newest GROUP BY 1
)
UPDATE distributors_customer c
SET allowed = s.allowed, refused = s.refused,
    do_not_contact = s.refused = {EVERY_CHANNEL} OR c.merged_into_id IS NOT NULL OR c.erased_at IS NOT NULL
FROM said s WHERE c.id = s.customer_id
"""  # noqa: S608

#: SQL: whether event `e` says that a customer heard from her.
A_CONTACT = """e.customer_id IS NOT NULL
    AND (e.type = 'contact.made' OR e.type = 'activity.completed' AND NOT e.data ? 'closed_by')"""

#: SQL: whether a contact `e` was taken back. The undo of a completion need not name the customer (see COMPLETIONS).
TAKEN_BACK = """CASE e.type
    WHEN 'contact.made' THEN EXISTS (
        SELECT FROM distributors_event u WHERE u.customer_id = e.customer_id AND u.type = 'contact.undone'
            AND u.data->>'undoes' = e.external_id AND u.source = e.source)
    ELSE EXISTS (
        SELECT FROM distributors_event u WHERE u.type = 'activity.undone' AND u.distributor_id = e.distributor_id
            AND u.data->>'undoes' = e.external_id AND u.source = e.source)
    END"""

# Whose contacts the new events add to or take back, whichever of the two came first; then the newest four that stand.
RECENT_CONTACTS = f"""
WITH touched AS (
    SELECT e.customer_id FROM distributors_event e WHERE e.id = ANY(%(ids)s::bigint[]) AND {A_CONTACT}
    UNION
    SELECT e.customer_id FROM distributors_event u
    JOIN distributors_event e ON e.source = u.source AND e.external_id = u.data->>'undoes'
         AND e.distributor_id = u.distributor_id AND {A_CONTACT}
    WHERE u.id = ANY(%(ids)s::bigint[]) AND u.type IN ('contact.undone', 'activity.undone')
), recent AS (
    SELECT t.customer_id, ARRAY(
        SELECT e.time FROM distributors_event e WHERE e.customer_id = t.customer_id AND {A_CONTACT} AND NOT {TAKEN_BACK}
        ORDER BY e.time DESC LIMIT 4) AS times
    FROM touched t
)
UPDATE distributors_customer c SET recent_contacts = r.times, last_contact_at = r.times[1]
FROM recent r WHERE c.id = r.customer_id AND (c.recent_contacts, c.last_contact_at) IS DISTINCT FROM (r.times, r.times[1])
"""  # noqa: S608

#: Types that add a contact or take one back.
OF_CONTACTS = {"contact.made", "contact.undone", "activity.completed", "activity.undone"}

# Of all her stored events, not of the new ones: a late event does not take away what she reached after it.
RANKS = """
UPDATE distributors_distributor d SET rank = newest.rank
FROM (
    SELECT DISTINCT distributor_id FROM distributors_event WHERE id = ANY(%(ids)s::bigint[]) AND type = 'rank.reached'
) AS who
CROSS JOIN LATERAL (
    SELECT e.data->>'rank' AS rank FROM distributors_event e
    WHERE e.distributor_id = who.distributor_id AND e.type = 'rank.reached'
    ORDER BY e.time DESC, e.source DESC, e.external_id DESC LIMIT 1
) AS newest
WHERE d.id = who.distributor_id AND d.rank <> newest.rank
"""


def fold(ids: Sequence[int], types: Collection[str]) -> None:
    """Count the stored events `ids`, whose types are among `types`, into everything derived from events."""
    if not ids:
        return
    params = {"ids": list(ids)}
    with connection.cursor() as cursor:
        if "order.placed" in types:
            cursor.execute(ORDERS, params)
            cursor.execute(ORDER_LINES, params)
        add_measures(cursor, params, types)
        if "order.placed" in types:
            cursor.execute(CUSTOMERS, params)
            cursor.execute(CUSTOMER_LINES, params)
        if "consent.changed" in types:
            cursor.execute(CONSENTS, params)
        if OF_CONTACTS & set(types):
            cursor.execute(RECENT_CONTACTS, params)
        if "rank.reached" in types:
            cursor.execute(RANKS, params)


def count_people(ids: Sequence[int], *, sign: int) -> None:
    """Add (`sign` 1) or take off (-1) what these events count because they are of one person: first orders, repeat orders,
    contacts added. `ids` has to be all orders and contact.added events of some customers."""
    with connection.cursor() as cursor:
        add(cursor, {"ids": list(ids), "sign": sign}, [COUNTED, CONTACTS])


def fold_person(customer_id: int) -> None:
    """Fold her columns again from all of her events, which came to her from another row. Measures: count_people."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(array_agg(id), '{}') FROM distributors_event WHERE customer_id = %s", [customer_id]
        )
        params = {"ids": cursor.fetchone()[0]}
        cursor.execute("DELETE FROM distributors_customerline WHERE customer_id = %s", [customer_id])
        for statement in (CUSTOMERS, CUSTOMER_LINES, CONSENTS, RECENT_CONTACTS):
            cursor.execute(statement, params)


def add_measures(cursor: Any, params: dict[str, list[int]], types: Collection[str]) -> None:
    parts = list(dict.fromkeys(part for name in CONTRIBUTIONS if name in types for part in CONTRIBUTIONS[name]))
    if parts:
        add(cursor, {**params, "sign": 1}, parts)


def add(cursor: Any, params: dict[str, Any], parts: Sequence[str]) -> None:
    named = [NEEDS[part] for part in parts if part in NEEDS]
    named.append("changes (distributor_id, metric, scope, day, value) AS (" + " UNION ALL ".join(parts) + ")")
    cursor.execute(f"WITH {', '.join(named)} {ADD}", params)
    (zeros,) = cursor.fetchone()
    if zeros:
        cursor.execute("DELETE FROM distributors_measure WHERE id = ANY(%s)", [zeros])
