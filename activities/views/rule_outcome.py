"""What followed a rule, on its page: a fragment that the page asks for, and a page of its own without script."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, isfinite
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from distributors.access import HQ, access
from distributors.desk import page
from distributors.money import format_money
from distributors.wording import number, percent, whole
from kpis.lift import LEAST_PEOPLE, LEAST_TEAMS, Lift, Verdict
from kpis.models import Rule

from ..rules import outcomes
from ..rules.counting import share_said
from ..rules.outcomes import DAYS, MOST_FIRINGS, SINCE, Compared, Next, Outcome, Steps
from .rule_check import nobody

#: Of the drawing's width, in percent: the zero line, and how far the longer end is from it.
MIDDLE, REACH = 50.0, 50.0


@access(HQ)
@require_safe
def rule_outcome(request: HttpRequest, pk: int) -> HttpResponse:
    rule = get_object_or_404(Rule, pk=pk)
    as_of = timezone.now()
    found = outcomes.of(rule, as_of)
    context: dict[str, Any] = {
        "title": _("What came of it"),
        "rule": rule,
        "soon": not found.steps.firings and rule.state == Rule.State.LIVE and not outcomes.looked_at(rule),
        "nobody": nobody(outcomes.without_anybody(rule, as_of)),
        **said(found),
    }
    if request.headers.get("HX-Request") == "true":
        return render(request, "activities/desk/_rule_outcome.html", context)
    return page(request, "activities/desk/rule_outcome.html", context)


def said(found: Outcome) -> dict[str, Any]:
    return {
        "steps": steps(found.steps),
        "fired": fired(found),
        "noticed": found.steps.noticed,
        "of": of_firings(found.steps),
        "days": DAYS,
        "next": [line for one in found.next for line in next_lines(one, coded=len(found.next) > 1)],
        "next_people": number(sum(one.people for one in found.next)),
        "sampled": found.sampled,
        "why": why(found.compared),
        "interval": interval(found.compared),
    }


def fired(found: Outcome) -> bool:
    """Ever, as far as it is known still: of what never fired nothing more is to be said."""
    sides = found.compared
    compared = bool(sides and sides.got[0] + sides.held_back[0] + sides.waiting)
    return bool(found.steps.firings or found.steps.held_back or found.next or compared)


@dataclass(frozen=True)
class Step:
    name: str
    figure: str
    aside: str = ""


def steps(found: Steps) -> list[Step]:
    """Fired, shown, done: those that the rule can have."""
    if not found.firings:
        return []
    people = ngettext("for %(n)s person", "for %(n)s people", found.people) % {"n": number(found.people)}
    told = [Step(_("Fired"), number(found.firings), people)]
    if found.noticed:
        told.append(Step(_("A notice was due"), number(found.noticed)))
    if found.called:
        told.append(Step(_("Shown in a list"), number(found.shown), share(found.shown, found.called)))
        waiting = ngettext("%(n)s still has time", "%(n)s still have time", found.open) % {"n": number(found.open)}
        waiting = waiting if found.open else ""
        told.append(
            Step(_("Done"), number(found.done), ", ".join(filter(None, [share(found.done, found.called), waiting])))
        )
    if found.held_back:
        told.append(Step(_("Held back"), number(found.held_back), _("nothing was done for them")))
    return told


def of_firings(found: Steps) -> str:
    if found.firings < MOST_FIRINGS:
        return _("The last %(n)s days") % {"n": SINCE}
    return _("The newest %(n)s firings") % {"n": number(MOST_FIRINGS)}


@dataclass(frozen=True)
class NextLine:
    name: str
    before: str
    after: str


def next_lines(one: Next, *, coded: bool) -> list[NextLine]:
    """Money in whole units of its currency, orders with a decimal: means a person."""
    sales = [format_money(whole(value), one.currency, get_language() or "en", coded=coded) for value in one.sales]
    orders = [number_format(floor(10 * value) / 10, 1) for value in one.orders]
    people = ngettext("%(n)s person", "%(n)s people", one.people) % {"n": number(one.people)}
    return [
        NextLine(_("Sales a person, %(people)s") % {"people": people}, *sales),
        NextLine(_("Orders a person, %(people)s") % {"people": people}, *orders),
    ]


# The comparison


def why(found: Compared | None) -> str:
    """Why there is no figure, in one sentence; empty when there is one."""
    if found is None:
        return _("It holds nobody back, so nothing tells what it changes. Hold some people back in its next version.")
    if not (found.got[0] + found.held_back[0] + found.waiting):
        return _("It has not fired since %(share)s are held back.") % {"share": percent(found.percent)}
    if found.day < DAYS or not (found.got[0] + found.held_back[0]):
        return _("Still running: day %(n)s of %(days)s. The comparison begins when the first %(days)s days are over.") % {
            "n": min(found.day, DAYS), "days": DAYS,
        }  # fmt: skip
    sides = {
        "got": number(found.got[0]), "held": number(found.held_back[0]), "got_teams": number(found.got[1]),
        "held_teams": number(found.held_back[1]), "people": LEAST_PEOPLE, "teams": LEAST_TEAMS,
        "share": percent(found.percent),
    }  # fmt: skip
    if found.odd:
        return (
            _(
                "No figure: the lot was to hold back %(share)s of the teams, and %(held_teams)s were held back beside"
                " %(got_teams)s that got it. Chance alone does that less than once in a thousand times."
            )
            % sides
        )
    if found.found is None:
        return _(
            "Too few for a figure yet. Got it: %(got)s. Held back: %(held)s. Each side needs %(people)s people in %(teams)s teams whose days are over."
        ) % {**sides, "got": people_and_teams(*found.got), "held": people_and_teams(*found.held_back)}
    if found.found.held_back <= 0 or not isfinite(found.found.half):
        return _("No figure: those held back sold nothing, so there is nothing to compare with.")
    return ""


@dataclass(frozen=True)
class Interval:
    """The difference in percent of what those held back made, as a row says and draws it."""

    found: Lift
    compared: Compared

    def relative(self, value: float) -> float:
        return 100 * value / self.found.held_back

    @property
    def low(self) -> float:
        """Outwards to a tenth, as the other end: a range is never told narrower than it is."""
        return floor(10 * self.relative(self.found.low)) / 10

    @property
    def high(self) -> float:
        return ceil(10 * self.relative(self.found.high)) / 10

    @property
    def detectable(self) -> str:
        return _("With these people it can show a change of %(share)s or more.") % {
            "share": tenths(ceil(10 * self.relative(self.found.detectable)) / 10)
        }

    @property
    def difference(self) -> str:
        return signed(self.relative(self.found.difference))

    @property
    def range(self) -> str:
        return _("%(low)s to %(high)s") % {"low": signed(self.low), "high": signed(self.high)}

    @property
    def clear(self) -> bool:
        """The range leaves out 0, as it is written."""
        return self.low > 0 or self.high < 0

    @property
    def verdict(self) -> str:
        if self.clear:
            return _("Up") if self.low > 0 else _("Down")
        if self.found.verdict is Verdict.NO_CHANGE:
            return _("No clear change")
        return _("Cannot tell yet")

    @property
    def sides(self) -> str:
        (got, got_teams), (held, held_teams) = self.compared.got, self.compared.held_back
        return _("%(got)s people in %(got_teams)s teams got it; %(held)s in %(held_teams)s were held back by lot.") % {
            "got": number(got), "got_teams": number(got_teams), "held": number(held), "held_teams": number(held_teams),
        }  # fmt: skip

    @property
    def waiting(self) -> str:
        many = self.compared.waiting
        if not many:
            return ""
        return ngettext(
            "The %(days)s days of %(n)s more person are not over.",
            "The %(days)s days of %(n)s more people are not over.",
            many,
        ) % {"n": number(many), "days": DAYS}

    @property
    def end(self) -> float:
        """How far the drawing reaches to either side, in percent."""
        return max(abs(self.low), abs(self.high), 1.0)

    @property
    def ends(self) -> tuple[str, str]:
        return signed(-self.end), signed(self.end)

    @property
    def bar(self) -> dict[str, str]:
        """Both bars and the dot, in percent of the drawing's width."""
        found = self.found
        low, high = self.at(found.low), self.at(found.high)
        inner_low, inner_high = self.at(found.difference - found.inner), self.at(found.difference + found.inner)
        drawn = {
            "low": low, "width": high - low, "inner": inner_low, "inner_width": inner_high - inner_low,
            "point": self.at(found.difference),
        }  # fmt: skip
        return {name: f"{value:.1f}%" for name, value in drawn.items()}

    def at(self, value: float) -> float:
        return MIDDLE + self.relative(value) / self.end * REACH


def interval(found: Compared | None) -> Interval | None:
    if found is None or found.found is None or why(found):
        return None
    return Interval(found.found, found)


def share(part: int, whole: int) -> str:
    """72%, floored; under 1%."""
    return share_said(part, whole)


def people_and_teams(people: int, teams: int) -> str:
    """30 people in 1 team."""
    return _("%(people)s in %(teams)s") % {
        "people": ngettext("%(n)s person", "%(n)s people", people) % {"n": number(people)},
        "teams": ngettext("%(n)s team", "%(n)s teams", teams) % {"n": number(teams)},
    }


def tenths(value: float) -> str:
    return _("%(n)s%%") % {"n": number_format(round(value, 1), 1)}


def signed(value: float) -> str:
    """+4.1% · −0.5% · 0.0%, with a real minus."""
    rounded = round(value, 1) + 0.0
    return ("+" if rounded > 0 else "−" if rounded < 0 else "") + tenths(abs(rounded))
