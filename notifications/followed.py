"""Of the notices that were due by a rule: how many she was told, and how many she has read.

A call becomes a notice when she opens a page while it is due and her week has room (ruled.py); until then nobody was told.
Of the same firings as the other steps on the rule's page (activities/rules/outcomes.py), and counted by firing as those are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from activities.rules.outcomes import MOST_FIRINGS, SINCE
from distributors.models import Market
from kpis.models import Rule


@dataclass(frozen=True)
class Followed:
    due: int
    told: int
    read: int
    open: int  # not told yet, and the days are not over


FOLLOWED = """
WITH fired AS MATERIALIZED (
    SELECT f.id FROM kpis_firing f
    WHERE f.rule_id = %(rule)s AND f.at >= %(since)s AND f.at <= %(now)s AND NOT f.held_back
    ORDER BY f.at DESC, f.id DESC LIMIT %(most)s
), due AS (
    SELECT c.firing_id, bool_or(n.id IS NOT NULL) AS told, bool_or(n.read_at <= %(now)s) AS read,
        bool_or(c.until >= t.day) AS open
    FROM fired JOIN kpis_call c ON c.firing_id = fired.id AND c.what = 'notice'
    JOIN distributors_distributor d ON d.id = c.to_id
    JOIN unnest(%(markets)s::bigint[], %(days)s::date[]) AS t(market, day) ON t.market = d.market_id
    LEFT JOIN notifications_notice n ON n.distributor_id = c.to_id AND n.key = 'call-' || c.id AND n.at <= %(now)s
    GROUP BY c.firing_id
)
SELECT count(*), count(*) FILTER (WHERE told), count(*) FILTER (WHERE read), count(*) FILTER (WHERE open AND NOT told)
FROM due
"""


def of(rule: Rule, as_of: datetime) -> Followed:
    """Two queries, however many people."""
    today: dict[int, date] = {market.pk: market.local_day(as_of) for market in Market.objects.order_by("pk")}
    asked: dict[str, Any] = {
        "rule": rule.pk, "since": as_of - timedelta(days=SINCE), "now": as_of, "most": MOST_FIRINGS,
        "markets": list(today), "days": list(today.values()),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(FOLLOWED, asked)
        return Followed(*cursor.fetchone())
