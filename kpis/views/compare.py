"""Any two versions, or a version and the draft, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from distributors.access import HQ, access
from distributors.desk import page

from .. import drafts, history, reviewing
from ..models import PriorityDraft
from .sent import campaign_of
from .version_said import DRAFT, Row, choices, row_of, who_said


@dataclass(frozen=True)
class Side:
    name: str
    weights: dict[int, int]
    share: int
    reason: str
    who: str
    row: Row | None


@access(HQ)
@require_safe
def compare(request: HttpRequest, pk: int) -> HttpResponse:
    campaign, as_of = campaign_of(pk), timezone.now()
    past, draft = history.of(campaign, as_of), drafts.of(campaign)
    a = side_of(request.GET.get("a", ""), past, draft, as_of)
    b = side_of(request.GET.get("b", ""), past, draft, as_of)
    if a is None or b is None:
        return redirect("versions", pk)
    context = {
        "title": _("Compare"),
        "campaign": campaign,
        "past": past,
        "rows": history.rows(a.weights, b.weights, past.names),
        "share": history.Row(_("Their own goals"), a.share, b.share),
        "sides": [a] if a.name == b.name else [a, b],
        "choices": choices(past, draft),
        "a": request.GET.get("a"),
        "b": request.GET.get("b"),
    }
    return page(request, "kpis/desk/compare.html", context)


def side_of(asked: str, past: history.History, draft: PriorityDraft | None, as_of: datetime) -> Side | None:
    """A version or the draft; None for one that is not there."""
    if asked == DRAFT and draft is not None:
        share = history.in_percent(draft.own_goal_share)
        return Side(_("Draft"), reviewing.points(draft), share, draft.reason, str(draft.by or _("Somebody")), None)
    entry = past.entry(int(asked)) if asked.isascii() and asked.isdecimal() and len(asked) < 9 else None
    if entry is None:
        return None
    version = entry.version
    share = history.in_percent(version.own_goal_share)
    row = row_of(entry, past, as_of)
    return Side(f"v{version.number}", entry.weights, share, version.why, who_said(version), row)
