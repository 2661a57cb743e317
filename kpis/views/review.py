"""Review and publish: a draft asked for, approved, sent back, published at once or later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from distributors.access import EDITORS, HQ, access
from distributors.desk import page
from distributors.http import SeeOther, reader
from distributors.models import User

from .. import campaigns, drafts, history, reviewing
from ..board import RULE
from ..models import Campaign, PriorityDraft, PriorityVersion
from ..models.campaign import FIRST_DAY, LAST_DAY
from ..priorities import LONGEST_REASON, POINTS, EditConflict
from .sent import campaign_of, seen_in, told
from .version_said import clock_said


@dataclass(frozen=True)
class Typed:
    """What the form holds: as the draft has it, or as it was sent."""

    reason: str = ""
    later: bool = False
    on: str = ""
    at: str = ""
    note: str = ""

    def starts(self) -> tuple[date, time] | None:
        """None: at once. ValidationError when a day or time is missing or is none."""
        if not self.later:
            return None
        try:
            day, at = date.fromisoformat(self.on), time.fromisoformat(self.at)
        except ValueError as problem:
            raise ValidationError(_("Choose a day and a time for it."), code="starts") from problem
        if not FIRST_DAY <= day <= LAST_DAY:
            raise ValidationError(_("Choose days from 2000 to 2199."), code="starts")
        return day, at.replace(second=0, microsecond=0, tzinfo=None)


def typed_in(sent: QueryDict) -> Typed:
    # PostgreSQL refuses NUL.
    data = {name: str(said).replace("\0", "") for name, said in sent.items()}
    return Typed(
        reason=data.get("reason", ""),
        later=data.get("when") == "later",
        on=data.get("on", ""),
        at=data.get("at", ""),
        note=data.get("note", ""),
    )


def typed_of(draft: PriorityDraft | None) -> Typed:
    if draft is None:
        return Typed()
    starts = drafts.starts_of(draft)
    return Typed(
        reason=draft.reason,
        later=starts is not None,
        on=starts[0].isoformat() if starts else "",
        at=f"{starts[1]:%H:%M}" if starts else "",
    )


@access(HQ)
@require_safe
def review(request: HttpRequest, pk: int) -> HttpResponse:
    return review_page(request, campaign_of(pk))


@access(EDITORS)
@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    campaign, typed = campaign_of(pk), typed_in(request.POST)
    try:
        drafts.ask(
            campaign=campaign,
            seen=seen_in(request.POST),
            reason=typed.reason,
            starts=typed.starts(),
            by=reader(request),
            as_of=timezone.now(),
        )
    except ValidationError as problem:
        return review_page(request, campaign, typed, problem)
    messages.success(request, _("An approver can publish it now. Nothing has reached the field yet."))
    return SeeOther(reverse("review", args=[pk]))


@access(EDITORS)
@require_POST
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    campaign, typed = campaign_of(pk), typed_in(request.POST)
    if "look" in request.POST:
        return look(request, campaign, typed)
    try:
        version = drafts.publish(
            campaign=campaign,
            seen=seen_in(request.POST),
            reason=typed.reason,
            starts=typed.starts(),
            by=reader(request),
            as_of=timezone.now(),
        )
    except ValidationError as problem:
        return review_page(request, campaign, typed, problem)
    messages.success(request, published_said(version))
    return SeeOther(reverse("propagation", args=[pk]))


@access(EDITORS)
@require_POST
def send_back(request: HttpRequest, pk: int) -> HttpResponse:
    campaign, typed = campaign_of(pk), typed_in(request.POST)
    try:
        drafts.send_back(
            campaign=campaign,
            seen=seen_in(request.POST),
            note=typed.note,
            by=reader(request),
            as_of=timezone.now(),
        )
    except ValidationError as problem:
        return review_page(request, campaign, typed, problem)
    messages.success(request, _("The draft is back with your note."))
    return SeeOther(reverse("versions", args=[pk]))


def look(request: HttpRequest, campaign: Campaign, typed: Typed) -> HttpResponse:
    """What the chosen time is in each market, without publishing anything."""
    if not getattr(request, "htmx", False):
        return review_page(request, campaign, typed)
    as_of = timezone.now()
    return render(request, "kpis/desk/_times.html", times_of(history.of(campaign, as_of), typed, as_of))


def published_said(version: PriorityVersion) -> str:
    if version.starts_on is None:
        return _("Version %(number)d is published. Everybody's next page counts with it.") % {"number": version.number}
    return _("Version %(number)d is scheduled. It takes over on each market's own clock.") % {"number": version.number}


def review_page(
    request: HttpRequest, campaign: Campaign, typed: Typed | None = None, problem: ValidationError | None = None
) -> HttpResponse:
    """The page as it is now, with what was typed and, after a refusal, why: 409 when somebody was faster, else 422."""
    as_of = timezone.now()
    past, draft = history.of(campaign, as_of), drafts.of(campaign)
    found = reviewing.of(draft, past, as_of) if draft else None
    typed = typed or typed_of(draft)
    context = {
        "title": _("Review and publish"),
        "campaign": campaign,
        "past": past,
        "draft": draft,
        "number": max(past.numbers, default=0) + 1,
        "review": found,
        "proposal": drafts.proposal(draft) if draft else None,
        "seen": drafts.seen_of(draft, past.entries[0].version if past.entries else None),
        "typed": typed,
        "longest": LONGEST_REASON,
        "rule": RULE,
        "share_row": history.Row(_("Their own goals"), found.share_before, found.share) if found else None,
        "scheduled": [(one, said(one.begins, as_of)) for one in found.scheduled] if found else [],
        **part_of(draft, reader(request), as_of),
        "saved": clock_said(draft.saved_at, as_of) if draft else "",
        "asked_by": drafts.asked_by(draft) if draft and draft.state == PriorityDraft.State.IN_REVIEW else None,
        **times_of(past, typed, as_of),
        **told(problem),
    }
    status = 200 if problem is None else 409 if isinstance(problem, EditConflict) else 422
    return page(request, "kpis/desk/review.html", context, status=status)


def part_of(draft: PriorityDraft | None, user: User, as_of: datetime) -> dict[str, Any]:
    """What this reader may do with the draft (`part`), and the sentence why not more (`why`)."""
    if draft is None:
        return {"part": "nothing"}
    if user.role not in EDITORS:
        return {"part": "read"}
    if (total := sum(reviewing.points(draft).values())) != POINTS:
        return {
            "part": "read",
            "why": _("The weights add up to %(total)d. They must add up to 100.") % {"total": total},
        }
    if drafts.approves(draft, user):
        return {"part": "approve"}
    why = drafts.may_publish(draft, user, as_of)
    if not why:
        return {"part": "publish"}
    return {"part": "wait" if draft.state == PriorityDraft.State.IN_REVIEW else "ask", "why": why}


def times_of(past: history.History, typed: Typed, as_of: datetime) -> dict[str, Any]:
    """What the chosen time is in each market, or why it cannot be chosen; nothing of one half typed."""
    found: dict[str, Any] = {"times": [], "this_year": timezone.localdate(as_of).year}
    if not (typed.on and typed.at):
        return found
    try:
        starts = typed.starts()
        if starts:
            campaigns.check_start(past.campaign, starts, as_of)
    except ValidationError as problem:
        return found | {"refused": " ".join(problem.messages)}
    return found | {"times": reviewing.times(past.markets, starts) if starts else []}


def said(moment: history.Moment | None, as_of: datetime) -> str:
    return moment.said(timezone.localdate(as_of)) if moment else ""
