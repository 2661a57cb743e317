"""What a result followed: of all that she did about a person, the newest before it (last touch, within the days of its activity).

Touches  a to-do about a customer or recruit that she did herself; one that she began and whose result closed it, as of when she
         began; a message that she says she sent (it and the to-do it was written from are one touch).
Results  a customer's order or reply; a prospect's enrolment; the first order of a recruit, for a to-do about the recruit.

A card that was only shown and whose result came closes itself (closing.py) and credits nobody: she did nothing. A card of one
product line takes orders that hold the line; others fall to the touch before. An order between two people's touches (hers about
her customer, her sponsor's about her first order) goes to the newer one: an event is credited once.

Which credits there should be is a function of what is stored, whatever order it arrived in, and whatever was taken back since.
What is written is the difference. A credit says what came after what. It is never used as the effect of doing something: people
order anyway, and those who do a to-do sell more with or without it. Effects are learned from showings drawn by lot (evidence/effects.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

#: The longest that Activity.credit_days may be.
LONGEST = timedelta(days=90)
#: Results older than this are history: what they are credited to stays.
LOOKED_BACK = timedelta(days=90)
#: Two settling at once take turns, by the distributor whose event it is. Chosen at random, and how many of them there are.
CREDITING, TURNS = 1_804_273_551, 64

# A contact of hers is the one who enrolled when the event names the contact; else when the names are the same.
ENROLLED = """
    SELECT e.id AS event_id, s.sponsor_id, coalesce(c.merged_into_id, c.id) AS customer_id
    FROM distributors_distributor s JOIN distributors_event e ON e.id = s.enrolled_by_id
    JOIN distributors_customer c ON c.distributor_id = s.sponsor_id AND CASE
        WHEN coalesce(e.data->>'contact', '') <> '' THEN c.external_id = e.data->>'contact'
        ELSE lower(c.name) = lower(s.name) AND c.merged_into_id IS NULL END
    WHERE s.sponsor_id = ANY(%(ids)s::bigint[]) AND e.time > %(since)s
"""

# `until` is the last local day on which a result counts. A message went when she opened it in her app: "Sent it? Yes" may come
# hours later, with an order in between; of one she wrote days before she sent it, the last day counts. `recruit`: those whose first order may be somebody's result here.
TOUCHES = """
recruit AS (
    SELECT recruit_id AS id FROM activities_action
    WHERE distributor_id = ANY(%(ids)s::bigint[]) AND at > %(earliest)s AND recruit_id IS NOT NULL
    UNION SELECT recruit_id FROM activities_action WHERE recruit_id = ANY(%(ids)s::bigint[]) AND at > %(earliest)s
), person AS (
    SELECT unnest(%(ids)s::bigint[]) AS id
    UNION SELECT id FROM recruit
    UNION SELECT d.sponsor_id FROM recruit r JOIN distributors_distributor d ON d.id = r.id WHERE d.sponsor_id IS NOT NULL
), touch AS MATERIALIZED (
    SELECT a.distributor_id AS whose, coalesce('c' || a.customer_id, 'r' || a.recruit_id) AS about, coalesce(s.at, a.at) AS at,
           coalesce(s.day, a.day) + v.credit_days AS until, v.line_id, a.id AS action_id, NULL::bigint AS outreach_id
    FROM person p JOIN activities_action a ON a.distributor_id = p.id JOIN activities_activity v ON v.id = a.activity_id
    LEFT JOIN LATERAL (
        SELECT b.at, b.day FROM activities_action b
        WHERE a.closed_by_id IS NOT NULL AND b.distributor_id = a.distributor_id AND b.activity_id = a.activity_id
          AND b.about_key = a.about_key AND b.kind = 'start' AND b.undone_at IS NULL AND b.at <= a.at
          AND b.at > a.at - INTERVAL '14 days'
        ORDER BY b.at DESC LIMIT 1
    ) s ON true
    WHERE a.kind = 'done' AND a.undone_at IS NULL AND a.at > %(earliest)s AND coalesce(a.customer_id, a.recruit_id) IS NOT NULL
      AND (a.closed_by_id IS NULL OR s.at IS NOT NULL)
      AND NOT EXISTS (SELECT FROM activities_outreach o WHERE o.action_id = a.id AND o.state = 'sent')
    UNION ALL
    SELECT o.distributor_id, 'c' || o.customer_id, greatest(o.opened_at, o.sent_at - INTERVAL '1 day'), o.waits_until, v.line_id, o.action_id, o.id
    FROM person p JOIN activities_outreach o ON o.distributor_id = p.id
    LEFT JOIN activities_activity v ON v.id = o.activity_id LEFT JOIN activities_action a ON a.id = o.action_id
    WHERE o.state = 'sent' AND o.sent_at > %(earliest)s AND a.undone_at IS NULL
)"""

RESULTS = f"""
first_order AS (
    SELECT r.id AS recruit_id, d.sponsor_id, f.* FROM recruit r JOIN distributors_distributor d ON d.id = r.id
    CROSS JOIN LATERAL (
        SELECT o.event_id, o.time, o.customer_id FROM distributors_order o JOIN distributors_event e ON e.id = o.event_id
        WHERE o.distributor_id = r.id ORDER BY o.day, o.time, e.source, e.external_id LIMIT 1
    ) f
    WHERE f.time > %(since)s
), result AS (
    SELECT e.id AS event_id, e.distributor_id AS of_id, e.time, CASE e.type WHEN 'order.placed' THEN 'order' ELSE 'reply' END AS kind,
           e.distributor_id AS whose, 'c' || e.customer_id AS about
    FROM distributors_event e
    WHERE e.distributor_id = ANY(%(ids)s::bigint[]) AND e.time > %(since)s AND e.customer_id IS NOT NULL
      AND e.type IN ('order.placed', 'contact.replied')
    UNION SELECT event_id, recruit_id, time, 'order', sponsor_id, 'r' || recruit_id FROM first_order
    UNION SELECT event_id, recruit_id, time, 'order', recruit_id, 'c' || customer_id FROM first_order WHERE customer_id IS NOT NULL
    UNION SELECT n.event_id, e.distributor_id, e.time, 'enrolment', n.sponsor_id, 'c' || n.customer_id
    FROM ({ENROLLED}) n JOIN distributors_event e ON e.id = n.event_id
)"""  # noqa: S608

RIGHT = f"""
{TOUCHES}, {RESULTS}, wanted AS (
    SELECT DISTINCT ON (r.event_id) r.event_id, r.of_id, r.kind, r.time, t.whose, t.at, t.action_id, t.outreach_id
    FROM result r JOIN touch t ON t.whose = r.whose AND t.about = r.about
    JOIN distributors_distributor d ON d.id = t.whose JOIN distributors_market m ON m.id = d.market_id
    WHERE t.at <= r.time AND (r.time AT TIME ZONE m.time_zone)::date <= t.until
      AND (t.line_id IS NULL OR r.kind <> 'order' OR EXISTS (
          SELECT FROM distributors_orderline l WHERE l.order_id = r.event_id AND l.line_id = t.line_id))
    ORDER BY r.event_id, t.at DESC, t.outreach_id DESC NULLS LAST, t.action_id DESC
), there AS (
    SELECT c.* FROM activities_credit c WHERE c.distributor_id = ANY(%(ids)s::bigint[]) AND c.at > %(since)s
    UNION SELECT c.* FROM activities_credit c JOIN wanted w ON w.event_id = c.event_id
)"""  # noqa: S608

#: Of whose events a credit is missing, wrong or no longer right.
DIFFERING = f"""
WITH {RIGHT}
SELECT DISTINCT coalesce(w.of_id, e.distributor_id) FROM wanted w FULL JOIN there c ON c.event_id = w.event_id
LEFT JOIN distributors_event e ON e.id = c.event_id
WHERE (c.distributor_id, c.kind, c.action_id, c.outreach_id, c.touched_at, c.at)
    IS DISTINCT FROM (w.whose, w.kind, w.action_id, w.outreach_id, w.at, w.time)
"""  # noqa: S608

#: Deletes what is no longer right, writes the rest; the events concerned.
WRITE = f"""
WITH {RIGHT}, gone AS (
    DELETE FROM activities_credit c USING there t
    WHERE t.id = c.id AND NOT EXISTS (SELECT FROM wanted w WHERE w.event_id = c.event_id)
)
INSERT INTO activities_credit AS c (event_id, distributor_id, kind, action_id, outreach_id, touched_at, at)
SELECT event_id, whose, kind, action_id, outreach_id, at, time FROM wanted w
WHERE NOT EXISTS (
    SELECT FROM there t WHERE t.event_id = w.event_id AND (t.distributor_id, t.kind, t.action_id, t.outreach_id, t.touched_at, t.at)
        IS NOT DISTINCT FROM (w.whose, w.kind, w.action_id, w.outreach_id, w.at, w.time))
ORDER BY event_id
ON CONFLICT (event_id) DO UPDATE SET distributor_id = excluded.distributor_id, kind = excluded.kind, action_id = excluded.action_id,
    outreach_id = excluded.outreach_id, touched_at = excluded.touched_at, at = excluded.at
RETURNING event_id
"""  # noqa: S608


def credit(distributor_ids: Iterable[int], *, as_of: datetime, since: datetime | None = None) -> list[int]:
    """Make the credits of these people's results what they should be; the events newly or otherwise credited.

    Results after `since` (three months before `as_of`) are looked at. Idempotent; one query when nothing is to be changed.
    """
    ids = sorted(set(distributor_ids))
    if not ids:
        return []
    since = since or as_of - LOOKED_BACK
    asked: dict[str, Any] = {"ids": ids, "since": since, "earliest": since - LONGEST - timedelta(days=1)}
    with connection.cursor() as cursor:
        cursor.execute(DIFFERING, asked)
        whose = [pk for (pk,) in cursor.fetchall()]
    return write(whose, asked) if whose else []


def enrolled_contacts(sponsor_ids: Iterable[int], since: datetime) -> dict[int, set[int]]:
    """By the event of an enrolment after `since`: which contacts of the sponsor's it was."""
    found: dict[int, set[int]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(ENROLLED, {"ids": sorted(set(sponsor_ids)), "since": since})
        for event_id, _sponsor, customer_id in cursor.fetchall():
            found[event_id].add(customer_id)
    return found


@transaction.atomic
def write(whose: list[int], asked: dict[str, Any]) -> list[int]:
    """In turn, and looked at again after the wait: of two at once the later one knows what the other has seen."""
    turns = sorted({pk % TURNS for pk in whose})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, turn) FROM unnest(%s::int[]) AS turn", [CREDITING, turns])
        cursor.execute(WRITE, asked)
        return [pk for (pk,) in cursor.fetchall()]
