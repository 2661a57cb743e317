"""The overview of HQ, and who never signed in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from distributors.access import HQ, access
from distributors.desk import page
from distributors.http import page_number, reader
from distributors.models import Market

from .. import adoption
from ..overview import whole
from ..wording import ago

#: People on a page.
PEOPLE = 50


@access(HQ)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """`?adoption` counts who uses the app, which the page asks for by itself when nobody did so lately."""
    as_of = timezone.now()
    counts = "adoption" in request.GET
    known = adoption.counted(as_of) if counts else adoption.kept(as_of)
    context: dict[str, object] = {"adoption": known, "counted": ago(known.counted_at, as_of) if known else ""}
    if counts and request.htmx:  # type: ignore[attr-defined]
        return render(request, "kpis/desk/_adoption.html", context)
    context |= {"title": _("Overview"), "overview": whole.of(reader(request), as_of)}
    return page(request, "kpis/desk/overview.html", context)


@access(HQ)
@require_safe
def never_signed_in(request: HttpRequest) -> HttpResponse:
    """`?market=us` and `?page=2`."""
    code = request.GET.get("market", "")
    market = get_object_or_404(Market, code=code) if code else None
    at = page_number(request)
    found = list(adoption.never_signed_in(market)[(at - 1) * PEOPLE : at * PEOPLE + 1])
    context = {
        "title": _("Never signed in"),
        "people": found[:PEOPLE],
        "market": market,
        "markets": Market.objects.order_by("name"),
        "earlier": at - 1,
        "later": at + 1 if len(found) > PEOPLE else 0,
    }
    return page(request, "kpis/desk/never_signed_in.html", context)
