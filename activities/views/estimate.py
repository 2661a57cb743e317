"""What logged lists say about weights that HQ considers: a fragment of the console, and a page of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from distributors.access import HQ, access
from distributors.desk import page
from distributors.wording import day_short, number, percent
from kpis import proposals
from kpis.models import KPI, Campaign
from kpis.proposals import Proposal

from ..evidence import off_policy_log
from ..evidence.off_policy_log import MOST, Answer, CannotSay

#: Width of the drawn range, and what of it stays empty at each end.
WIDE, EDGE = 320.0, 16.0
#: Less than this is rounding.
SAME = 1e-9


@access(HQ)
@require_safe
def estimate(request: HttpRequest, pk: int) -> HttpResponse:
    """With the weights of the query, or without one with those that were published last."""
    campaign = get_object_or_404(Campaign.objects.select_related("segment"), pk=pk)
    context: dict[str, Any] = {"title": _("What to expect"), "campaign": campaign}
    status = 200
    try:
        proposal = asked(campaign, request)
        context["considered"] = considered(proposal)
        context["lines"] = Lines(off_policy_log.answer(proposal, timezone.now()))
    except ValidationError as problem:
        context["problem"], status = problem.messages[0], 422
    except CannotSay as why:
        context["why"] = str(why)
    if request.headers.get("HX-Request") == "true":
        # The admin's htmx swaps what is well only, and the sentence belongs into the console.
        return render(request, "activities/desk/_estimate.html", context)
    return page(request, "activities/desk/estimate.html", context, status=status)


def asked(campaign: Campaign, request: HttpRequest) -> Proposal:
    if request.GET:
        return proposals.read(campaign, request.GET.dict())
    return proposals.of_version(campaign, campaign.versions.order_by("-number").first())


def considered(proposal: Proposal) -> str:
    """Repeat 40, Order size 25; own goals keep 60%."""
    names = dict(KPI.objects.filter(pk__in=proposal.weights).values_list("pk", "name"))
    heaviest = sorted(proposal.weights.items(), key=lambda one: (-one[1], one[0]))
    weights = [_("%(kpi)s %(points)d") % {"kpi": names[pk], "points": points} for pk, points in heaviest if pk in names]
    own = _("own goals keep %(share)s") % {"share": percent(int(proposal.own_goal_share * 100))}
    return "; ".join(filter(None, [", ".join(weights), own]))


@dataclass(frozen=True)
class Lines:
    """An answer as the page says it."""

    answer: Answer

    @property
    def days(self) -> str:
        return _("%(first)s to %(last)s") % {
            "first": day_short(self.answer.first),
            "last": day_short(self.answer.last),
        }

    @property
    def was(self) -> str:
        return figure(self.answer.found.was)

    @property
    def would_be(self) -> str:
        return figure(self.answer.found.would_be)

    @property
    def difference(self) -> str:
        return signed(self.answer.found.difference)

    @property
    def range(self) -> str:
        found = self.answer.found
        return _("%(low)s to %(high)s") % {"low": signed(found.low), "high": signed(found.high)}

    @property
    def effective(self) -> str:
        return number(int(self.answer.found.effective))

    @property
    def of_lists(self) -> str:
        found = self.answer.found
        lists = ngettext("%(n)s list", "%(n)s lists", found.lists) % {"n": number(found.lists)}
        people = ngettext("%(n)s person", "%(n)s people", found.people) % {"n": number(found.people)}
        return _("of %(lists)s, %(people)s") % {"lists": lists, "people": people}

    @property
    def same(self) -> bool:
        """These are the weights of then: there is nothing to compare."""
        found = self.answer.found
        return abs(found.difference) < SAME and found.error < SAME

    @property
    def done(self) -> str:
        found = self.answer.found
        said = {
            "cards": number(self.answer.cards),
            "was": number(round(found.was * found.lists)),
            "would_be": number(round(found.would_be * found.lists)),
        }
        if self.same:
            return _("Of %(cards)s cards shown, %(was)s were done.") % said
        return (
            _("Of %(cards)s cards shown, %(was)s were done. With these weights about %(would_be)s would have been.")
            % said
        )

    @property
    def clear(self) -> bool:
        """The range leaves out 0, as it is written."""
        found = self.answer.found
        return round(found.low, 2) > 0 or round(found.high, 2) < 0

    @property
    def verdict(self) -> str:
        if self.same:
            return _("Those lists were drawn with these weights. Move one to compare.")
        if not self.clear:
            return _("No clear difference: the range includes no change.")
        return (
            _("A rise that chance does not explain.")
            if self.answer.found.low > 0
            else _("A drop that chance does not explain.")
        )

    @cached_property
    def caveats(self) -> list[str]:
        found = []
        if (possible := int(100 * self.answer.possible)) < 100:
            found.append(
                _("%(share)s of the cards these weights draw could be on those lists; the rest is taken to do as well.")
                % {"share": percent(possible)}
            )
        if self.answer.left_out:
            said = ngettext(
                "%(n)s more list cannot be weighed again and is left out.",
                "%(n)s more lists cannot be weighed again and are left out.",
                self.answer.left_out,
            )
            found.append(said % {"n": number(self.answer.left_out)})
        if self.answer.capped:
            found.append(_("Only the newest %(n)s lists are read.") % {"n": number(MOST)})
        return found

    @cached_property
    def bar(self) -> dict[str, str]:
        """Where the range, the estimate and no difference are on a line of WIDE."""
        found = self.answer.found
        reach = max(abs(found.low), abs(found.high), 0.01)
        at = {
            name: WIDE / 2 + value / reach * (WIDE / 2 - EDGE)
            for name, value in (("low", found.low), ("point", found.difference), ("high", found.high))
        }
        return {name: f"{value:.1f}" for name, value in (at | {"width": max(2.0, at["high"] - at["low"])}).items()}


def figure(value: float) -> str:
    """Two decimals; number_format alone cuts digits off."""
    return number_format(round(value, 2) + 0.0, 2)


def signed(value: float) -> str:
    """+0.12 · −0.05 · 0.00, with a real minus."""
    rounded = round(value, 2) + 0.0
    return ("+" if rounded > 0 else "−" if rounded < 0 else "") + number_format(abs(rounded), 2)
