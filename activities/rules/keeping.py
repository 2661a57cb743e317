"""How long firings are kept: KEPT days, and of a rule that holds people back each one's first, as long as it is compared by.

Cooldowns look back a year at most, calls are open for a month at most, and the steps of the outcome page are counted over 90
days; what somebody did before a firing is in her measures. Only the comparison of who got a rule with who did not goes back
to where its share began (outcomes.py): without a first firing the next would stand in for it, and be another day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from kpis.definitions import COOLDOWN
from kpis.models import Call, Firing, Rule
from kpis.rule_effects import LONGEST_CALL

from .outcomes import share_of

#: Days: the longest cooldown, then the longest call, and some for the clocks of all markets. 400.
KEPT = COOLDOWN[1] + LONGEST_CALL + 5
#: Firings that go in one transaction.
BLOCK = 5_000

# After what the block before ended with, so that what stays is looked at once a night and not once a block.
OLD = """
SELECT f.id, f.at FROM kpis_firing f
WHERE f.rule_id = %(rule)s AND f.at < %(before)s AND (f.at, f.id) > (%(after)s, %(after_id)s)
  AND (%(since)s::timestamptz IS NULL OR f.at < %(since)s OR EXISTS (
    SELECT FROM kpis_firing e WHERE e.rule_id = f.rule_id AND e.distributor_id = f.distributor_id
      AND e.at >= %(since)s AND e.day < f.day))
ORDER BY f.at, f.id LIMIT %(block)s
"""


def tonight() -> None:
    """For the schedule, once a night."""
    forget_old(timezone.now())


def forget_old(as_of: datetime) -> int:
    """How many firings went, with what they asked. Each block is a transaction: killed in between, the next night goes on."""
    return sum(forget_of(rule, as_of) for rule in Rule.objects.order_by("pk"))


def forget_of(rule: Rule, as_of: datetime) -> int:
    share = share_of(rule)
    asked: dict[str, Any] = {
        "rule": rule.pk, "before": as_of - timedelta(days=KEPT), "since": share.since if share.percent else None,
        "after": datetime.min.replace(tzinfo=as_of.tzinfo), "after_id": 0, "block": BLOCK,
    }  # fmt: skip
    gone = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(OLD, asked)
            rows = cursor.fetchall()
        if not rows:
            return gone
        forget([pk for pk, _at in rows])
        gone += len(rows)
        asked["after_id"], asked["after"] = rows[-1]


@transaction.atomic
def forget(ids: list[int]) -> None:
    Call.objects.filter(firing__in=ids).delete()
    Firing.objects.filter(pk__in=ids).delete()
