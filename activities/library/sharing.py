"""Personal links to library items, and how often they were opened. Of who opened one nothing is kept or logged."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Sum
from django.http import HttpRequest
from django.urls import reverse

from distributors import outreach as reaching
from distributors.models import Customer, Distributor

from ..models import Asset, LinkDay, ShareLink

#: Reading on, coming back to the tab, a second device: within it a link counts one open.
ONE_OPEN = timedelta(minutes=10)
TOKEN_BYTES = 16


def link_for(
    *, distributor: Distributor, customer: Customer | None, asset: Asset, language: str, as_of: datetime
) -> ShareLink:
    """Her link to this item for this customer, or for nobody in particular; the same one when asked again.

    Customer.DoesNotExist for who was erased or merged since.
    """
    there = ShareLink.objects.filter(distributor=distributor, customer=customer, asset=asset, language=language).first()
    if there is not None:
        return there
    with transaction.atomic():
        if customer is not None:
            reaching.lock(customer)
        link, _new = ShareLink.objects.get_or_create(
            distributor=distributor, customer=customer, asset=asset, language=language,
            defaults={"token": secrets.token_urlsafe(TOKEN_BYTES), "made_at": as_of},
        )  # fmt: skip
        return link


def address(link: ShareLink, request: HttpRequest) -> str:
    """What she sends: the whole address, with the host that she uses herself."""
    return request.build_absolute_uri(reverse("shared", args=[link.token]))


def opens(links: Iterable[ShareLink]) -> dict[int, int]:
    """How often each was opened, by link id; one that never was has 0. One query."""
    ids = [link.pk for link in links]
    counts = LinkDay.objects.filter(link__in=ids).values_list("link").annotate(Sum("opens"))
    return dict.fromkeys(ids, 0) | dict(counts)


@transaction.atomic
def counted(link: ShareLink, as_of: datetime) -> bool:
    """Count that somebody opened it, unless the last ten minutes have an open already. Whether it was counted."""
    # The link's row makes two openers take turns, on a day that has no row yet as well.
    ShareLink.objects.select_for_update(no_key=True).get(pk=link.pk)
    newest = LinkDay.objects.filter(link=link).order_by("-last_at").first()
    if newest is not None and as_of < newest.last_at + ONE_OPEN:
        return False
    day = link.distributor.local_day(as_of)
    today, _new = LinkDay.objects.get_or_create(link=link, day=day, defaults={"last_at": as_of})
    today.opens += 1
    today.last_at = as_of
    today.save(update_fields=["opens", "last_at"])
    return True
