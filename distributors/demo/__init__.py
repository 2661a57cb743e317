"""The demo company YouSystem, generated from a seed and told to the platform through the same ingest as everything.

company  markets and products     people  the sponsor tree     orders   what happens to one of them in 26 weeks
jenna    the worked example       goals   from own history     signins  who may look at it
ranks    what her sales reached   contacts  what customers agreed to, heard and answered
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal

from .. import features
from ..forecast import make_pools
from ..goals import set_goal
from ..ingest import Summary, bulk
from ..models import Distributor, Goal, Market
from . import contacts, jenna, orders, people, ranks
from .company import DOMAIN, SOURCE, found
from .goals import Wish, set_from_history
from .people import Event, Seller

#: Jenna, her sponsor and her team come with every size.
CAST = 11
#: People whose compact rows are made in one go.
BLOCK = 2000

#: Weekly sales for most; a second goal for some.
WISHES = (
    Wish("sales", Goal.Period.WEEK, weight=Decimal(2)),
    Wish("sales", Goal.Period.MONTH, every=7),
    Wish("repeat_orders", Goal.Period.WEEK, every=4),
    Wish("order_size", Goal.Period.MONTH, every=5),
    Wish("enrolments", Goal.Period.MONTH),
    Wish("new_customers", Goal.Period.MONTH, every=6),
)


def sellers(*, seed: int, distributors: int, as_of: datetime) -> list[Seller]:
    """Everybody, sponsors before their recruits; `distributors` is at least the cast."""
    grace = jenna.sponsor(as_of)
    rest = people.field(seed, max(0, distributors - CAST), as_of, first=grace)
    return [grace, jenna.jenna(as_of), *jenna.team(as_of), *rest]


def events(
    *, seed: int, distributors: int, as_of: datetime, told: Callable[[Seller], object] | None = None
) -> Iterator[Event]:
    """All events up to `as_of`, person by person. The same seed, size and moment give the same events.

    `told` is called after each person, for a progress bar.
    """
    for seller in sellers(seed=seed, distributors=distributors, as_of=as_of):
        yield from ranks.with_ranks(seller, events_of(seller, seed=seed, as_of=as_of))
        if told:
            told(seller)


def events_of(seller: Seller, *, seed: int, as_of: datetime) -> Iterator[Event]:
    if seller.external_id == "jenna":
        yield from jenna.events(as_of)
    else:
        told = orders.events_of(seller, seed=seed, as_of=as_of)
        yield from contacts.with_contacts(seller, told, seed=seed, as_of=as_of)
    if seller.external_id == "rosa":
        yield from jenna.rosas_orders(as_of)


def load(*, seed: int, distributors: int, as_of: datetime, told: Callable[[Seller], object] | None = None) -> Summary:
    """Found the company and ingest its events."""
    found()
    return bulk(events(seed=seed, distributors=distributors, as_of=as_of, told=told), received_at=as_of)


def set_goals(*, as_of: datetime) -> int:
    """Jenna's two goals, and goals for everybody else from their own history. Returns how many."""
    me = Distributor.objects.with_market().get(external_id="jenna")
    for metric, period, target in (
        ("sales", Goal.Period.WEEK, jenna.WEEKLY_SALES),
        ("enrolments", Goal.Period.MONTH, jenna.MONTHLY_ENROLMENTS),
    ):
        set_goal(distributor=me, metric=metric, period=period, target=Decimal(target), as_of=as_of, by=None)
    others = list(Distributor.objects.active().with_market().exclude(pk=me.pk).order_by("pk"))
    return 2 + set_from_history(others, WISHES, as_of=as_of)


def forecast(*, as_of: datetime) -> int:
    """What chances are made of, for everybody ahead of the first read; compact rows changed."""
    for market in Market.objects.order_by("pk"):
        make_pools(market, as_of=as_of)
    ids = list(Distributor.objects.active().order_by("pk").values_list("pk", flat=True))
    return sum(features.refresh(ids[first : first + BLOCK]) for first in range(0, len(ids), BLOCK))


__all__ = ["CAST", "DOMAIN", "SOURCE", "events", "forecast", "load", "sellers", "set_goals"]
