"""What needs a decision about drafts and campaigns: who waits, what ends, what runs against what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from distributors.models import Market, User

from .. import drafts, history
from ..board import Board, Plan
from ..models import PriorityDraft
from ..wording import listed
from .decisions import Decision, Kind

#: Within so many days of an end HQ wants to know what follows.
ENDS_SOON = timedelta(days=14)


def drafts_waiting(user: User) -> Iterator[Decision]:
    """One query, and two or three for each that is in review or was sent back."""
    for draft in PriorityDraft.objects.select_related("campaign", "by").order_by("saved_at"):
        told: dict[str, object] = {"campaign": draft.campaign}
        if draft.state == PriorityDraft.State.IN_REVIEW:
            told |= {"who": drafts.asked_by(draft) or _("Somebody")}
            if drafts.approves(draft, user):
                kind, said = (
                    Kind.WAITS_FOR_YOU,
                    _("The draft of %(campaign)s waits for you. %(who)s asked for approval."),
                )
            else:
                kind, said = Kind.WAITS, _("The draft of %(campaign)s waits for an approver. %(who)s asked.")
            yield Decision(kind, said % told, "review", (draft.campaign_id,), draft.saved_at)
        elif draft.note:
            changed = drafts.changes(draft.campaign).last()
            said = _("The draft of %(campaign)s was sent back: “%(note)s”") % (told | {"note": draft.note})
            at = changed.pgh_created_at if changed else draft.saved_at
            yield Decision(Kind.SENT_BACK, said, "console", (draft.campaign_id,), at)


def ending(now: Board, markets: Iterable[Market], as_of: datetime) -> Iterator[Decision]:
    """What counts for everybody ends soon, and nothing for everybody runs then."""
    found: dict[int, tuple[Plan, list[Market]]] = {}
    for market in markets:
        running = [plan for plan, _version in now.running(market, as_of) if plan.campaign.segment_id is None]
        if running:
            last = max(running, key=lambda plan: plan.ends(market))
            at = last.ends(market)
            then = [plan for plan, _version in now.running(market, at) if plan.campaign.segment_id is None]
            if at - as_of <= ENDS_SOON and not then:
                found.setdefault(last.campaign.pk, (last, []))[1].append(market)
    for plan, here in found.values():
        at = min(plan.ends(market) for market in here)
        today = here[0].local_day(as_of)
        said = _("%(campaign)s ends on %(day)s in %(markets)s, and nothing follows.") % {
            "campaign": plan.campaign,
            "day": history.day_said(plan.campaign.ends_on, today),
            "markets": listed(here),
        }
        yield Decision(Kind.NO_SUCCESSOR, said, "campaigns", (), at - ENDS_SOON)


def overlapping(now: Board, markets: Sequence[Market], as_of: datetime) -> Iterator[Decision]:
    """Two campaigns for the same people, neither of them narrower: the rule decides, and nobody meant it to."""
    plans = [plan for plan in now.plans if plan.versions]
    for at, plan in enumerate(plans):
        for other in plans[at + 1 :]:
            here = [market for market in markets if level(plan, other, market, as_of)]
            if here:
                yield overlap(plan, other, here)


def level(plan: Plan, other: Plan, market: Market, as_of: datetime) -> bool:
    """Both run at once in the market, from now on, for the same people, and are as narrow as each other."""
    if not (plan.is_for(market) and other.is_for(market)) or plan.campaign.segment_id != other.campaign.segment_id:
        return False
    same = plan.narrowness(market)[:2] == other.narrowness(market)[:2]
    both_from = max(plan.starts(market), other.starts(market), as_of)
    return same and both_from < min(plan.ends(market), other.ends(market))


def overlap(plan: Plan, other: Plan, here: list[Market]) -> Decision:
    market = here[0]
    counts, waits = sorted((plan, other), key=lambda one: one.narrowness(market), reverse=True)
    said = _("%(one)s and %(two)s run at the same time in %(markets)s for the same people. %(one)s counts.") % {
        "one": counts.campaign,
        "two": waits.campaign,
        "markets": listed(here),
    }
    since = max(plan.starts(market), other.starts(market))
    return Decision(Kind.OVERLAP, said, "campaigns", (), market.local_day(since))
