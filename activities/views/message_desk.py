"""How a message reads while it is written, on the desk of HQ and trainers."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from distributors.access import HQ, access
from distributors.models import ProductLine, Role

from ..messages import reading


@access(HQ | {Role.TRAINER})
@require_POST
def message_preview(request: HttpRequest) -> HttpResponse:
    """The fragment for the text whose field htmx names: texts-0-body is of texts-0."""
    prefix = request.headers.get("HX-Trigger-Name", "").rpartition("-")[0]

    def typed(field: str) -> str:
        return request.POST.get(f"{prefix}-{field}" if prefix else field, "")[:2000]

    line = request.POST.get("line", "")
    of_line = ProductLine.objects.filter(pk=line).first() if line.isdecimal() and len(line) < 10 else None
    return HttpResponse(reading.shown(typed("subject"), typed("body"), typed("language")[:12] or "en", of_line))
