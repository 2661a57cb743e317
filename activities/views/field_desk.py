"""View as field: any person's Today as she has it now, to be looked at by HQ and nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import MD5, Cast, Concat
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from distributors import desk, looks, segments
from distributors.access import HQ, access
from distributors.http import typed
from distributors.models import Distributor, Look, Market, Segment

from .. import recommend
from ..models import Slate
from ..stilled import stilled
from . import feed

#: People that a search finds, and that a sample shows.
FOUND, SAMPLE = 20, 12
MOST_SEEDS = 1_000


@access(HQ)
@require_safe
def field(request: HttpRequest) -> HttpResponse:
    """Whom to look at: by name or external id, a few of a market and segment, or whom one looked at before."""
    as_of, q = timezone.now(), typed(request.GET.get("q", ""))
    markets, named = list(Market.objects.order_by("name")), list(Segment.objects.order_by("name"))
    market, segment = chosen(markets, request.GET.get("market", "")), chosen(named, request.GET.get("segment", ""))
    seed = seed_of(request.GET.get("sample", ""))
    context: dict[str, Any] = {
        "title": _("View as field"),
        "q": q,
        "markets": markets,
        "segments": named,
        "market": market,
        "segment": segment,
        "seed": seed,
        "next_seed": (seed or 0) % MOST_SEEDS + 1,
    }
    if q:
        found = list(
            active().filter(Q(name__icontains=q) | Q(external_id__icontains=q)).order_by("name", "pk")[: FOUND + 1]
        )
        context |= {"people": found[:FOUND], "more": len(found) > FOUND}
    elif seed is not None:
        context |= {"people": sample(markets, market, segment, seed, as_of)}
    else:
        context |= {"recent": looks.recent(request.user)}  # type: ignore[arg-type]
    return desk.page(request, "activities/desk/field.html", context)


def active() -> QuerySet[Distributor]:
    return Distributor.objects.active().with_market()


def chosen(rows: list[Any], raw: str) -> Any:
    """The one of these whose id was asked for; None for all of them."""
    return next((one for one in rows if str(one.pk) == raw), None)


def seed_of(raw: str) -> int | None:
    """Which sample: a number from 1 on, so that a link shows the same people again. None when none is asked for."""
    if not raw:
        return None
    return min(int(raw), MOST_SEEDS) if raw.isascii() and raw.isdecimal() and len(raw) < 7 and int(raw) else 1


def sample(
    markets: list[Market], market: Market | None, segment: Segment | None, seed: int, as_of: datetime
) -> list[Distributor]:
    """A few people of a market and segment by chance, the same for the same seed."""
    wanted = Q(pk__in=[])
    for one in [market] if market else markets:
        wanted |= Q(market=one) & segments.condition(segment, one.local_day(as_of))
    by_chance = MD5(Concat(Value(f"{seed} "), Cast("pk", CharField())))
    ids = Distributor.objects.active().filter(wanted).order_by(by_chance).values_list("pk", flat=True)[:SAMPLE]
    return list(active().filter(pk__in=list(ids)).order_by("name", "pk"))


@access(HQ)
@require_safe
def field_today(request: HttpRequest, pk: int) -> HttpResponse:
    """Her Today as it is now, in her words and on her clock, without her customers' names. The look is written down
    first, for her to see; nothing else is."""
    as_of = timezone.now()
    distributor = get_object_or_404(active(), pk=pk)
    looks.looked(distributor, by=request.user, page=Look.Page.TODAY, as_of=as_of)  # type: ignore[arg-type]
    context = {
        "whose": distributor,
        "at": as_of.astimezone(distributor.market.zone),
        "language": translation.get_language_info(language_of(distributor)),
        "today": todays(distributor, as_of),
        "may_see_why": admin.site._registry[Slate].has_view_permission(request),
    }
    return render(request, "activities/desk/field_today.html", context)


def language_of(distributor: Distributor) -> str:
    """What the page is written in for her: one that the product does not speak falls back as everywhere."""
    with translation.override(distributor.speaks):
        return translation.get_language() or "en"


def todays(distributor: Distributor, as_of: datetime) -> SafeString:
    """The main part of her page, made by its own template; nothing in it leads anywhere."""
    with translation.override(distributor.speaks), timezone.override(distributor.market.zone):
        shown = recommend.feed(distributor, as_of=as_of, log=False, veiled=True)
        context = {**feed.list_context(shown), **feed.head(shown), **feed.beside(shown)}
        alone = {"frame": "activities/desk/_today_alone.html"}
        return stilled(render_to_string("activities/today.html", context | alone))
