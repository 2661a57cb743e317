"""The headline of Today: the one number that matters now, and what would cover it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from django.contrib.humanize.templatetags.humanize import apnumber
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .goals import GoalState
from .models import Goal
from .wording import counted, day_short

NO_BREAK = "\u00a0"
#: More orders than this do not make a helpful sentence.
FEW = 9


@dataclass(frozen=True)
class DayLine:
    headline: str
    lede: str


def day_line(states: list[GoalState], *, due: int, average_order: Decimal | None) -> DayLine:
    """From her goals, how many customers are due, and her average order in her own currency (None: no orders yet)."""
    if not states:
        return DayLine(
            _("Start with one number"),
            _("Set a weekly goal and we will build today’s list around it. You can change it any time."),
        )
    open_goals = [state for state in states if not state.reached]
    if not open_goals:
        return DayLine(_("Your goals are reached"), all_reached(states, due))
    state = min(open_goals, key=lambda s: (s.days_left, -s.goal.weight))
    return DayLine(headline(state), " ".join(filter(None, [sentence(cover(state, average_order), due_clause(due))])))


def headline(state: GoalState) -> str:
    """$62.50 to go this week; the last two words stay together on a phone."""
    left = counted(state.left, state.goal.metric, state.currency)
    if state.days_left <= 1:
        said = _("%(left)s to go today") % {"left": left}
    elif state.goal.period == Goal.Period.WEEK:
        said = _("%(left)s to go this week") % {"left": left}
    elif state.goal.period == Goal.Period.MONTH:
        said = _("%(left)s to go in %(month)s") % {"left": left, "month": date_format(state.first, "F")}
    else:
        said = _("%(left)s to go by %(day)s") % {"left": left, "day": day_short(state.last)}
    return NO_BREAK.join(said.rsplit(" ", 1))


def cover(state: GoalState, average_order: Decimal | None) -> str:
    """Two average orders would cover it. Only of sales, and only when few do."""
    if state.goal.metric != "sales" or state.goal.scope or not average_order or average_order <= 0:
        return ""
    orders = int((state.left / average_order).to_integral_value(rounding=ROUND_CEILING))
    if orders > FEW:
        return ""
    return ngettext("%(number)s average order would cover it", "%(number)s average orders would cover it", orders) % {
        "number": capital(apnumber(orders))
    }


def due_clause(due: int) -> str:
    if not due:
        return ""
    return ngettext("%(number)s customer is due", "%(number)s customers are due", due) % {"number": apnumber(due)}


def sentence(cover: str, due: str) -> str:
    if cover and due:
        return _("%(cover)s, and %(due)s.") % {"cover": cover, "due": due}
    return f"{capital(cover or due)}." if cover or due else ""


def all_reached(states: list[GoalState], due: int) -> str:
    best = max(states, key=lambda s: s.percent)
    said = _("%(metric)s stands at %(percent)s%%.") % {"metric": best.metric.label, "percent": best.percent}
    return f"{said} {sentence('', due_clause(due))}".strip()


def capital(text: object) -> str:
    words = str(text)
    return words[:1].upper() + words[1:]
