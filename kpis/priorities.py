"""The company's priorities that count for a distributor now, and how HQ publishes the next ones.

Nothing is cached: a version is one committed row, and the next read of anyone sees it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from distributors.languages import spoken
from distributors.metrics import metric_key
from distributors.models import Distributor, Market, User

from .models import KPI, Campaign, Priority, PriorityVersion

#: Points that the weights of a version share out.
POINTS = 100
LONGEST_REASON = 300


@dataclass(frozen=True)
class Priorities:
    """`weights` by metric key sum to 1, or are empty without a live campaign; `directions` say up (1) or down (-1)."""

    version: str  # "<campaign>.<number>", empty without one
    campaign: Campaign | None
    own_goal_share: float  # alpha: what her own goals keep of the ranking, 0.5 to 1
    weights: dict[str, float] = field(default_factory=dict)
    directions: dict[str, int] = field(default_factory=dict)
    focus: str = ""  # the weightiest KPI in the field's words
    words: dict[str, str] = field(default_factory=dict)  # every KPI in the field's words, by metric key
    until: date | None = None


#: Without a live campaign the ranking is hers alone.
NONE = Priorities(version="", campaign=None, own_goal_share=1.0)


class EditConflict(ValidationError):  # noqa: N818 (the name callers agreed on)
    """Somebody else published since the editor looked."""


def for_distributor(distributor: Distributor, *, as_of: datetime) -> Priorities:
    """Her market's priorities; she may keep a larger share for her own goals, never a smaller one. One query."""
    found = for_market(distributor.market, distributor.local_day(as_of), language=distributor.speaks)
    return with_her_share(found, distributor)


def with_her_share(found: Priorities, distributor: Distributor) -> Priorities:
    own = float(distributor.own_goal_share or 0)
    return replace(found, own_goal_share=max(found.own_goal_share, own))


def for_market(market: Market, day: date, *, language: str = "") -> Priorities:
    """The priorities that count in `market` on its local `day`, said in `language`. One query."""
    return told(live(market, day), language or market.language)


def live(market: Market, day: date) -> list[Priority]:
    """The newest version of the campaign that counts, the weightiest first, with KPIs and campaign loaded. One query.

    Of several live campaigns one that names the market beats one for all markets, then the one that started last,
    then the one made last. Campaigns without a published version do not count.
    """
    newest = versions_for(market, day).values("pk")[:1]
    return list(
        Priority.objects.filter(version__in=newest, weight__gt=0)
        .select_related("kpi", "version__campaign")
        .order_by("-weight", "pk")
    )


def versions_for(market: Market, day: date) -> QuerySet[PriorityVersion]:
    """Published versions of live campaigns for this market, the one that counts first."""
    named = Campaign.markets.through.objects.filter(campaign_id=OuterRef("campaign_id"))
    return (
        PriorityVersion.objects.filter(campaign__in=Campaign.objects.live_on(day))
        .annotate(named=Exists(named.filter(market_id=market.pk)), anywhere=~Exists(named))
        .filter(Q(named=True) | Q(anywhere=True))
        .order_by("-named", "-campaign__starts_on", "-campaign_id", "-number")
    )


def told(priorities: list[Priority], language: str) -> Priorities:
    """What `live` found, in words. No query."""
    if not priorities:
        return NONE
    version = priorities[0].version
    total = sum(priority.weight for priority in priorities)
    weights: dict[str, float] = {}
    directions: dict[str, int] = {}
    words: dict[str, str] = {}
    for priority in priorities:
        key = metric_key(priority.kpi.metric, priority.kpi.scope)
        weights[key] = weights.get(key, 0.0) + priority.weight / total
        directions.setdefault(key, priority.kpi.direction)
        words.setdefault(key, spoken(priority.kpi.focus_by_language, language, priority.kpi.focus))
    return Priorities(
        version=f"{version.campaign_id}.{version.number}",
        campaign=version.campaign,
        own_goal_share=float(version.own_goal_share),
        weights=weights,
        directions=directions,
        focus=next(iter(words.values())),
        words=words,
        until=version.campaign.ends_on,
    )


@transaction.atomic
def publish(
    *,
    campaign: Campaign,
    weights: dict[int, int],
    own_goal_share: Decimal,
    reason: str,
    by: User | None,
    as_of: datetime,
    expected_version: int | None = None,
) -> PriorityVersion:
    """The next version of a campaign's priorities: whole points by KPI id that sum to 100.

    `expected_version` is the number the editor was looking at (0 before the first); EditConflict when another has been
    published since. ValidationError for anything else that cannot be published. Versions are never changed.
    """
    # The row lock makes editors take turns, so that numbers follow each other and the second one sees the first.
    campaign = Campaign.objects.select_for_update().get(pk=campaign.pk)
    newest = campaign.versions.select_related("by").order_by("-number").first()
    if expected_version is not None and expected_version != (newest.number if newest else 0):
        raise EditConflict(conflict(newest), code="conflict")
    check(campaign, weights, own_goal_share, reason)
    version = PriorityVersion.objects.create(
        campaign=campaign,
        number=newest.number + 1 if newest else 1,
        own_goal_share=own_goal_share,
        reason=reason.strip(),
        by=by,
        published_at=as_of,
    )
    Priority.objects.bulk_create(
        Priority(version=version, kpi_id=kpi_id, weight=weight) for kpi_id, weight in weights.items()
    )
    return version


def conflict(newest: PriorityVersion | None) -> str:
    if newest is None:
        return _("This campaign has no version yet. Reload the page and publish again.")
    return _(
        "%(who)s published version %(number)d on %(when)s: “%(reason)s”. Look at it, then publish yours again."
    ) % {
        "who": newest.by or _("Somebody"),
        "number": newest.number,
        "when": date_format(newest.published_at, "DATETIME_FORMAT"),
        "reason": newest.reason,
    }


def check(campaign: Campaign, weights: dict[int, int], own_goal_share: Decimal, reason: str) -> None:
    """Refuse, in one sentence each, what may not be published."""
    if campaign.status == Campaign.Status.ENDED:
        raise ValidationError(
            _("%(campaign)s has ended. Start a new campaign to set priorities."), params={"campaign": campaign}
        )
    if any(not isinstance(weight, int) or not 0 <= weight <= POINTS for weight in weights.values()):
        raise ValidationError(_("Each weight is a whole number from 0 to 100."), code="weight")
    if (total := sum(weights.values())) != POINTS:
        raise ValidationError(
            _("The weights add up to %(total)d. They must add up to 100."), params={"total": total}, code="total"
        )
    if not own_goal_share.is_finite() or not Decimal("0.5") <= own_goal_share <= 1:
        raise ValidationError(_("Own goals keep between half and all of the ranking."), code="own_goal_share")
    if not reason.strip():
        raise ValidationError(_("Say in a sentence why the priorities change."), code="reason")
    if len(reason.strip()) > LONGEST_REASON:
        raise ValidationError(
            _("Keep the reason within %(n)d characters."), params={"n": LONGEST_REASON}, code="reason"
        )
    kpis = list(KPI.objects.filter(pk__in=weights))
    if len(kpis) != len(weights):
        raise ValidationError(_("One of these KPIs no longer exists. Reload the page."), code="kpi")
    seen: dict[str, KPI] = {}
    for kpi in kpis:
        other = seen.setdefault(metric_key(kpi.metric, kpi.scope), kpi)
        if other is not kpi:
            raise ValidationError(
                _("%(one)s and %(two)s weigh the same figure. Give the points to one of them."),
                params={"one": other, "two": kpi},
                code="same",
            )
