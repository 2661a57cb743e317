"""What she could win: live standing, closing date and terms in plain words."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from distributors.access import FIELD, access
from distributors.http import FieldRequest

from ..reach_lines import all_terms, rule_of_reach


@access(FIELD)
@require_safe
def incentives(request: FieldRequest) -> HttpResponse:
    lines = all_terms(request.distributor, as_of=timezone.now())
    rule = rule_of_reach() if any(line.reach for line in lines) else ""
    return render(request, "kpis/incentives.html", {"lines": lines, "rule": rule, "tab": "today"})
