"""Goals, days and due people in her language: the words that pages share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal

from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from .bars import SEGMENTS, PaceBar, pace_bar
from .goals import GoalState
from .metrics import METRICS, Unit
from .models import Goal, ProductLine
from .money import format_money


def day_long(day: date) -> str:
    """Thursday 27 August."""
    return date_format(day, pgettext("date format", "l j F"))


def day_short(day: date) -> str:
    """27 August."""
    return date_format(day, pgettext("date format", "j F"))


def said_day(day: date) -> str:
    """27 August 2026."""
    return date_format(day, pgettext("date format", "j F Y"))


def day_near(day: date, today: date) -> str:
    """27 August; of another year 27 August 2025."""
    return day_short(day) if day.year == today.year else said_day(day)


def said_at(at: datetime) -> str:
    """27 August 2026, 14:05, on the clock that `at` has."""
    return date_format(at, pgettext("date and time format", "j F Y, H:i"))


def said_short(at: datetime) -> str:
    """27 August, 14:05, on the clock that `at` has."""
    return date_format(at, pgettext("date and time format", "j F, H:i"))


def number(n: int) -> str:
    """1,250, with the reader's spacing."""
    return str(number_format(n, force_grouping=True))


def percent(floored: int) -> str:
    """75%, with the reader's spacing."""
    return _("%(n)s%%") % {"n": floored}


def amount(value: Decimal | float, metric: str, currency: str) -> str:
    """$62.50, or 3: a value of this metric without its noun."""
    if METRICS[metric].unit is Unit.MONEY:
        return format_money(Decimal(value), currency, get_language() or "en")
    return number_format(int(value))


def counted(value: Decimal | float, metric: str, currency: str) -> str:
    """$62.50, or 3 enrolments: a value of this metric that stands by itself."""
    if METRICS[metric].unit is Unit.MONEY:
        return amount(value, metric, currency)
    return METRICS[metric].counted(int(value))


def whole(value: Decimal) -> Decimal:
    """Floored to the unit: a lead or a gap is never overstated."""
    return value.to_integral_value(rounding=ROUND_FLOOR)


def line_names(codes: Iterable[str]) -> dict[str, str]:
    """Product line names by code; no query when nothing is scoped."""
    wanted = {code for code in codes if code}
    return dict(ProductLine.objects.filter(code__in=wanted).values_list("code", "name")) if wanted else {}


def metric_title(metric: str, scope: str, lines: dict[str, str]) -> str:
    """Sales, or Sales, Eye line."""
    label = str(METRICS[metric].label)
    return _("%(metric)s, %(line)s") % {"metric": label, "line": lines.get(scope, scope)} if scope else label


def goal_title(goal: Goal, first: date, last: date, lines: dict[str, str]) -> str:
    """Sales this week · Enrolments in August · Sales to 30 September."""
    metric = metric_title(goal.metric, goal.scope, lines)
    if goal.period == Goal.Period.WEEK:
        return _("%(metric)s this week") % {"metric": metric}
    if goal.period == Goal.Period.MONTH:
        return _("%(metric)s in %(month)s") % {"metric": metric, "month": date_format(first, "F")}
    return _("%(metric)s to %(day)s") % {"metric": metric, "day": day_short(last)}


@dataclass(frozen=True)
class GoalLine:
    """A goal as a page draws it."""

    state: GoalState
    title: str
    value: str
    target: str
    note: str  # $44 ahead of pace · 1 to go in 4 days
    behind: bool
    bar: PaceBar

    @property
    def percent(self) -> int:
        return self.state.percent

    @property
    def chance(self) -> int | None:
        return None if self.state.chance is None else int(self.state.chance * 100)


def goal_lines(states: list[GoalState]) -> list[GoalLine]:
    lines = line_names(state.goal.scope for state in states)
    return [goal_line(state, lines) for state in states]


def goal_line(state: GoalState, lines: dict[str, str]) -> GoalLine:
    goal, counts = state.goal, state.metric.unit is Unit.COUNT
    discrete = counts and state.target <= SEGMENTS and state.target == int(state.target)
    behind = not state.reached and state.expected is not None and state.value < state.expected
    return GoalLine(
        state,
        goal_title(goal, state.first, state.last, lines),
        amount(state.value, goal.metric, state.currency),
        amount(state.target, goal.metric, state.currency),
        pace_note(state, behind=behind),
        behind,
        pace_bar(state.value, state.target, state.expected, discrete=discrete),
    )


def pace_note(state: GoalState, *, behind: bool) -> str:
    if state.reached:
        return _("Reached")
    if state.expected is None:
        return _("%(left)s to go") % {"left": amount(state.left, state.goal.metric, state.currency)}
    if state.metric.unit is Unit.COUNT:
        return to_go_in(state)
    if state.days_left <= 1:
        # An even pace ends at the target: what she is behind is what is left, said as the day line says it.
        return _("%(left)s to go today") % {"left": amount(state.left, state.goal.metric, state.currency)}
    gap = whole(abs(state.value - state.expected))
    if gap < 1:
        return _("on pace")
    figure = format_money(gap, state.currency, get_language() or "en")
    return (_("%(gap)s behind pace") if behind else _("%(gap)s ahead of pace")) % {"gap": figure}


def to_go_in(state: GoalState) -> str:
    left = number_format(-int(-state.left))
    if state.days_left <= 1:
        return _("%(left)s to go today") % {"left": left}
    return ngettext("%(left)s to go in %(days)s day", "%(left)s to go in %(days)s days", state.days_left) % {
        "left": left,
        "days": state.days_left,
    }
