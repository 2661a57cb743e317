"""What is live: the campaigns that count now, for whom and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from distributors.models import Market
from distributors.wording import number

from .. import history, priorities, timeline
from ..board import Board, Plan
from ..models import PriorityVersion
from ..wording import listed


@dataclass(frozen=True)
class Live:
    """A campaign that counts now for some people of some markets."""

    plan: Plan
    version: PriorityVersion
    markets: list[Market]
    focus: str
    whom: str
    people: int | None  # None where several segments are asked before it
    since: date  # when this version took over
    today: date

    @property
    def until(self) -> date:
        return self.plan.campaign.ends_on

    @property
    def markets_said(self) -> str:
        return listed(self.markets)

    @property
    def whom_said(self) -> str:
        if self.people is None:
            return self.whom
        people = ngettext("%(n)s person", "%(n)s people", self.people) % {"n": number(self.people)}
        return _("%(whom)s, %(people)s") % {"whom": self.whom, "people": people}

    @property
    def since_said(self) -> str:
        said = _("Version %(number)d since %(day)s")
        return said % {"number": self.version.number, "day": history.day_said(self.since, self.today)}

    @property
    def until_said(self) -> str:
        left = (self.until - self.today).days
        until = history.day_said(self.until, self.today)
        if left <= 0:
            return _("ends today")
        return ngettext("to %(day)s, %(n)d day left", "to %(day)s, %(n)d days left", left) % {"day": until, "n": left}


def live_of(
    now: Board, markets: Sequence[Market], everybody: dict[int, int], as_of: datetime
) -> tuple[list[Live], list[Market]]:
    """What counts, markets with the same answer together, and the markets where nothing does. One query a segment.

    `everybody` is how many active people each market has, by id.
    """
    turnouts = timeline.turnout(now, markets, as_of)
    named = {campaign.segment for one in turnouts for campaign, _version in one.first} - {None}
    people = {None: everybody} | (timeline.people_by_segment(named, markets, as_of) if named else {})
    plans = {plan.campaign.pk: plan for plan in now.plans}
    found, without = [], []
    for one in turnouts:
        if not one.first:
            without += one.markets
        for at, (campaign, version) in enumerate(one.first):
            before = [earlier.segment_id for earlier, _version in one.first[:at]]
            found.append(live(plans[campaign.pk], version, one.markets, before, people, as_of))
    return found, without


def live(
    plan: Plan,
    version: PriorityVersion,
    markets: list[Market],
    before: Sequence[int | None],
    people: dict[int | None, dict[int, int]],
    as_of: datetime,
) -> Live:
    """`before` are the segments that are asked before it in these markets."""
    market, segment = markets[0], plan.campaign.segment
    about = [one for one in plan.priorities[version.pk] if one.kpi.market_id in {None, market.pk}]
    begins = max(plan.starts(market), plan.begins(version, market) or version.published_at)
    reached = sum(people[segment.pk if segment else None].get(one.pk, 0) for one in markets)
    if before and segment is None:
        reached -= sum(people[before[0]].get(one.pk, 0) for one in markets)
    exact = not before or (segment is None and len(before) == 1)
    return Live(
        plan=plan,
        version=version,
        markets=markets,
        focus=priorities.told(about, get_language() or "en").focus,
        whom=str(segment or (_("Everybody else") if before else _("Everybody"))),
        people=reached if exact else None,
        since=market.local_day(begins),
        today=market.local_day(as_of),
    )
