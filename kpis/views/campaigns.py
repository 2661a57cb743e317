"""All campaigns on a time line: what runs when, for whom, and which one counts where two meet; and ending one."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from distributors.access import EDITORS, HQ, access
from distributors.desk import page
from distributors.http import SeeOther, reader

from .. import campaigns as domain
from .. import timeline
from ..board import RULE
from ..models import Campaign


@access(HQ)
@require_safe
def campaigns(request: HttpRequest) -> HttpResponse:
    """`?quarter=2026-07-01`: any day of the quarter in the middle; this one without it."""
    as_of = timezone.now()
    shown = timeline.window(day_in(request.GET.get("quarter", ""), timezone.localdate(as_of)))
    context = {
        "title": _("Campaigns"),
        "timeline": timeline.of(shown, as_of),
        "rule": RULE,
        "edits": reader(request).role in EDITORS,
    }
    return page(request, "kpis/desk/campaigns.html", context)


@access(EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """It cannot be undone, so that a page says first what counts then."""
    as_of = timezone.now()
    campaign = get_object_or_404(Campaign.objects.approved().select_related("segment"), pk=pk)
    planned = timeline.is_planned(campaign, as_of)
    if request.method == "POST":
        domain.end(campaign, by=reader(request), as_of=as_of)
        told = _("%(campaign)s is called off.") if planned else _("%(campaign)s has ended.")
        messages.success(request, told % {"campaign": campaign})
        return SeeOther(reverse("campaigns"))
    context = {
        "title": _("Call off") if planned else _("End now"),
        "planned": planned,
        "campaign": campaign,
        "reached": domain.reach(campaign, as_of),
        "then": timeline.without(campaign, as_of),
    }
    return page(request, "kpis/desk/campaign_end.html", context)


def day_in(asked: str, today: date) -> date:
    """Nonsense, and what no calendar around it has, is today."""
    try:
        day = date.fromisoformat(asked)
    except ValueError:
        return today
    return day if 2000 <= day.year <= 2200 else today
