"""Her library: what she can show a customer, whom it fits today, and what came of what she shared."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from distributors.access import FIELD, access
from distributors.due_lines import due_person, plain_person
from distributors.http import FieldRequest, SeeOther, gone_is_404, typed
from distributors.models import Customer
from distributors.people_list import by_name, found_by

from ..library import reading as shelf
from ..library import sharing, stored
from ..models import Asset, ShareLink
from ..richtext import rendered_once
from .shared import allowing

#: People that a search on an item's page finds.
FOUND = 10


@access(FIELD)
@require_safe
def library(request: FieldRequest) -> HttpResponse:
    as_of, her = timezone.now(), request.distributor
    everything = shelf.items(her.speaks, her.local_day(as_of))
    q, line, kind = typed(request.GET.get("q", "")), request.GET.get("line", ""), request.GET.get("kind", "")
    found = shelf.filtered(everything, q=q, line=line, kind=kind)
    looking = bool(q or line or kind)
    context = {
        "q": q, "line": line, "kind": kind, "items": found, "looking": looking, "any": bool(everything),
        "lines": sorted({(one.asset.line.code, one.line) for one in everything if one.asset.line}, key=lambda of: of[1]),
        "kinds": [choice for choice in Asset.Kind.choices if any(one.asset.kind == choice[0] for one in everything)],
        "fits": [] if looking else shelf.for_today(her, everything, as_of),
        "shares": [] if looking else titled(shelf.shares(her, most=8)),
        "tab": "learn",
    }  # fmt: skip
    return render(request, "activities/_library_items.html" if request.htmx else "activities/library.html", context)


def titled(shares: list[shelf.Shared]) -> list[tuple[shelf.Shared, str]]:
    """With the title in the language that was shared."""
    read = [(one, shelf.text_in(one.link.asset, one.link.language)) for one in shares]
    return [(one, text.title if text else one.link.asset.key) for one, text in read]


@access(FIELD)
@require_safe
def library_item(request: FieldRequest, key: str) -> HttpResponse:
    as_of, her = timezone.now(), request.distributor
    today = her.local_day(as_of)
    item = in_language(request, key)
    q = typed(request.GET.get("q", ""))
    if q:
        mine = by_name(found_by(Customer.objects.of(her.pk).may_be_contacted(), q))
        groups = [("", [plain_person(customer, her.market, today) for customer in mine[:FOUND]])]
    else:
        fitting, others = shelf.people_for(her, item.asset, as_of)
        groups = [("", [due_person(due, today, her.market) for due in fitting])]
        groups += [(_("Others due today") if fitting else "", [due_person(due, today, her.market) for due in others])]
    file = reverse("library_file", args=[item.asset.key, item.text.language]) if item.text.file else ""
    context = {
        "item": item, "asset": item.asset, "text": item.text, "body": rendered_once(item.text.body), "file": file,
        "languages": languages(item), "q": q, "groups": [
            (heading, [(person, sheet(person.customer, item)) for person in people])
            for heading, people in groups if people
        ],
        **made(request, item),
        "shares": shelf.shares(her, item.asset), "tab": "learn",
    }  # fmt: skip
    return allowing(render(request, "activities/library_item.html", context), item.asset, item.text)


def in_language(request: FieldRequest, key: str) -> shelf.Item:
    """The item in the language asked for, else in hers. Raises Http404."""
    language = request.GET.get("language") or request.POST.get("language") or request.distributor.speaks
    item = shelf.item(key, language, request.distributor.local_day(timezone.now()))
    if item is None:
        raise Http404
    return item


def languages(item: shelf.Item) -> list[tuple[str, str]]:
    """Those it is written in, where there is a choice."""
    names = dict(settings.LANGUAGES)
    written = sorted(text.language for text in item.asset.texts.all())
    return [(code, str(names.get(code, code))) for code in written] if len(written) > 1 else []


def sheet(customer: Customer, item: shelf.Item) -> str:
    """The message sheet with this item in it, in the customer's own language where it is written in it."""
    language = customer.language if any(t.language == customer.language for t in item.asset.texts.all()) else ""
    asked = {"asset": item.asset.key} | ({"language": language} if language else {})
    return f"{reverse('message_person', args=[customer.pk])}?{urlencode(asked)}"


def made(request: FieldRequest, item: shelf.Item) -> dict[str, str]:
    """The address of the link she just asked for, and whose it is ("" for anybody's)."""
    pk = request.GET.get("link", "")
    if not (pk.isdecimal() and len(pk) < 19):
        return {}
    links = ShareLink.objects.of(request.distributor.pk).filter(pk=pk, asset=item.asset)
    link = links.select_related("customer").first()
    if link is None:
        return {}
    return {"made": sharing.address(link, request), "made_for": link.customer.given_name if link.customer else ""}


@access(FIELD)
@require_POST
@gone_is_404
def library_share(request: FieldRequest, key: str) -> HttpResponse:
    """Her personal link, for one of her people or for anybody; the item's page shows it to be copied."""
    item, customer, pk = in_language(request, key), None, request.POST.get("customer", "")
    if pk:
        if not (pk.isdecimal() and len(pk) < 19):
            raise Http404
        customer = get_object_or_404(Customer.objects.of(request.distributor.pk), pk=pk)
    link = sharing.link_for(
        distributor=request.distributor, customer=customer, asset=item.asset, language=item.text.language,
        as_of=timezone.now(),
    )  # fmt: skip
    asked = urlencode({"language": item.text.language, "link": str(link.pk)})
    return SeeOther(f"{reverse('library_item', args=[item.asset.key])}?{asked}#link")


@access(FIELD)
@require_safe
def library_file(request: FieldRequest, key: str, language: str) -> HttpResponse:
    item = shelf.item(key, language, request.distributor.local_day(timezone.now()))
    if item is None or item.text.language != language:
        raise Http404
    return stored.small(item.text) if "small" in request.GET else stored.answer(request, item.text)
