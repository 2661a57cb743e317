"""Where HQ moves the weights of a campaign: what is entered is kept as a draft until somebody reviews and publishes it."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from distributors.access import EDITORS, HQ, access
from distributors.desk import page
from distributors.http import SeeOther, reader
from distributors.models import Role

from .. import console as consoles
from .. import drafts, proposals, reviewing
from ..console import Console, Entered
from ..drafts import DraftConflict
from ..models import Campaign, PriorityDraft
from ..priorities import LONGEST_REASON
from ..proposals import Proposal
from .sent import campaign_of, seen_in


@access(HQ)
@require_safe
def priorities(request: HttpRequest) -> HttpResponse:
    """To the console of the campaign that matters now."""
    campaign = consoles.that_matters(timezone.now())
    if campaign is not None:
        return redirect("console", campaign.pk)
    return page(request, "kpis/desk/no_campaign.html", {"title": _("Priorities"), "may_edit": may_edit(request)})


@access(HQ)
@require_safe
def console(request: HttpRequest, pk: int) -> HttpResponse:
    return shown(request, consoles.of(campaign_of(pk), timezone.now()))


@access(EDITORS)
@require_POST
def draft_save(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what is entered. With `?next=review` it goes on to the review."""
    campaign, entered, as_of = campaign_of(pk), consoles.read(request.POST), timezone.now()
    reviews = request.GET.get("next") == "review"
    try:
        draft = save(request, campaign, entered, only_changes=reviews)
    except DraftConflict as conflict:
        found = consoles.of(campaign, as_of, entered=entered)
        return shown(request, found, problems=conflict.messages, status=409)
    except ValidationError as problem:
        found = consoles.of(campaign, as_of, entered=entered, looked_at=seen_in(request.POST))
        return shown(request, found, problems=problem.messages, status=422)
    if reviews:
        return SeeOther(reverse("review", args=[pk]))
    messages.success(request, saved_said(draft))
    return SeeOther(reverse("console", args=[pk]))


@access(EDITORS)
@require_POST
def draft_discard(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        drafts.discard(campaign=campaign_of(pk), seen=seen_in(request.POST), by=reader(request))
    except ValidationError as problem:
        for message in problem.messages:
            messages.error(request, message)
    else:
        messages.success(request, _("The draft is gone. What counts now stays as it is."))
    return SeeOther(reverse("console", args=[pk]))


def save(request: HttpRequest, campaign: Campaign, entered: Entered, *, only_changes: bool) -> PriorityDraft:
    """Reason and start belong to the review, and stay what they were.

    `only_changes` leaves alone a draft that says the same already: who goes on to the review of somebody else's draft
    does not take it over, nor out of review.
    """
    before, proposal, seen = drafts.of(campaign), proposals.read(campaign, request.POST), seen_in(request.POST)
    if only_changes and before is not None and before.revision == seen.revision and says(before, proposal):
        return before
    return drafts.save(
        proposal=proposal,
        locked=sorted(entered.locked),
        reason=before.reason if before else "",
        starts=drafts.starts_of(before) if before else None,
        seen=seen,
        by=reader(request),
        as_of=timezone.now(),
    )


def says(draft: PriorityDraft, proposal: Proposal) -> bool:
    return reviewing.points(draft) == proposal.weights and draft.own_goal_share == proposal.own_goal_share


def saved_said(draft: PriorityDraft) -> str:
    if (total := sum(draft.weights.values())) != 100:
        return _("The draft is saved. Its weights add up to %(total)d so far, and to 100 when you publish.") % {
            "total": total
        }
    return _("The draft is saved. Nothing reaches the field until you publish.")


def may_edit(request: HttpRequest) -> bool:
    return Role(reader(request).role) in EDITORS


def shown(
    request: HttpRequest, console: Console, *, problems: list[str] | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "title": console.campaign.name,
        "console": console,
        "campaign": console.campaign,
        "may_edit": may_edit(request),
        "editable": may_edit(request) and not console.ended,
        "problems": problems or [],
        "query": console.query,
        "longest": LONGEST_REASON,
    }
    return page(request, "kpis/desk/console.html", context, status=status)
