"""What the field would see with weights that HQ considers: a panel of the console, and pages of their own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from distributors import looks
from distributors.access import HQ, access
from distributors.desk import page
from distributors.http import reader
from distributors.models import Distributor, Look
from distributors.wording import number, percent
from kpis import drafts, priorities, proposals
from kpis.models import Campaign
from kpis.proposals import Proposal
from kpis.views.sent import campaign_of

from ..evidence.slate_table import FIELD
from ..preview import concerns, lists, sampling
from ..preview import trial as previews
from ..preview.trial import EVERYBODY, FEW, Figures, Moved, Preview, Share, Total
from ..ranking.kernel import SLATE
from ..ranking.shelf import FALLBACK_LANGUAGE, Shelf

#: People who would get fewer than three, on the page that names them.
LISTED = 100


@access(HQ)
@require_safe
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """The weights of the query: `w<kpi>` points, `share` percent. Without any, the open draft's or what counts now."""
    campaign, as_of = campaign_of(pk), timezone.now()
    context: dict[str, Any] = {"title": _("What the field would see"), "campaign": campaign}
    status = 200
    try:
        proposal = asked(campaign, request)
    except ValidationError as problem:
        context["problem"], status = problem.messages[0], 422
    else:
        found = previews.of(proposal, as_of)
        context |= {"proposal": proposal, "share": int(proposal.own_goal_share * 100), **people(request, found)}
        context |= effects(found.figures, found.given.shelf)
        context["warnings"] = concerns.of(found.given, found.figures, found.crowd.spoken)
    return answer(request, "preview", context, status)


@access(HQ)
@require_safe
def few(request: HttpRequest, pk: int) -> HttpResponse:
    """Who would get fewer than three activities, of those that the preview looks at."""
    campaign, as_of = campaign_of(pk), timezone.now()
    context: dict[str, Any] = {"title": _("Fewer than three activities"), "campaign": campaign}
    try:
        proposal = asked(campaign, request)
    except ValidationError as problem:
        return page(request, "activities/desk/preview_few.html", context | {"problem": problem.messages[0]}, status=422)
    found = previews.of(proposal, as_of)
    many = dict(zip(found.crowd.people.ids.tolist(), found.found.after.many.tolist(), strict=True))
    named = Distributor.objects.with_market().in_bulk(found.few[:LISTED])
    context |= {
        "proposal": proposal,
        "few": [(named[pk], many[pk]) for pk in found.few[:LISTED] if pk in named],
        "how_many": how_many(found),
        "listed": LISTED if len(found.few) > LISTED else 0,
    }
    return page(request, "activities/desk/preview_few.html", context)


@access(HQ)
@require_safe
def everybody(request: HttpRequest, pk: int) -> HttpResponse:
    """The same figures counted over everybody, or of a sample where there are too many to count."""
    campaign, as_of = campaign_of(pk), timezone.now()
    context: dict[str, Any] = {"title": _("Counted for everybody"), "campaign": campaign}
    status = 200
    try:
        proposal = asked(campaign, request)
    except ValidationError as problem:
        context["problem"], status = problem.messages[0], 422
    else:
        context |= {"proposal": proposal, **counted(proposal, as_of)}
    return answer(request, "everybody", context, status)


def counted(proposal: Proposal, as_of: datetime) -> dict[str, Any]:
    began = time.perf_counter()
    given = previews.change(proposal, as_of)
    crowd = sampling.of(proposal.campaign, given.numbers, given.shelf, given.calendar, as_of)
    if crowd.total <= EVERYBODY:
        figures = previews.everybody(given)
    else:
        figures = Preview(given, crowd, previews.pair(crowd.people, given)).figures
    tenths = ceil(10 * (time.perf_counter() - began))
    return {
        **effects(figures, given.shelf),
        "warnings": concerns.of(given, figures, crowd.spoken),
        "took": _("It took %(seconds)s s.") % {"seconds": number_format(tenths / 10, 1)},
        "too_many": number(EVERYBODY) if crowd.total > EVERYBODY else "",
        "may_count": False,
    }


def asked(campaign: Campaign, request: HttpRequest) -> Proposal:
    """ValidationError, in one sentence, for what is no number."""
    given = {name: said for name, said in request.GET.dict().items() if name != "person"}
    if given:
        return proposals.read(campaign, given)
    draft = drafts.of(campaign)
    if draft is not None:
        return drafts.proposal(draft)
    return proposals.of_version(campaign, priorities.newest_version(campaign))


def answer(request: HttpRequest, name: str, context: dict[str, Any], status: int) -> HttpResponse:
    """The fragment for htmx, which swaps only what is well: there a wrong number is a sentence in place of the panel."""
    if request.headers.get("HX-Request") == "true":
        return render(request, f"activities/desk/_{name}.html", context)
    full = "preview_everybody" if name == "everybody" else name
    return page(request, f"activities/desk/{full}.html", context, status=status)


# One person


def people(request: HttpRequest, found: Preview) -> dict[str, Any]:
    """The sample people to choose from, and the lists of the one chosen: only of these, so that nobody is looked up here."""
    named = Distributor.objects.with_market().in_bulk(found.crowd.examples)
    some = [named[pk] for pk in found.crowd.examples if pk in named]
    if not some:
        return {"examples": []}
    chosen = next((one for one in some if str(one.pk) == request.GET.get("person")), some[0])
    looks.looked(chosen, by=reader(request), page=Look.Page.PREVIEW, as_of=found.given.as_of)
    return {"examples": some, "told": lists.told(chosen, found.given)}


# Figures in words


@dataclass(frozen=True)
class Effect:
    """A term, its figure, and smaller what belongs to it."""

    name: str
    figure: str
    aside: str = ""


def effects(found: Figures, shelf: Shelf) -> dict[str, Any]:
    return {
        "effects": [
            Effect(_("See a new first activity"), number(found.first.people), with_error(found.first)),
            Effect(_("Median list changes"), _("%(n)d of %(all)d") % {"n": found.median, "all": SLATE}),
            Effect(_("Messages a day"), signed(found.messages.more), aside(found.messages)),
            Effect(_("Customers waiting (caps)"), number(found.held.customers), within(found.held.error)),
        ],
        "basis": basis(found),
        "rising": [rise(one, shelf) for one in found.rising],
        "falling": [rise(one, shelf) for one in found.falling],
        "few": found.few.people,
        "least": FEW,
        "cap": cap(found),
        "total": found.total,
        "may_count": not found.whole and found.total <= EVERYBODY,
    }


def with_error(share: Share) -> str:
    """34% · 34% ± 1.3"""
    return f"{floored(share.share)} ± {points(share.error)}" if share.error else floored(share.share)


def aside(total: Total) -> str:
    """+8% · ± 210, +8%; less than one in a hundred is left out."""
    more = int(100 * total.share)
    error = [within(total.error)] if total.error else []
    return ", ".join([*error, *([_("%(n)s%%") % {"n": signed(more)}] if more else [])])


def within(error: int) -> str:
    return f"± {number(error)}" if error else ""


def basis(found: Figures) -> list[str]:
    """Computed over all 152 people. · From 5,000 of 100,000 people, ± 1.3 points."""
    said = {"seen": number(found.seen), "total": number(found.total), "points": points(found.first.error)}
    if not found.total:
        sentences = [_("Nobody belongs to this audience today.")]
    elif found.whole:
        sentences = [
            ngettext("Computed over %(total)s person.", "Computed over all %(total)s people.", found.total) % said
        ]
    else:
        sentences = [_("From %(seen)s of %(total)s people drawn by lot, ± %(points)s points.") % said]
    if found.waiting:
        sentences.append(
            ngettext(
                "Of %(n)s of them the newest facts are still to be read.",
                "Of %(n)s of them the newest facts are still to be read.",
                found.waiting,
            )
            % {"n": number(found.waiting)}
        )
    return sentences


def cap(found: Figures) -> str:
    """What contact caps do, whatever the weights, and what they let pass by design."""
    said = _(
        "Customers who wait are worth a message today, but have heard as lately or as often as their market allows: no"
        " weights put them on a list. One who left a basket open since may hear again sooner."
    )
    if not found.baskets.before and not found.baskets.after:
        return said
    counts = _("That is %(after)s a day with this draft, %(before)s now.")
    told = counts % {"after": number(found.baskets.after), "before": number(found.baskets.before)}
    return f"{said} {told}"


def rise(moved: Moved, shelf: Shelf) -> dict[str, str]:
    """An activity with the share of lists that have it, now and then; what its author leaves open left open."""
    text = shelf.text(shelf.index[moved.activity.pk], get_language() or FALLBACK_LANGUAGE)
    return {
        "title": FIELD.sub("…", text.title) if text else moved.activity.key,
        "before": floored(moved.before),
        "after": floored(moved.after),
    }


def how_many(found: Preview) -> str:
    """How many of those looked at: of a sample the page cannot name everybody."""
    n = len(found.few)
    said = {"n": number(n), "seen": number(found.figures.seen), "total": number(found.figures.total)}
    if not n:
        return _("All of the %(seen)s people looked at would get three activities or more.") % said
    if found.figures.whole:
        return (
            ngettext(
                "%(n)s person of %(total)s would get fewer than three activities.",
                "%(n)s people of %(total)s would get fewer than three activities.",
                n,
            )
            % said
        )
    return (
        ngettext(
            "Among %(seen)s people drawn by lot from %(total)s, %(n)s would get fewer than three activities.",
            "Among %(seen)s people drawn by lot from %(total)s, %(n)s would get fewer than three activities.",
            n,
        )
        % said
    )


def signed(n: int) -> str:
    """+1,940 · −3 · 0"""
    return ("+" if n > 0 else "−" if n < 0 else "") + number(abs(n))


def floored(share: float) -> str:
    """A share as whole percent, never rounded up; a hair of slack for .57 * 100."""
    return percent(int(100 * share + 1e-9))


def points(share: float) -> str:
    """Percentage points with one decimal, rounded up: an error is never told smaller than it is."""
    return number_format(-(-share * 1000 // 1) / 10, 1)
