"""The library as a distributor reads it: what may be shown to a customer today, in which language, and what came of sharing it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from django.db.models import Prefetch, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from distributors import reorder
from distributors.models import Customer, Distributor
from distributors.wording import day_short, said_day

from ..models import Asset, AssetText, Credit, Outreach, ShareLink
from ..ranking.shelf import readable_in
from . import sharing

#: An end this near is told.
NEAR = timedelta(days=60)
#: People named beside an item; the others are counted.
NAMED = 2
#: Kinds that may lead to another site.
ELSEWHERE = frozenset({Asset.Kind.LINK, Asset.Kind.VIDEO})
HOST = re.compile(r"[a-z0-9.-]+")
ICONS = {
    Asset.Kind.ARTICLE: "learn", Asset.Kind.IMAGE: "image", Asset.Kind.DOCUMENT: "file",
    Asset.Kind.VIDEO: "play", Asset.Kind.LINK: "share",
}  # fmt: skip


@dataclass(frozen=True)
class Item:
    """A library item in one language."""

    asset: Asset
    text: AssetText
    until: str = ""  # "until 30 November", when its end is near

    @property
    def icon(self) -> str:
        return ICONS[Asset.Kind(self.asset.kind)]

    @property
    def picture(self) -> str:
        """The address of its picture, small; empty where it has none."""
        if self.asset.kind != Asset.Kind.IMAGE or not self.text.file:
            return ""
        return f"{reverse('library_file', args=[self.asset.key, self.text.language])}?small"

    @property
    def line(self) -> str:
        return self.asset.line.name if self.asset.line else ""


@dataclass(frozen=True)
class Fit:
    """An item and who of today's people it fits: their reason is about its product line."""

    item: Item
    people: int
    named: list[str]

    @property
    def sentence(self) -> str:
        """For Maya and Elin · For Maya, Elin and 3 more."""
        more = self.people - len(self.named)
        names = ", ".join(self.named)
        if more > 0:
            return ngettext("For %(names)s and %(n)s more", "For %(names)s and %(n)s more", more) % {
                "names": names, "n": more,
            }  # fmt: skip
        if len(self.named) == NAMED:
            return _("For %(one)s and %(other)s") % {"one": self.named[0], "other": self.named[1]}
        return _("For %(names)s") % {"names": names}


@dataclass(frozen=True)
class Shared:
    """One of her links, and what came of it."""

    link: ShareLink
    who: str
    at: datetime  # sent, or made where nobody said that it was sent
    opens: int
    results: list[str]  # "Order on 12 November"

    @property
    def opened(self) -> str:
        if not self.opens:
            return _("Not opened yet")
        return ngettext("Opened once", "Opened %(n)s times", self.opens) % {"n": self.opens}


# -- what there is


def has_ended(asset: Asset, day: date) -> bool:
    """Retired, not published yet, or past its last day: a link to it says so."""
    return asset.status != Asset.Status.PUBLISHED or (asset.expires_on is not None and asset.expires_on < day)


def site_of(url: str) -> str:
    """https://shop.example of an address there, as a policy names it; empty for one that no browser could be held to."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        return ""
    named = parts.scheme == "https" and HOST.fullmatch(host) and not names_two(url)
    return f"https://{host}" + (f":{port}" if port else "") if named else ""


def names_two(url: str) -> bool:
    """https://shop.example@evil.example: what reads like the site is a user name there."""
    try:
        return "@" in urlsplit(url).netloc
    except ValueError:
        return False


def text_in(asset: Asset, language: str) -> AssetText | None:
    """Its words as a reader of `language` gets them (`pt-br`, `pt`, English); None when she could not read them."""
    texts = {text.language: text for text in asset.texts.all()}
    return next((texts[one] for one in readable_in(language) if one in texts), None)


def items(language: str, day: date) -> list[Item]:
    """All that may be shown on that day and read in that language, by title. Two queries; `body` is not loaded."""
    current = Asset.objects.published().filter(Q(expires_on=None) | Q(expires_on__gte=day)).select_related("line")
    found = current.prefetch_related(Prefetch("texts", AssetText.objects.defer("body")))
    read = [Item(asset, text, until(asset, day)) for asset in found if (text := text_in(asset, language))]
    return sorted(read, key=lambda one: (one.text.title.casefold(), one.asset.pk))


def item(key: str, language: str, day: date) -> Item | None:
    """One of `items`, in full."""
    asset = Asset.objects.filter(key=key).select_related("line").prefetch_related("texts").first()
    if asset is None or has_ended(asset, day):
        return None
    text = text_in(asset, language)
    return Item(asset, text, until(asset, day)) if text else None


def until(asset: Asset, day: date) -> str:
    """Until 30 November: told when the end is near."""
    last = asset.expires_on
    if last is None or last - day > NEAR:
        return ""
    return _("until %(day)s") % {"day": day_short(last) if last.year == day.year else said_day(last)}


def filtered(found: Iterable[Item], *, q: str = "", line: str = "", kind: str = "") -> list[Item]:
    """Those with every word of `q` in title, caption or product line."""
    words = q.casefold().split()
    return [
        one for one in found
        if (not line or (one.asset.line and one.asset.line.code == line))
        and (not kind or one.asset.kind == kind)
        and all(word in f"{one.text.title} {one.text.caption} {one.line}".casefold() for word in words)
    ]  # fmt: skip


# -- for whom


def for_today(distributor: Distributor, found: Sequence[Item], as_of: datetime, most: int = 3) -> list[Fit]:
    """An item for each product line of those who are due today, the line of most people first. Two queries."""
    due = reorder.best_of(reorder.reasons(distributor, as_of=as_of))
    reachable = Customer.objects.of(distributor.pk).may_be_contacted().in_bulk([one.person for one in due if one.line])
    by_line: dict[int, list[Customer]] = defaultdict(list)
    for one in due:
        if one.person in reachable:
            by_line[one.line].append(reachable[one.person])
    # The first of each line: two items for the same people say no more than one.
    items_by_line = {item.asset.line_id: item for item in reversed(found) if item.asset.line_id}
    fits = [
        Fit(items_by_line[line], len(people), [person.given_name for person in people[:NAMED]])
        for line, people in by_line.items()
        if line in items_by_line
    ]
    return sorted(fits, key=lambda fit: -fit.people)[:most]


def people_for(
    distributor: Distributor, asset: Asset, as_of: datetime, most: int = 8
) -> tuple[list[reorder.Due], list[reorder.Due]]:
    """Who is due today: those whose reason is about its product line, then the others. `most` in all."""
    due = reorder.best_of(reorder.reasons(distributor, as_of=as_of))
    first = sorted(due, key=lambda one: not fits(asset, one.line))[:most]
    n = sum(fits(asset, one.line) for one in first)
    told = reorder.details(distributor, first, as_of=as_of)
    return [one for one in told[:n] if one is not None], [one for one in told[n:] if one is not None]


def fits(asset: Asset, line: int) -> bool:
    """A reason about its product line; an item of no line is for nobody more than for others."""
    return bool(line) and line == asset.line_id


def language_for(customer: Customer | None, distributor: Distributor) -> str:
    """What a customer is written to in: the own language, else the distributor's."""
    return (customer.language if customer else "") or distributor.speaks


# -- what came of it


def shares(distributor: Distributor, asset: Asset | None = None, most: int = 20) -> list[Shared]:
    """What she shared, the newest first: a message with it was sent, or a link made for nobody in particular, or opened.

    A link that was only made for a sheet which she closed again is left out. Four queries.
    """
    links = ShareLink.objects.of(distributor.pk).select_related("asset", "customer").prefetch_related("asset__texts")
    if asset is not None:
        links = links.filter(asset=asset)
    links = links.filter(Q(outreach__state=Outreach.State.SENT) | Q(customer=None) | Q(days__opens__gt=0)).distinct()
    found = list(links.order_by("-made_at", "-pk")[:most])
    opens, sent, results = sharing.opens(found), sent_at(found), results_of(found, distributor)
    told = [
        Shared(link, who(link.customer), sent.get(link.pk, link.made_at), opens[link.pk], results.get(link.pk, []))
        for link in found
    ]
    return sorted(told, key=lambda one: one.at, reverse=True)


def who(customer: Customer | None) -> str:
    if customer is None:
        return _("Anybody")
    return _("Somebody") if customer.merged_into_id or customer.erased_at else customer.display_name


def sent_at(links: Iterable[ShareLink]) -> dict[int, datetime]:
    """When each was sent last, by link id."""
    sent = Outreach.objects.sent().filter(link__in=[link.pk for link in links]).order_by("sent_at")
    return {link: at for link, at in sent.values_list("link_id", "sent_at") if at}


def results_of(links: Iterable[ShareLink], distributor: Distributor) -> dict[int, list[str]]:
    """What was credited to a message that carried the link: "Order on 12 November", the oldest first, by link id."""
    ids = [link.pk for link in links]
    credits = Credit.objects.filter(Q(outreach__link__in=ids) | Q(action__outreach__link__in=ids)).order_by("at")
    found: dict[int, list[str]] = defaultdict(list)
    for direct, by_card, kind, at in credits.values_list("outreach__link", "action__outreach__link", "kind", "at"):
        said = {"kind": Credit.Kind(kind).label, "day": day_short(distributor.local_day(at))}
        found[direct or by_card].append(_("%(kind)s on %(day)s") % said)
    return dict(found)
