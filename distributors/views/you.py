"""Her own settings: name, language, look, and how much her own goals count; and who looked at her pages."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from .. import looks
from ..access import FIELD, access
from ..forms import ProfileForm, ShareForm
from ..http import FieldRequest, SeeOther
from ..models import Distributor

THEMES = [("", gettext_lazy("As on this device")), ("light", gettext_lazy("Light")), ("dark", gettext_lazy("Dark"))]
YEAR = 365 * 24 * 3600


@access(FIELD)
@require_http_methods(["GET", "HEAD", "POST"])
def you(request: FieldRequest) -> HttpResponse:
    distributor = request.distributor
    chosen = request.POST.get("form") if request.method == "POST" else None
    if chosen == "theme":
        return choose_theme(request)
    # A copy, so that a refused name does not show in the heading.
    mine = Distributor.objects.with_market().get(pk=distributor.pk)
    profile = ProfileForm(request.POST if chosen == "profile" else None, instance=mine)
    share = ShareForm(request.POST if chosen == "share" else None, initial={"own_goal_share": share_text(distributor)})
    if chosen == "profile" and profile.is_valid():
        profile.save()
        return saved(request, mine)
    if chosen == "share" and share.is_valid():
        raised = share.cleaned_data["own_goal_share"]
        Distributor.objects.filter(pk=distributor.pk).update(own_goal_share=Decimal(raised) if raised else None)
        return saved(request, distributor)
    context = {"profile": profile, "share": share, "themes": THEMES, "looks": looks.lines(distributor)}
    return render(request, "distributors/you.html", context, status=422 if profile.errors or share.errors else 200)


def share_text(distributor: Distributor) -> str:
    return f"{distributor.own_goal_share:.2f}" if distributor.own_goal_share is not None else ""


def saved(request: FieldRequest, distributor: Distributor) -> HttpResponse:
    messages.success(request, _("Saved."))
    response = SeeOther(reverse("you"))
    # The sign-in pages follow her language as well, before they know who she is.
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, distributor.speaks, max_age=YEAR, samesite="Lax", secure=request.is_secure()
    )
    return response


def choose_theme(request: FieldRequest) -> HttpResponse:
    """Kept by the device, not the account: a phone in the sun and a desk in the evening differ."""
    response = SeeOther(reverse("you"))
    wanted = request.POST.get("theme", "")
    if wanted in {"light", "dark"}:
        response.set_cookie("theme", wanted, max_age=YEAR, samesite="Lax", secure=request.is_secure())
    else:
        response.delete_cookie("theme")
    return response
