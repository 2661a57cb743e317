"""Search: her people, what she could do and what she could show, by name."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from distributors.access import FIELD, access
from distributors.due_lines import plain_person
from distributors.http import FieldRequest, typed
from distributors.models import Customer
from distributors.people_list import by_name, found_by

from .. import lookup
from ..library import reading

#: Results of each kind; a longer list calls for a longer word.
AT_MOST = 20


@access(FIELD)
@require_safe
def search(request: FieldRequest) -> HttpResponse:
    q = typed(request.GET.get("q", ""))
    her = request.distributor
    today = her.local_day(timezone.now())
    mine = Customer.objects.of(her.pk)
    found = by_name(found_by(mine, q)) if q else mine.none()
    context = {
        "q": q,
        "people": [plain_person(customer, her.market, today) for customer in found[:AT_MOST]],
        "activities": lookup.found_by_title(her, q)[:AT_MOST] if q else [],
        "items": reading.filtered(reading.items(her.speaks, today), q=q)[:AT_MOST] if q else [],
    }
    return render(request, "activities/search.html", context)
