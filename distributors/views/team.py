"""An upline's direct recruits: progress toward goals, and who could use a call. Never a recruit's customers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from ..access import access
from ..goals import GoalState, states_of
from ..http import FieldRequest
from ..metrics import totals
from ..models import Distributor, Event, Goal, Role
from ..team import RecruitCare, recruits_needing_care
from ..wording import GoalLine, day_short, goal_line

#: More people to reach out to than this is a list, not a plan.
AT_MOST = 3


@dataclass(frozen=True)
class Member:
    recruit: Distributor
    line: GoalLine | None
    orders: int
    active: str


@dataclass(frozen=True)
class Care:
    recruit: Distributor
    line: str


@access(Role.LEADER)
@require_safe
def team(request: FieldRequest) -> HttpResponse:
    as_of = timezone.now()
    recruits = list(
        Distributor.objects.active().with_market().filter(sponsor=request.distributor).order_by("name", "pk")
    )
    members = members_of(recruits, request.distributor.local_day(as_of), as_of)
    care = [Care(one.recruit, care_line(one)) for one in recruits_needing_care(request.distributor, as_of=as_of)][
        :AT_MOST
    ]
    on_pace = sum(1 for member in members if member.line and not member.line.behind)
    with_goal = sum(1 for member in members if member.line)
    context = {
        "members": members, "care": care, "headline": headline(len(care)), "lede": lede(on_pace, with_goal), "tab": "team",
    }  # fmt: skip
    return render(request, "distributors/team.html", context)


def members_of(recruits: list[Distributor], today: date, as_of: datetime) -> list[Member]:
    """Furthest along first; those without a goal last. A handful of queries whatever the number of recruits."""
    ids, states = [recruit.pk for recruit in recruits], states_of(recruits, as_of=as_of)
    first, last = recruits[0].market.week_of(today) if recruits else (today, today)
    orders = totals(ids, "orders", "", first, last)
    seen = dict(
        Event.objects.filter(distributor_id__in=ids)
        .order_by("distributor_id", "-time")
        .distinct("distributor_id")
        .values_list("distributor_id", "day")
    )
    members = [
        Member(
            recruit,
            week_line(states.get(recruit.pk, [])),
            int(orders.get(recruit.pk, 0)),
            active(seen.get(recruit.pk), today),
        )
        for recruit in recruits
    ]
    return sorted(members, key=lambda member: -(member.line.percent if member.line else -1))


def week_line(states: list[GoalState]) -> GoalLine | None:
    weekly = next((state for state in states if state.goal.period == Goal.Period.WEEK), None)
    return goal_line(weekly, {}) if weekly else None


def active(day: date | None, today: date) -> str:
    if day is None:
        return _("Not yet")
    ago = (today - day).days
    return _("Today") if ago <= 0 else _("Yesterday") if ago == 1 else day_short(day)


def headline(n: int) -> str:
    if not n:
        return _("Your team is on its way")
    return ngettext("%(n)s person could use you today", "%(n)s people could use you today", n) % {"n": n}


def lede(on_pace: int, with_goal: int) -> str:
    if not with_goal:
        return _("Nobody in your team has set a weekly goal yet.")
    return ngettext(
        "%(n)s of %(all)s with a weekly goal is on pace.", "%(n)s of %(all)s with a weekly goal are on pace.", on_pace
    ) % {"n": on_pace, "all": with_goal}


def care_line(care: RecruitCare) -> str:
    days = int(str(care.facts.get("days_since_joined") or care.facts.get("days_since_order") or 0))
    if care.reason == "new_recruit":
        return ngettext("Joined %(n)s day ago, no order yet.", "Joined %(n)s days ago, no order yet.", days) % {
            "n": days
        }
    if not days:
        return _("Orders have stopped.")
    return ngettext("Last order %(n)s day ago.", "Last order %(n)s days ago.", days) % {"n": days}
