"""The history: every version, back to one in one step, and one that is scheduled withdrawn."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from pghistory.models import MiddlewareEvents

from distributors.access import EDITORS, HQ, access
from distributors.desk import page
from distributors.http import SeeOther, reader

from .. import drafts, history, reviewing, wording
from ..models import Campaign, PriorityDraft
from ..priorities import LONGEST_REASON, EditConflict
from .sent import Back, campaign_of, seen_in, told
from .version_said import DRAFT, choices, clock_said, row_of


@access(HQ)
@require_safe
def versions(request: HttpRequest, pk: int) -> HttpResponse:
    return versions_page(request, campaign_of(pk))


@access(EDITORS)
@require_POST
def restore(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Back to an earlier version in one step: it becomes the next one."""
    campaign = campaign_of(pk)
    try:
        version = drafts.restore(
            campaign=campaign,
            number=number,
            reason=request.POST.get("reason", ""),
            by=reader(request),
            as_of=timezone.now(),
            seen=seen_in(request.POST),
        )
    except ValidationError as problem:
        return versions_page(request, campaign, problem, Back(number, request.POST.get("reason", "")))
    said = _("Version %(number)d brings back version %(old)d. Everybody's next page counts with it.")
    messages.success(request, said % {"number": version.number, "old": number})
    return SeeOther(reverse("propagation", args=[pk]))


@access(EDITORS)
@require_POST
def withdraw(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    campaign = campaign_of(pk)
    try:
        drafts.withdraw(campaign=campaign, number=number, by=reader(request), as_of=timezone.now())
    except ValidationError as problem:
        return versions_page(request, campaign, problem)
    messages.success(request, _("Version %(number)d is withdrawn. It will not count.") % {"number": number})
    return SeeOther(reverse("versions", args=[pk]))


def versions_page(
    request: HttpRequest, campaign: Campaign, problem: ValidationError | None = None, typed: Back | None = None
) -> HttpResponse:
    as_of, user = timezone.now(), reader(request)
    past, draft = history.of(campaign, as_of), drafts.of(campaign)
    rows = [row_of(one, past, as_of) for one in past.entries]
    context = {
        "title": _("Versions"),
        "campaign": campaign,
        "past": past,
        "rows": rows,
        "draft": draft,
        "saved": clock_said(draft.saved_at, as_of) if draft else "",
        "number": max(past.numbers, default=0) + 1,
        "draft_changes": wording.in_short(draft_changes(draft, past)) if draft else "",
        "choices": choices(past, draft),
        "b": DRAFT if draft else str(past.numbers[0]) if past.numbers else "",
        "a": first_choice(past, draft),
        "seen": drafts.seen_of(draft, past.entries[0].version if past.entries else None),
        "edits": user.role in EDITORS,
        "longest": LONGEST_REASON,
        "typed": typed,
        "reads_audit": admin.site.get_model_admin(MiddlewareEvents).has_view_permission(request),
        **told(problem),
    }
    status = 200 if problem is None else 409 if isinstance(problem, EditConflict) else 422
    return page(request, "kpis/desk/versions.html", context, status=status)


def draft_changes(draft: PriorityDraft, past: history.History) -> list[str]:
    now = past.in_force
    return [
        *wording.changes(history.weights_of(now), reviewing.points(draft), past.names),
        *history.share_change(now.own_goal_share if now else draft.own_goal_share, draft.own_goal_share),
    ]


def first_choice(past: history.History, draft: PriorityDraft | None) -> str:
    """What the draft or the newest version is compared with at first: what counts now, or the one before the newest."""
    now = past.in_force.number if past.in_force else 0
    if draft is None and past.numbers[:1] == [now]:
        now = past.numbers[1] if len(past.numbers) > 1 else now
    return str(now)
