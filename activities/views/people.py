"""What reaches further than one of her people's own rows: look-alikes and merging, all that is kept, and erasing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from distributors import duplicates, exporting
from distributors.access import FIELD, access
from distributors.duplicates import Pair
from distributors.http import FieldRequest, SeeOther
from distributors.models import Customer
from distributors.wording import said_day

from .. import forgetting, joining

#: Pairs on the page; the others come up when these are settled.
PAIRS = 20


def own_customer(request: FieldRequest, pk: int) -> Customer:
    return get_object_or_404(Customer.objects.of(request.distributor.pk), pk=pk)


# Look-alikes


@dataclass(frozen=True)
class Compared:
    """One fact of both people of a pair, side by side."""

    label: str
    one: str
    other: str


@dataclass(frozen=True)
class PairCard:
    pair: Pair
    why: str
    facts: list[Compared]
    keep: int  # whose name is offered to be kept

    @property
    def people(self) -> tuple[Customer, Customer]:
        return self.pair.one, self.pair.other


@access(FIELD)
@require_safe
def people_twins(request: FieldRequest) -> HttpResponse:
    """Pairs of her people who look like one person."""
    found = duplicates.pairs(request.distributor, limit=PAIRS + 1)
    cards = [card(pair) for pair in found[:PAIRS]]
    context = {"cards": cards, "more": len(found) > PAIRS, "tab": "people"}
    return render(request, "activities/twins.html", context)


def card(pair: Pair) -> PairCard:
    why = {"phone": _("The same phone number"), "email": _("The same e-mail address")}.get(pair.why, _("The same name"))
    ones, others = facts_of(pair.one), facts_of(pair.other)
    facts = [Compared(label, ones[label], others[label]) for label in ones if ones[label] or others[label]]
    # Who ordered more is more likely to be the entry she works with.
    keep = pair.other if pair.other.orders > pair.one.orders else pair.one
    return PairCard(pair, why, facts, keep.pk)


def facts_of(customer: Customer) -> dict[str, str]:
    """What tells two entries apart, by label; empty where there is nothing."""
    return {
        _("Who"): str(customer.get_kind_display()),
        _("Phone"): customer.phone,
        _("E-mail"): customer.email,
        _("Birthday"): said_day(customer.birthday) if customer.birthday else "",
        _("Orders"): orders_line(customer),
        _("Last contact"): day_of(customer.last_contact_at),
        _("Added"): day_of(customer.added_at),
    }


def orders_line(customer: Customer) -> str:
    if not customer.orders or customer.last_order_on is None:
        return ""
    n = customer.orders
    return ngettext("%(n)s, on %(day)s", "%(n)s, last on %(day)s", n) % {
        "n": n,
        "day": said_day(customer.last_order_on),
    }


def day_of(at: datetime | None) -> str:
    return said_day(timezone.localdate(at)) if at else ""


@access(FIELD)
@require_POST
def people_merge(request: FieldRequest) -> HttpResponse:
    """Two entries become one: the chosen one keeps its name. For good."""
    named = both(request)
    if named is None:
        return SeeOther(reverse("people_twins"))
    one, other = named
    survivor, gone = (other, one) if request.POST.get("keep") == str(other.pk) else (one, other)
    try:
        kept = joining.merge(survivor=survivor, other=gone, as_of=timezone.now(), by=request.user)
    except ValueError as error:  # merged or erased a moment ago, from another tab
        raise Http404 from error
    messages.success(request, _("%(name)s is one person on your list now.") % {"name": kept.display_name})
    return SeeOther(reverse("person", args=[kept.pk]))


@access(FIELD)
@require_POST
def people_not_same(request: FieldRequest) -> HttpResponse:
    """They stay two people, and are not shown as a pair again."""
    named = both(request)
    if named is None:
        return SeeOther(reverse("people_twins"))
    one, other = named
    duplicates.say_not_the_same(one=one, other=other)
    messages.success(request, _("They stay two people."))
    return SeeOther(reverse("people_twins"))


def both(request: FieldRequest) -> tuple[Customer, Customer] | None:
    """The two people a form names, both hers, else 404; None for a form that does not name two."""
    named = [request.POST.get(name, "") for name in ("one", "other")]
    if not all(raw.isdecimal() and len(raw) < 19 for raw in named) or named[0] == named[1]:
        return None
    one, other = (own_customer(request, int(raw)) for raw in named)
    return one, other


# All that is kept, and nothing any more


@access(FIELD)
@require_safe
def person_export(request: FieldRequest, pk: int) -> HttpResponse:
    """All that is kept of a person, as a file for her."""
    customer, as_of = own_customer(request, pk), timezone.now()
    kept: dict[str, Any] = exporting.person(customer, as_of) | forgetting.exported(customer)
    response = JsonResponse(kept, encoder=DjangoJSONEncoder, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="person-{customer.pk}.json"'
    return response


@access(FIELD)
@require_http_methods(["GET", "HEAD", "POST"])
def person_erase(request: FieldRequest, pk: int) -> HttpResponse:
    """Says what goes and what stays; then everything personal goes, for good."""
    customer = own_customer(request, pk)
    if request.method == "POST":
        name = customer.display_name
        try:
            forgetting.erase(customer=customer, as_of=timezone.now(), by=request.user)
        except ValueError as error:  # erased or merged a moment ago, from another tab
            raise Http404 from error
        messages.success(request, _("%(name)s is erased.") % {"name": name})
        return SeeOther(reverse("people"))
    return render(request, "activities/erase.html", {"customer": customer, "tab": "people"})
