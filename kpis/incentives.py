"""What she is about to win: live progress to the next tier, and her neighbours in a contest.

A prize is within reach when what is left of its next tier takes at most STRETCH times her usual week of the last 12, in the
days that are left; or when nine tenths of it are made, whatever her pace. Only such a one stands beside Today; the page of
awards tells how far each of them is, and which tiers are reached.

In a contest who has made nothing has no place yet, and nobody sees any before five people have one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from django.db.models import QuerySet

from distributors.metrics import METRICS, How, totals
from distributors.models import Distributor
from distributors.remainders import Ask, values

from .circles import similar_people
from .models import Incentive, IncentiveTier

#: Her pace is what she made in the last 12 weeks.
PACE_DAYS = 84
#: Within reach: at a quarter more than her pace, or with this share (percent) of it already made.
STRETCH = Decimal("1.25")
NEAR = 90
#: Places are not shown of fewer people than this.
SMALLEST = 5


@dataclass(frozen=True)
class Reach:
    incentive: Incentive
    tier_prize: str
    value: Decimal
    threshold: Decimal
    left: Decimal
    last: date
    percent: int  # floored
    per_week: Decimal  # what is left, spread over the weeks left; all of it in the last week


@dataclass(frozen=True)
class Standing:
    """Where she stands in one award."""

    incentive: Incentive
    value: Decimal
    reach: Reach | None  # to the next tier; None when all are reached
    is_near: bool  # that tier is within reach

    @property
    def nearness(self) -> tuple[int, date, int]:
        """Sorts the nearest first."""
        percent = self.reach.percent if self.reach else 0
        return -percent, self.incentive.ends_on, self.incentive.pk


@dataclass(frozen=True)
class Neighbour:
    """A row of the strip: the place above, herself, the place below."""

    place: int | None  # ties share a place; who has made nothing has none
    distributor: Distributor
    value: Decimal
    is_me: bool


def running(distributor: Distributor, form: str, day: date) -> QuerySet[Incentive]:
    return Incentive.objects.filter(
        market_id=distributor.market_id, form=form, starts_on__lte=day, ends_on__gte=day
    ).order_by("ends_on", "pk")


def standings(distributor: Distributor, *, as_of: datetime) -> list[Standing]:
    """Each running award, in the order of `running`.

    3 queries: awards, tiers, sums (one more sums query for each kind of metric that does not add up).
    """
    today = distributor.local_day(as_of)
    awards = list(running(distributor, Incentive.Form.AWARD, today).prefetch_related("tiers"))
    since = today - timedelta(days=PACE_DAYS)
    asks = [
        ask
        for award in awards
        for ask in (
            Ask(distributor.pk, award.metric, award.scope, award.starts_on, award.ends_on),
            Ask(distributor.pk, award.metric, award.scope, since, today - timedelta(days=1)),
        )
    ]
    sums = values(asks)
    found = []
    for award, value, pace in zip(awards, sums[::2], sums[1::2], strict=True):
        reach = next_tier(award, value, today)
        near = reach is not None and is_within_reach(reach, pace, today)
        found.append(Standing(award, value, reach, near))
    return found


def within_reach(distributor: Distributor, *, as_of: datetime) -> list[Reach]:
    """The next tier of each running award when it is within reach, the nearest first. Queries: `standings`."""
    near = [one for one in standings(distributor, as_of=as_of) if one.is_near]
    return [one.reach for one in sorted(near, key=lambda one: one.nearness) if one.reach]


def next_tier(award: Incentive, value: Decimal, today: date) -> Reach | None:
    """The lowest tier not reached yet; None when all are."""
    tier: IncentiveTier | None = next((tier for tier in award.tiers.all() if tier.threshold > value), None)
    if tier is None:
        return None
    left, weeks = tier.threshold - value, Decimal((award.ends_on - today).days + 1) / 7
    return Reach(
        incentive=award,
        tier_prize=tier.prize,
        value=value,
        threshold=tier.threshold,
        left=left,
        last=award.ends_on,
        percent=max(0, int(value * 100 // tier.threshold)),
        per_week=(left / max(Decimal(1), weeks)).quantize(Decimal(1), rounding=ROUND_CEILING),
    )


def is_within_reach(reach: Reach, pace: Decimal, today: date) -> bool:
    """`pace` is what she made in the 12 weeks before today; a ratio does not add up, so only nearness counts."""
    if reach.percent >= NEAR:
        return True
    if METRICS[reach.incentive.metric].how is How.RATIO:
        return False
    days = (reach.last - today).days + 1
    return reach.left <= pace / PACE_DAYS * days * STRETCH


def contest_neighbours(distributor: Distributor, contest: Incentive, *, as_of: datetime) -> list[Neighbour]:
    """The place above her, herself and the place below among the people most like her; without a place, she comes last.

    Empty while fewer than 5 of them have made anything. 3 queries, whatever the size of her market; 5 for who joined later;
    one more when the metric is a ratio.
    """
    people = similar_people(distributor, contest)
    if len(people) < SMALLEST:
        return []
    made = totals([p.pk for p in people], contest.metric, contest.scope, contest.starts_on, contest.ends_on)
    placed = sorted(
        (p for p in people if made.get(p.pk, Decimal(0)) > 0), key=lambda p: (-made[p.pk], p.pk != distributor.pk, p.pk)
    )
    if len(placed) < SMALLEST:
        return []
    amounts = [made[p.pk] for p in placed]
    rows = [Neighbour(amounts.index(made[p.pk]) + 1, p, made[p.pk], p.pk == distributor.pk) for p in placed]
    if distributor not in placed:
        rows.append(Neighbour(None, distributor, made.get(distributor.pk, Decimal(0)), True))
    me = next(n for n, row in enumerate(rows) if row.is_me)
    return rows[max(0, me - 1) : me + 2]
