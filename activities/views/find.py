"""Search: her people and what she could do, by name."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from distributors.access import FIELD, access
from distributors.due_lines import plain_person
from distributors.http import FieldRequest, typed
from distributors.models import Customer

from .. import lookup

#: Results of each kind; a longer list calls for a longer word.
AT_MOST = 20


@access(FIELD)
@require_safe
def search(request: FieldRequest) -> HttpResponse:
    q = typed(request.GET.get("q", ""))
    today = request.distributor.local_day(timezone.now())
    mine = Customer.objects.of(request.distributor.pk)
    found = mine.filter(name__icontains=q).order_by("name", "pk") if q else mine.none()
    context = {
        "q": q,
        "people": [plain_person(customer, today) for customer in found[:AT_MOST]],
        "activities": lookup.found_by_title(request.distributor, q)[:AT_MOST] if q else [],
    }
    return render(request, "activities/search.html", context)
