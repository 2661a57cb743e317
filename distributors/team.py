"""Her team: the downline of the sponsor tree, whom she may look at, and which recruits a word would help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Max, Q, Sum

from . import features
from .blocks import CALLED, REASONS, dues
from .models import Distributor, Measure
from .records import day_number
from .timing import BEFORE_DAYS, FIRST_DAYS, QUIET_RECRUIT, STOPPED_DAYS, Reason, care, reasons_in

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
    reason: str  # new_recruit: joined lately, no order yet; quiet_recruit: ordered before, nothing for four weeks; called: a rule says so
    score: float  # 0 to 1, orders them against each other
    facts: dict[str, object] = field(default_factory=dict)


def recruits_needing_care(distributor: Distributor, *, as_of: datetime) -> list[RecruitCare]:
    """Direct recruits whom a word would help today, the most pressing first. 3 queries."""
    recruits = features.of([distributor.pk])[distributor.pk].recruits
    out = dues(0, 0, len(recruits))
    found = reasons_in(out, 0, care(recruits, day_number(distributor.local_day(as_of)), 0, out))
    pressing = sorted(found, key=lambda one: (-one.score, one.person))
    return [told for told in care_details(distributor, pressing, as_of=as_of) if told is not None]


def care_details(distributor: Distributor, wanted: Sequence[Reason], *, as_of: datetime) -> list[RecruitCare | None]:
    """Reasons about recruits in full, in the order asked for; None for who is not her recruit any more.

    At most 2 queries.
    """
    if not wanted:
        return []
    today = distributor.local_day(as_of)
    mine = Distributor.objects.active().with_market().filter(sponsor=distributor)
    recruits = mine.in_bulk([one.person for one in wanted])
    orders = orders_of([one.person for one in wanted if one.code == QUIET_RECRUIT], today)
    told: list[RecruitCare | None] = []
    for one in wanted:
        recruit, known = recruits.get(one.person), orders.get(one.person)
        if recruit is None:
            told.append(None)
            continue
        if one.code == CALLED:
            told.append(RecruitCare(recruit, "called", one.score))
            continue
        facts = new_facts(recruit, today) if known is None else quiet_facts(known, today)
        told.append(RecruitCare(recruit, REASONS[one.code], one.score, facts))
    return told


@dataclass(frozen=True)
class Orders:
    last_on: date
    before: Decimal  # in the eight weeks that ended four weeks ago


def orders_of(recruit_ids: list[int], today: date) -> dict[int, Orders]:
    """Recruits who ever ordered up to `today`. At most one query."""
    if not recruit_ids:
        return {}
    quiet_since = today - timedelta(days=STOPPED_DAYS)
    before = Q(day__lte=quiet_since, day__gt=quiet_since - timedelta(days=BEFORE_DAYS))
    rows = (
        Measure.objects.filter(distributor_id__in=recruit_ids, metric="orders", scope="", day__lte=today, value__gt=0)
        .values("distributor_id")
        .annotate(last_on=Max("day"), before=Sum("value", filter=before, default=Decimal(0)))
    )
    return {row["distributor_id"]: Orders(row["last_on"], row["before"]) for row in rows}


def new_facts(recruit: Distributor, today: date) -> dict[str, object]:
    return {
        "days_since_joined": (today - recruit.joined_on).days,
        "joined_on": recruit.joined_on,
        "first_days_end_on": recruit.joined_on + timedelta(days=FIRST_DAYS),
        "orders": 0,
    }


def quiet_facts(known: Orders, today: date) -> dict[str, object]:
    return {
        "days_since_order": (today - known.last_on).days,
        "last_order_on": known.last_on,
        "orders_before": int(known.before),
        "days_before": BEFORE_DAYS,
    }
