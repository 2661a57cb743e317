"""What happens next by itself: a start, a scheduled version or an end, on each market's own clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from django.utils.translation import gettext as _

from distributors.models import Market

from .. import history
from ..board import Board, Plan
from ..wording import listed


@dataclass(frozen=True)
class Change:
    """The next thing that happens by itself."""

    at: datetime
    said: str


STARTS, TAKES_OVER, ENDS = range(3)


@dataclass(frozen=True, order=True)
class Ahead:
    """What a market's own clock will show: midnight of 1 October is one thing everywhere, though it comes at many instants."""

    on: date
    at: time
    kind: int  # a start is said before the end that it follows
    campaign: int
    version: int


def next_change(now: Board, markets: Sequence[Market], as_of: datetime) -> Change | None:
    """The next start, scheduled version or end anywhere."""
    ahead: dict[Ahead, list[tuple[datetime, Market]]] = {}
    for market in markets:
        for at, one in changes(now, market):
            if at > as_of:
                ahead.setdefault(one, []).append((at, market))
    if not ahead:
        return None
    at, first = min((min(at for at, _market in here), one) for one, here in ahead.items())
    here = [market for _at, market in ahead[first]]
    moment, today = history.Moment(at, first.on, first.at, everywhere=False), here[0].local_day(as_of)
    everywhere = {
        STARTS: _("%(when)s: %(campaign)s begins in all markets."),
        TAKES_OVER: _("%(when)s: version %(n)d of %(campaign)s takes over in all markets."),
        ENDS: _("%(when)s: %(campaign)s ends in all markets."),
    }
    somewhere = {
        STARTS: _("%(when)s: %(campaign)s begins in %(markets)s."),
        TAKES_OVER: _("%(when)s: version %(n)d of %(campaign)s takes over in %(markets)s."),
        ENDS: _("%(when)s: %(campaign)s ends in %(markets)s."),
    }
    said = (everywhere if len(here) == len(markets) else somewhere)[first.kind]
    return Change(
        at,
        said
        % {
            "when": moment.said_as_end(today) if first.kind == ENDS else moment.said(today),
            "campaign": next(plan.campaign for plan in now.plans if plan.campaign.pk == first.campaign),
            "n": first.version,
            "markets": listed(here),
        },
    )


def changes(now: Board, market: Market) -> Iterator[tuple[datetime, Ahead]]:
    def one(at: datetime, kind: int, plan: Plan, version: int = 0) -> tuple[datetime, Ahead]:
        local = at.astimezone(market.zone)
        return at, Ahead(local.date(), local.time(), kind, plan.campaign.pk, version)

    for plan in (plan for plan in now.plans if plan.is_for(market) and plan.versions):
        starts, ends = plan.starts(market), plan.ends(market)
        yield one(starts, STARTS, plan)
        for version in plan.versions:
            if (begins := plan.begins(version, market)) is not None and starts < begins < ends:
                yield one(begins, TAKES_OVER, plan, version.number)
        yield one(ends, ENDS, plan)
