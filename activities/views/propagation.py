"""After publishing: what has the new version already, and what follows by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from distributors import desk
from distributors.access import EDITORS, HQ, access
from distributors.http import SeeOther
from distributors.models import Role
from kpis.models import Campaign

from ..models import Recalculation
from ..preview import propagation as propagations
from ..preview.propagation import Place, Slates, State
from ..ranking import recalculating


@access(HQ)
@require_safe
def propagation(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole page, or its figures alone for htmx, which asks again every two seconds until all is current."""
    campaign = get_object_or_404(Campaign, pk=pk)
    found = propagations.of(campaign, as_of=timezone.now())
    context: dict[str, Any] = {
        "title": _("On its way to the field"),
        "campaign": campaign,
        "found": found,
        "sentence": sentence(found.slates),
        "took": said(found.done_after) if found.done_after is not None else "",
        "places": [place_line(place) for place in found.places],
        "runs": [(run, said(run.after) if run.after is not None else "") for run in found.runs],
        "edits": Role(request.user.role) in EDITORS,  # type: ignore[union-attr]
        "may_see_runs": admin.site._registry[Recalculation].has_view_permission(request),
    }
    if getattr(request, "htmx", False):
        return render(request, "activities/desk/_propagation.html", context)
    return desk.page(request, "activities/desk/propagation.html", context)


@access(EDITORS)
@require_POST
def propagation_start(request: HttpRequest, pk: int) -> HttpResponse:
    """Re-rank what is written ahead now instead of at the next minute. Started already, it starts nothing."""
    campaign = get_object_or_404(Campaign, pk=pk)
    recalculating.steered(timezone.now())
    return SeeOther(reverse("propagation", args=[campaign.pk]))


def sentence(slates: Slates) -> str:
    """Where the slates written ahead stand, in one sentence."""
    if slates.state is State.CURRENT:
        return _("All of them are ranked by what counts now.")
    if slates.state is State.RUNNING:
        return _("They are being ranked again right now.")
    if slates.state is State.SOON:
        return _("The background re-ranking starts by itself within a minute.")
    if slates.state is State.MORNING:
        return _("They are ranked again in the morning, from four on, on each market’s clock.")
    if slates.state is State.LEFT:
        left = slates.written - slates.current
        return ngettext(
            "The re-ranking is through, and %(n)s slate was left out. Its run says why.",
            "The re-ranking is through, and %(n)s slates were left out. Their run says why.",
            left,
        ) % {"n": number_format(left)}
    return _("None is written for today yet. They are made from four in the morning on, on each market’s clock.")


@dataclass(frozen=True)
class PlaceLine:
    market: str
    from_when: datetime
    chip: str
    look: str


def place_line(place: Place) -> PlaceLine:
    chip, look = _("Counts from then"), ""
    if place.over:
        chip = _("Over")
    elif place.counts and place.behind:
        chip, look = _("After %(campaign)s") % {"campaign": place.behind}, "chip-w"
    elif place.counts:
        chip, look = _("Counts"), "chip-a"
    return PlaceLine(place.market.name, place.from_when, chip, look)


def said(span: timedelta) -> str:
    """4.2 seconds · 3 minutes · 6 hours: to what matters of it, rounded up so that none is promised too short."""
    seconds = span.total_seconds()
    if seconds < 60:
        tenths = -(-int(seconds * 100) // 10) / 10
        return _("%(n)s seconds") % {"n": number_format(tenths, 1)}
    if seconds < 3600:
        minutes = -(-int(seconds) // 60)
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    hours = -(-int(seconds) // 3600)
    return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
