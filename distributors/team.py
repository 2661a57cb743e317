"""Her team: the downline of the sponsor tree, whom she may look at, and which recruits a word would help."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Max, Q, Sum

from .models import Distributor, Measure

#: A recruit's first days, in which a first order matters most; she is left to settle in for the first three.
FIRST_DAYS = 30
SETTLING_DAYS = 3
#: Quiet: nothing for four weeks after orders in the eight weeks before them.
QUIET_DAYS = 28
BEFORE_DAYS = 56

# UNION, not UNION ALL: a loop in the data ends by itself.
DOWNLINE = """
    WITH RECURSIVE team AS (
        SELECT id FROM distributors_distributor WHERE sponsor_id = %s
        UNION
        SELECT d.id FROM distributors_distributor d JOIN team ON d.sponsor_id = team.id
    )
    SELECT id FROM team WHERE id <> %s
"""
UPLINE = """
    WITH RECURSIVE line AS (
        SELECT sponsor_id FROM distributors_distributor WHERE id = %s
        UNION
        SELECT d.sponsor_id FROM distributors_distributor d JOIN line ON d.id = line.sponsor_id
    )
    SELECT EXISTS (SELECT 1 FROM line WHERE sponsor_id = %s)
"""


def downline_ids(distributor: Distributor) -> set[int]:
    """Everybody below her at any depth, those who left included; never herself. One query."""
    with connection.cursor() as cursor:
        cursor.execute(DOWNLINE, [distributor.pk, distributor.pk])
        return {pk for (pk,) in cursor.fetchall()}


def can_view(viewer: Distributor, other: Distributor) -> bool:
    """She sees herself and the performance of her downline. One query, as long as the line above `other`."""
    if viewer.pk == other.pk:
        return True
    with connection.cursor() as cursor:
        cursor.execute(UPLINE, [other.pk, viewer.pk])
        row = cursor.fetchone()
    return bool(row and row[0])


@dataclass(frozen=True)
class RecruitCare:
    recruit: Distributor
    reason: str  # new_recruit: joined lately, no order yet; quiet_recruit: ordered before, nothing for four weeks
    score: float  # 0 to 1, orders them against each other
    facts: dict[str, object] = field(default_factory=dict)


def recruits_needing_care(distributor: Distributor, *, as_of: datetime) -> list[RecruitCare]:
    """Direct recruits whom a word would help today, the most pressing first. 2 queries.

    New ones score .5 to .8 as their first 30 days run out; quiet ones .3 to .6 by how regularly they ordered before.
    """
    recruits = list(Distributor.objects.active().with_market().filter(sponsor=distributor).order_by("pk"))
    if not recruits:
        return []
    today = distributor.local_day(as_of)
    orders = orders_of([recruit.pk for recruit in recruits], today)
    found = [
        care
        for recruit in recruits
        if (care := new_recruit(recruit, today, orders) or quiet_recruit(recruit, today, orders)) is not None
    ]
    return sorted(found, key=lambda care: (-care.score, care.recruit.pk))


@dataclass(frozen=True)
class Orders:
    last_on: date
    before: Decimal  # in the eight weeks that ended four weeks ago


def orders_of(recruit_ids: list[int], today: date) -> dict[int, Orders]:
    """Recruits who ever ordered up to `today`."""
    quiet_since = today - timedelta(days=QUIET_DAYS)
    before = Q(day__lte=quiet_since, day__gt=quiet_since - timedelta(days=BEFORE_DAYS))
    rows = (
        Measure.objects.filter(distributor_id__in=recruit_ids, metric="orders", scope="", day__lte=today, value__gt=0)
        .values("distributor_id")
        .annotate(last_on=Max("day"), before=Sum("value", filter=before, default=Decimal(0)))
    )
    return {row["distributor_id"]: Orders(row["last_on"], row["before"]) for row in rows}


def new_recruit(recruit: Distributor, today: date, orders: dict[int, Orders]) -> RecruitCare | None:
    days = (today - recruit.joined_on).days
    if recruit.pk in orders or not SETTLING_DAYS <= days <= FIRST_DAYS:
        return None
    ends_on = recruit.joined_on + timedelta(days=FIRST_DAYS)
    facts = {"days_since_joined": days, "joined_on": recruit.joined_on, "first_days_end_on": ends_on, "orders": 0}
    return RecruitCare(recruit, "new_recruit", 0.5 + 0.3 * days / FIRST_DAYS, facts)


def quiet_recruit(recruit: Distributor, today: date, orders: dict[int, Orders]) -> RecruitCare | None:
    known = orders.get(recruit.pk)
    if known is None or known.before <= 0 or (today - known.last_on).days < QUIET_DAYS:
        return None
    regular = min(1.0, float(known.before) / (BEFORE_DAYS / 7))
    facts = {
        "days_since_order": (today - known.last_on).days,
        "last_order_on": known.last_on,
        "orders_before": int(known.before),
        "days_before": BEFORE_DAYS,
    }
    return RecruitCare(recruit, "quiet_recruit", 0.3 + 0.3 * regular, facts)
