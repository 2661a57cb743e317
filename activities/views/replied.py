"""She notes that somebody answered: a fact of the log, which closes what waits for a reply and is credited like an order."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from distributors import outreach, reorder
from distributors.access import FIELD, access
from distributors.event_types import TONES
from distributors.http import FieldRequest, SeeOther, gone_is_404
from distributors.models import CHANNELS, Customer, Market
from distributors.wording import day_near


@access(FIELD)
@require_POST
@gone_is_404
def person_replied(request: FieldRequest, pk: int) -> HttpResponse:
    customer = get_object_or_404(Customer.objects.of(request.distributor.pk), pk=pk)
    tone, channel = request.POST.get("tone", ""), request.POST.get("channel", "")
    if tone not in TONES:
        return render(request, "activities/replied.html", {"customer": customer, "tab": "people"}, status=422)
    as_of = timezone.now()
    outreach.replied(
        customer=customer, channel=channel if channel in CHANNELS else "", tone=tone, as_of=as_of, by=request.user,
        # The same answer twice on a day is a double tap; another one corrects it.
        key=f"reply-{customer.pk}-{request.distributor.local_day(as_of)}-{tone}",
    )  # fmt: skip
    said = noted(customer, tone, request.distributor.market, request.distributor.local_day(as_of))
    # Who says no may mean no message at all: the page offers that.
    messages.success(request, said, extra_tags="said-no" if tone == "no" else "")
    return SeeOther(reverse("person", args=[pk]))


def noted(customer: Customer, tone: str, market: Market, today: date) -> str:
    """What was kept; of who wants it later also from when she comes up again, where her cadence says so."""
    name = {"name": customer.given_name}
    if tone == "later":
        day = reorder.prospect_from(customer, market, today)
        if day is None:
            return _("Noted.")
        return _("Noted. %(name)s comes up again on %(day)s.") % (name | {"day": day_near(day, today)})
    said = _("Noted: %(name)s is interested.") if tone == "interested" else _("Noted: %(name)s said no.")
    return said % name
