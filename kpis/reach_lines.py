"""Awards and contests in her words: the panels beside Today and the page of terms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from distributors.bars import PaceBar, pace_bar
from distributors.models import Distributor
from distributors.wording import amount, counted, day_long, day_short, line_names, metric_title, percent

from .incentives import NEAR, STRETCH, Neighbour, Reach, Standing, contest_neighbours, running, standings, within_reach
from .models import Incentive


@dataclass(frozen=True)
class ReachLine:
    key: int
    title: str  # $200 to the watch
    standing: str  # $2,800 of $3,000 · Q3 Challenge
    closes: str  # Closes 30 September, about $41 a week
    bar: PaceBar


@dataclass(frozen=True)
class ContestRow:
    place: int | None
    name: str
    value: str
    me: bool


@dataclass(frozen=True)
class ContestLine:
    key: int
    name: str
    ends: str
    rows: list[ContestRow]
    note: str


def beside_today(distributor: Distributor, *, as_of: datetime) -> dict[str, Any]:
    """At most one award and one contest: the nearest of each."""
    today = distributor.local_day(as_of)
    reaches = within_reach(distributor, as_of=as_of)[:1]
    contests = [
        contest_line(contest, distributor, as_of) for contest in running(distributor, Incentive.Form.CONTEST, today)[:1]
    ]
    return {
        "reaches": [reach_line(reach, distributor, as_of) for reach in reaches],
        "contests": [c for c in contests if c],
    }


def reach_line(reach: Reach, distributor: Distributor, as_of: datetime) -> ReachLine:
    award, currency = reach.incentive, distributor.market.currency
    figures = {
        "value": amount(reach.value, award.metric, currency),
        "threshold": amount(reach.threshold, award.metric, currency),
        "name": award.name,
    }
    return ReachLine(
        award.pk,
        _("%(left)s to %(prize)s") % {"left": counted(reach.left, award.metric, currency), "prize": reach.tier_prize},
        _("%(value)s of %(threshold)s · %(name)s") % figures,
        closes(reach, currency, distributor, as_of),
        pace_bar(reach.value, reach.threshold, even_pace(reach, distributor, as_of), discrete=False),
    )


def even_pace(reach: Reach, distributor: Distributor, as_of: datetime) -> Any:
    """Where the tier's amount would be today if it came evenly over the award's days."""
    first, last, today = reach.incentive.starts_on, reach.last, distributor.local_day(as_of)
    return reach.threshold * ((today - first).days + 1) / ((last - first).days + 1)


def closes(reach: Reach, currency: str, distributor: Distributor, as_of: datetime) -> str:
    day = day_short(reach.last)
    if reach.last - distributor.local_day(as_of) < timedelta(days=7):
        return _("Closes %(day)s") % {"day": day}
    return _("Closes %(day)s, about %(amount)s a week") % {
        "day": day, "amount": counted(reach.per_week, reach.incentive.metric, currency),
    }  # fmt: skip


def contest_line(contest: Incentive, distributor: Distributor, as_of: datetime) -> ContestLine | None:
    near = contest_neighbours(distributor, contest, as_of=as_of)
    if not near:
        return None
    currency, today = distributor.market.currency, distributor.local_day(as_of)
    soon = contest.ends_on - today < timedelta(days=7)
    rows = [
        ContestRow(row.place, row.distributor.name, amount(row.value, contest.metric, currency), row.is_me)
        for row in near
    ]
    ends = _("Ends today") if contest.ends_on == today else _("Ends %(day)s") % {
        "day": day_long(contest.ends_on) if soon else day_short(contest.ends_on),
    }  # fmt: skip
    return ContestLine(contest.pk, contest.name, ends, rows, contest_note(contest, near, currency))


def contest_note(contest: Incentive, near: list[Neighbour], currency: str) -> str:
    """What is counted, and how far the next place is."""
    what = metric_title(contest.metric, contest.scope, line_names([contest.scope]))
    me = next(n for n, row in enumerate(near) if row.is_me)
    group = _("%(what)s, among people with sales like yours.") % {"what": what}
    above = near[me - 1] if me else None
    if above is None:
        return group
    gap = above.value - near[me].value
    if gap <= 0:
        return _("%(group)s You are level with %(name)s.") % {"group": group, "name": above.distributor.given_name}
    return _("%(group)s %(gap)s more draws you level with %(name)s.") % {
        "group": group, "gap": counted(gap, contest.metric, currency), "name": above.distributor.given_name,
    }  # fmt: skip


@dataclass(frozen=True)
class TierLine:
    amount: str
    prize: str
    reached: bool


@dataclass(frozen=True)
class TermsLine:
    """An award or contest with its terms, whether it is near or not."""

    incentive: Incentive
    reach: ReachLine | None  # to the next tier
    is_near: bool
    contest: ContestLine | None
    tiers: list[TierLine]
    runs: str


def all_terms(distributor: Distributor, *, as_of: datetime) -> list[TermsLine]:
    today = distributor.local_day(as_of)
    awards = [award_terms(one, distributor, as_of) for one in standings(distributor, as_of=as_of)]
    contests = [
        TermsLine(one, None, False, contest_line(one, distributor, as_of), [], runs(one))
        for one in running(distributor, Incentive.Form.CONTEST, today)
    ]
    return [*awards, *contests]


def award_terms(one: Standing, distributor: Distributor, as_of: datetime) -> TermsLine:
    award, currency = one.incentive, distributor.market.currency
    tiers = [
        TierLine(counted(tier.threshold, award.metric, currency), tier.prize, one.value >= tier.threshold)
        for tier in award.tiers.all()
    ]
    reach = reach_line(one.reach, distributor, as_of) if one.reach else None
    return TermsLine(award, reach, one.is_near, None, tiers, runs(award))


def runs(incentive: Incentive) -> str:
    return _("%(first)s to %(last)s") % {
        "first": day_short(incentive.starts_on), "last": day_short(incentive.ends_on),
    }  # fmt: skip


def rule_of_reach() -> str:
    """What "within reach" means (incentives.is_within_reach)."""
    return _(
        "A prize is within reach, and on Today, when it takes at most %(more)s more than your usual week or %(made)s of it is"
        " made."
    ) % {"more": percent(int((STRETCH - 1) * 100)), "made": percent(NEAR)}
