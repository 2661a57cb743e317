"""Who is compared with whom in a contest: written down once when it begins, then a few rows of an index for each page."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from distributors.metrics import totals
from distributors.models import Distributor

from .models import ContestEntry, Incentive

#: People are alike by their sales in the 12 weeks before a contest began.
BEFORE = timedelta(days=84)
#: A contest is among this many people.
CIRCLE = 12
#: So many places either way are read, because some of those people left since.
LOOK = 3 * CIRCLE

ENTER = """
INSERT INTO kpis_contestentry (contest_id, distributor_id, place, before)
SELECT %(contest)s, id, row_number() OVER (ORDER BY before, id), before
FROM (
    SELECT d.id, COALESCE(SUM(m.value), 0) AS before
    FROM distributors_distributor d
    LEFT JOIN distributors_measure m ON m.distributor_id = d.id AND m.metric = 'sales' AND m.scope = ''
        AND m.day BETWEEN %(first)s AND %(last)s
    WHERE d.market_id = %(market)s AND d.left_on IS NULL AND d.joined_on <= %(starts_on)s
    GROUP BY d.id
) AS one
ON CONFLICT DO NOTHING
"""


def enter_begun(as_of: datetime | None = None) -> None:
    """For the schedule: contests that have begun in their market and have no entries, so that no page has to wait for them."""
    now, failed = as_of or timezone.now(), []
    near = Q(starts_on__lte=now.date() + timedelta(days=1), ends_on__gte=now.date() - timedelta(days=1))
    waiting = Incentive.objects.filter(near, form=Incentive.Form.CONTEST).exclude(
        Exists(ContestEntry.objects.filter(contest=OuterRef("pk")))
    )
    for contest in waiting.select_related("market").order_by("starts_on", "pk"):
        if contest.starts_on <= contest.market.local_day(now) <= contest.ends_on:
            try:
                enter(contest)
            except Exception as error:  # of one contest: the others begin
                failed.append(error)
    if failed:
        raise ExceptionGroup("Some contests have no entries", failed)


@transaction.atomic
def enter(contest: Incentive) -> None:
    """Enter everybody active in its market who had joined when it began, by sales before it; nothing when that was done.

    The circle is fixed when the contest begins, so that nobody leaves it by selling: events that arrive later, for days
    before it too, change no entry. Who finds somebody at it leaves it to them: half a million take a dozen seconds, and
    not every page of those seconds should wait.
    """
    locked = Incentive.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=contest.pk).first()
    if locked is None or locked.entries.exists():
        return
    first, last = days_before(locked)
    asked: dict[str, int | date] = {
        "contest": locked.pk, "market": locked.market_id, "starts_on": locked.starts_on, "first": first, "last": last,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(ENTER, asked)
        # Of a contest that the planner has not heard of it would expect one row, and take any index for it.
        cursor.execute("ANALYZE kpis_contestentry")


def days_before(contest: Incentive) -> tuple[date, date]:
    return contest.starts_on - BEFORE, contest.starts_on - timedelta(days=1)


def similar_people(distributor: Distributor, contest: Incentive) -> list[Distributor]:
    """Herself and the up to 11 nearest by earlier sales who are still active; ties by place, the nearest first.

    2 queries, 4 when she joined later; the first page of a contest enters everybody if the schedule has not yet, and she
    is alone on the pages that are read meanwhile.
    """
    place, sold = standing(distributor, contest)
    around = ContestEntry.objects.filter(
        contest=contest,
        place__range=(int(place) - LOOK, int(place) + LOOK),
        distributor__market=contest.market_id,
        distributor__left_on=None,
    ).exclude(distributor=distributor)
    nearest = sorted(
        around.select_related("distributor"),
        key=lambda entry: (abs(entry.before - sold), abs(entry.place - place), entry.place),
    )
    return [distributor, *(entry.distributor for entry in nearest[: CIRCLE - 1])]


def standing(distributor: Distributor, contest: Incentive) -> tuple[float, Decimal]:
    """Her place and what she sold before. Without an entry, behind all who sold no more: where the last to join would be."""
    entries = ContestEntry.objects.filter(contest=contest)
    hers_and_first = entries.filter(Q(distributor=distributor) | Q(place=1))
    found = list(hers_and_first)
    if not found:
        enter(contest)
        found = list(hers_and_first.all())
    for entry in found:
        if entry.distributor_id == distributor.pk:
            return entry.place, entry.before
    sold = totals([distributor.pk], "sales", "", *days_before(contest)).get(distributor.pk, Decimal(0))
    below = entries.filter(before__lte=sold).order_by("-before", "-place").values_list("place", flat=True).first()
    return (below or 0) + 0.5, sold
