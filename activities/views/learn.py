"""Lessons she can take: those that help her most now first."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from distributors.access import FIELD, access
from distributors.http import FieldRequest

from .. import lookup


@access(FIELD)
@require_safe
def learn(request: FieldRequest) -> HttpResponse:
    as_of = timezone.now()
    context = {
        "lessons": lookup.lessons(request.distributor, as_of=as_of),
        "finished": lookup.finished_lessons(request.distributor),
        "tab": "learn",
    }
    return render(request, "activities/learn.html", context)
