"""Review and publish, and the history: every version, any two side by side, back to one in one step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_POST, require_safe
from pghistory.models import MiddlewareEvents

from distributors.access import EDITORS, HQ, access
from distributors.desk import page
from distributors.http import SeeOther
from distributors.models import User

from .. import campaigns, drafts, history, reviewing, wording
from ..board import RULE
from ..drafts import Seen
from ..models import Campaign, PriorityDraft, PriorityVersion
from ..models.campaign import FIRST_DAY, LAST_DAY
from ..priorities import LONGEST_REASON, POINTS, EditConflict

#: How the draft is named where a version's number is asked for.
DRAFT = "draft"
FIELDS = {"reason", "starts", "note"}


# Review and publish


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
    found: dict[str, Any] = {"times": [], "this_year": as_of.year}
    if not (typed.on and typed.at):
        return found
    try:
        starts = typed.starts()
        if starts:
            campaigns.check_start(past.campaign, starts, as_of)
    except ValidationError as problem:
        return found | {"refused": " ".join(problem.messages)}
    return found | {"times": reviewing.times(past.markets, starts) if starts else []}


def told(problem: ValidationError | None) -> dict[str, Any]:
    """A refusal in one sentence, and the field that it is about."""
    if problem is None:
        return {}
    code = getattr(problem, "code", None)
    return {"problem": " ".join(problem.messages), "at_field": code if code in FIELDS else ""}


# The history

CHIPS = {
    history.Standing.LIVE: (gettext_lazy("Live"), "chip-a"),
    history.Standing.SCHEDULED: (gettext_lazy("Scheduled"), "chip-w"),
    history.Standing.READY: (gettext_lazy("Ready"), "chip-w"),
    history.Standing.PAST: (gettext_lazy("Past"), ""),
    history.Standing.SKIPPED: (gettext_lazy("Never counted"), ""),
    history.Standing.WITHDRAWN: (gettext_lazy("Withdrawn"), ""),
}


@dataclass(frozen=True)
class Row:
    """One version as the page says it."""

    entry: history.Entry
    chip: str
    look: str  # of the chip
    when: str
    who: str
    notes: list[str] = field(default_factory=list)


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
            by=reader(request),
            as_of=timezone.now(),
            seen=seen_in(request.POST),
        )
    except ValidationError as problem:
        return versions_page(request, campaign, problem)
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


def versions_page(request: HttpRequest, campaign: Campaign, problem: ValidationError | None = None) -> HttpResponse:
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


def row_of(entry: history.Entry, past: history.History, as_of: datetime) -> Row:
    chip, style = CHIPS[entry.standing]
    version = entry.version
    return Row(entry, str(chip), style, when_said(entry, past, as_of), who_said(version), notes_of(entry, past))


def when_said(entry: history.Entry, past: history.History, as_of: datetime) -> str:
    today = as_of.date()
    if entry.standing == history.Standing.WITHDRAWN:
        gone = history.instant_said(entry.version.withdrawal.at).said(today)
        words = {"when": gone, "who": entry.version.withdrawal.by or _("somebody")}
        return _("withdrawn %(when)s by %(who)s") % words
    if entry.begins is None or entry.ends is None:
        return _("replaced before it counted")
    begins, ends = entry.begins.said(today), entry.ends.said_as_end(today)
    if entry.standing == history.Standing.LIVE:
        return _("live since %(when)s") % {"when": begins}
    if entry.standing == history.Standing.SCHEDULED:
        return _("takes over %(when)s") % {"when": begins}
    if entry.standing == history.Standing.READY:
        return _("begins with the campaign, %(when)s") % {"when": begins}
    return _("%(from)s to %(to)s") % {"from": begins, "to": ends}


def who_said(version: PriorityVersion) -> str:
    who = version.by or _("Somebody")
    if version.approved_by:
        return _("%(who)s, approved by %(approver)s") % {"who": who, "approver": version.approved_by}
    return str(who)


def notes_of(entry: history.Entry, past: history.History) -> list[str]:
    found = []
    if entry.version.restores:
        found.append(_("Brings back v%(number)d") % {"number": entry.version.restores.number})
    if entry.live_in and len(entry.live_in) < len(past.markets):
        found.append(_("So far in %(markets)s") % {"markets": ", ".join(str(one) for one in entry.live_in)})
    return found


def first_choice(past: history.History, draft: PriorityDraft | None) -> str:
    """What the draft or the newest version is compared with at first: what counts now, or the one before the newest."""
    now = past.in_force.number if past.in_force else 0
    if draft is None and past.numbers[:1] == [now]:
        now = past.numbers[1] if len(past.numbers) > 1 else now
    return str(now)


def choices(past: history.History, draft: PriorityDraft | None) -> list[tuple[str, str]]:
    """What can be compared: (value, label)."""
    found = [(str(number), f"v{number}") for number in past.numbers]
    return [(DRAFT, _("Draft")), *found] if draft else found


# Side by side


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


# Shared


def campaign_of(pk: int) -> Campaign:
    return get_object_or_404(Campaign.objects.select_related("segment"), pk=pk)


def reader(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]  # @access let nobody else in


def seen_in(data: QueryDict) -> Seen:
    """What the form was made from; a form without it has seen nothing."""
    return Seen(whole(data.get("revision", "")), whole(data.get("version", "")))


def whole(said: str) -> int:
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 9 else 0


def clock_said(at: datetime, as_of: datetime) -> str:
    """6 July, 09:00 in UTC, and the year when it is not this one."""
    at = at.astimezone(UTC)
    clock = time_format(at.time(), pgettext("time format", "H:i"))
    return f"{history.day_said(at.date(), as_of.date())}, {clock}"


def said(moment: history.Moment | None, as_of: datetime) -> str:
    return moment.said(as_of.date()) if moment else ""
