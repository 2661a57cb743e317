"""The company's priorities that count for a distributor now, and how HQ publishes the next ones.

A version is one committed row, and the next read of anyone sees it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from distributors.languages import spoken
from distributors.models import Distributor, Market, User

from . import board, campaigns
from .models import KPI, Campaign, Priority, PriorityVersion
from .wording import said_at

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


def with_her_share(found: Priorities, distributor: Distributor) -> Priorities:
    """She may keep a larger share for her own goals, never a smaller one."""
    own = float(distributor.own_goal_share or 0)
    return replace(found, own_goal_share=max(found.own_goal_share, own))


def for_market(
    market: Market, as_of: datetime, *, segments: frozenset[int] = frozenset(), language: str = ""
) -> Priorities:
    """What counts in `market` for who belongs to these segments, said in `language`. Reads the whole board."""
    return told(board.current().counting(market, as_of, segments), language or market.language)


def told(priorities: list[Priority], language: str) -> Priorities:
    """What the board says that counts, in words. No query."""
    if not priorities:
        return NONE
    version = priorities[0].version
    total = sum(priority.weight for priority in priorities)
    weights: dict[str, float] = {}
    directions: dict[str, int] = {}
    words: dict[str, str] = {}
    for priority in priorities:
        key = priority.kpi.key
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
    approved_by: User | None = None,
    starts: tuple[date, time] | None = None,
    restores: PriorityVersion | None = None,
) -> PriorityVersion:
    """The next version of a campaign's priorities: whole points by KPI id that sum to 100.

    It counts at once, or from `starts` on each market's own clock. `expected_version` is the number the editor was looking
    at (0 before the first); EditConflict when another has been published since. ValidationError for anything else that
    cannot be published. Versions are never changed. A campaign without one is approved by its first.
    """
    # The row lock makes editors take turns, so that numbers follow each other and the second one sees the first.
    campaign = Campaign.objects.select_for_update().get(pk=campaign.pk)
    newest = newest_version(campaign)
    if expected_version is not None and expected_version != (newest.number if newest else 0):
        raise EditConflict(conflict(newest), code="conflict")
    check(campaign, weights, own_goal_share, reason, starts=starts, as_of=as_of)
    version = PriorityVersion.objects.create(
        campaign=campaign,
        number=newest.number + 1 if newest else 1,
        own_goal_share=own_goal_share,
        reason=reason.strip(),
        by=by,
        approved_by=approved_by,
        published_at=as_of,
        starts_on=starts[0] if starts else None,
        starts_time=starts[1] if starts else None,
        restores=restores,
    )
    Priority.objects.bulk_create(
        Priority(version=version, kpi_id=kpi_id, weight=weight) for kpi_id, weight in weights.items()
    )
    campaigns.approve(campaign, as_of=as_of)
    return version


def newest_version(campaign: Campaign) -> PriorityVersion | None:
    return campaign.versions.select_related("by", "restores").order_by("-number").first() if campaign.pk else None


def weights_of(version: PriorityVersion | None) -> dict[int, int]:
    """Points by KPI id."""
    return dict(version.priorities.values_list("kpi_id", "weight")) if version else {}


def conflict(newest: PriorityVersion | None) -> str:
    if newest is None:
        return _("This campaign has no version yet. Reload the page and publish again.")
    return _(
        "%(who)s published version %(number)d on %(when)s: “%(reason)s”. Look at it, then publish yours again."
    ) % {
        "who": newest.by or _("Somebody"),
        "number": newest.number,
        "when": said_at(newest.published_at),
        "reason": newest.why,
    }


def check(
    campaign: Campaign,
    weights: dict[int, int],
    own_goal_share: Decimal,
    reason: str,
    *,
    starts: tuple[date, time] | None = None,
    as_of: datetime | None = None,
) -> None:
    """Refuse, in one sentence each, what may not be published."""
    if campaign.status == Campaign.Status.ENDED:
        raise ValidationError(
            _("%(campaign)s has ended. Start a new campaign to set priorities."), params={"campaign": campaign}
        )
    check_points(weights)
    if (total := sum(weights.values())) != POINTS:
        raise ValidationError(
            _("The weights add up to %(total)d. They must add up to 100."), params={"total": total}, code="total"
        )
    check_share(own_goal_share)
    if not reason.strip():
        raise ValidationError(_("Say in a sentence why the priorities change."), code="reason")
    if len(reason.strip()) > LONGEST_REASON:
        raise ValidationError(
            _("Keep the reason within %(n)d characters."), params={"n": LONGEST_REASON}, code="reason"
        )
    check_kpis(weights)
    campaigns.check_segments(campaign, [kpi for kpi, weight in weights.items() if weight], at_once=starts is None)
    if starts is not None and as_of is not None:
        campaigns.check_start(campaign, starts, as_of)


def check_points(weights: dict[int, int]) -> None:
    if any(not isinstance(weight, int) or not 0 <= weight <= POINTS for weight in weights.values()):
        raise ValidationError(_("Each weight is a whole number from 0 to 100."), code="weight")


def check_share(own_goal_share: Decimal) -> None:
    if not own_goal_share.is_finite() or not Decimal("0.5") <= own_goal_share <= 1:
        raise ValidationError(_("Own goals keep between half and all of the ranking."), code="own_goal_share")


def check_kpis(weights: dict[int, int]) -> None:
    """Two KPIs may lead to the same activities, as repeat rate and customer retention do; they may not pull apart."""
    kpis = list(KPI.objects.filter(pk__in=weights).order_by("pk"))
    if len(kpis) != len(weights):
        raise ValidationError(_("One of these KPIs no longer exists. Reload the page."), code="kpi")
    seen: dict[object, KPI] = {}
    pulled: dict[str, KPI] = {}
    for kpi in (one for one in kpis if weights[one.pk]):
        same = (kpi.metric, kpi.scope, kpi.market_id, kpi.segment_id)
        if (other := seen.setdefault(same, kpi)) is not kpi:
            raise ValidationError(
                _("%(one)s and %(two)s weigh the same figure. Give the points to one of them."),
                params={"one": other, "two": kpi},
                code="same",
            )
        other = pulled.setdefault(kpi.key, kpi)
        if other.direction != kpi.direction:
            raise ValidationError(
                _("%(one)s should rise and %(two)s should fall, by the same activities. Keep one of them."),
                params=dict(zip(("one", "two"), sorted((other, kpi), key=lambda one: -one.direction), strict=True)),
                code="apart",
            )
