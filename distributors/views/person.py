"""One of her people: what to do next, rhythm, notes, orders, contact; changing what is kept of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from .. import outreach, reorder
from ..access import FIELD, access
from ..bars import Rhythm, rhythm
from ..consent_lines import consent_lines
from ..due_lines import (
    Standing,
    is_about_line,
    next_message,
    order_window,
    said_plainly,
    standing_of,
    told_rhythm,
    window_of,
)  # fmt: skip
from ..forms import ConsentForm, NoteForm, PersonEditForm
from ..happenings import Happening, own_notes
from ..http import FieldRequest, SeeOther, gone_is_404
from ..models import Customer, Note, Order
from ..wording import day_near

#: Orders, notes and contacts shown of one person.
ORDERS, NOTES, CONTACTS = 20, 50, 20
#: A note that was deleted can be put back for so long.
UNDO = timedelta(days=1)
#: Nobody reads a line of orders further back than this.
RHYTHM_ORDERS = 8


def own_customer(request: FieldRequest, pk: int) -> Customer:
    return get_object_or_404(Customer.objects.of(request.distributor.pk), pk=pk)


@access(FIELD)
@require_safe
def person(request: FieldRequest, pk: int) -> HttpResponse:
    return page(request, own_customer(request, pk))


def page(request: FieldRequest, customer: Customer, *, status: int = 200, **other: Any) -> HttpResponse:
    """The whole page, with forms as they were sent in `other`."""
    return render(request, "distributors/person.html", person_context(request, customer) | other, status=status)


def person_context(request: FieldRequest, customer: Customer) -> dict[str, Any]:
    as_of, market = timezone.now(), request.distributor.market
    today = request.distributor.local_day(as_of)
    due = due_of(request, customer, as_of)
    orders = list(Order.objects.filter(customer=customer).order_by("-time")[:ORDERS].prefetch_related("lines__product"))
    # Reasons are given within the caps alone, as the list has it.
    state = Standing.FREE if due else standing_of(customer, market, today)
    bar, likely = rhythm_of(customer, orders, due, today)
    return {
        "customer": customer, "standing": head_line(customer, said_plainly(customer, today)),
        "state": state.value, "waits": next_message(reorder.free_from(customer, market, today), today),
        "rhythm": bar, "likely": likely, "rhythm_line": told_rhythm(customer, due, today),
        **reaching(customer, state, request), **notes_context(customer),
        "orders": [order_text(order) for order in orders], "orders_line": orders_line(customer),
        "history": contact_history(customer), "consents": consent_lines(customer),
        "consent_form": ConsentForm(name=customer.given_name),
        "consent_required": market.consent_required, "language": spoken(customer), "tab": "people",
        "year": str(today.year),
        # Without a reason to be in touch there is no card to ask for, and no room to keep for it.
        "expects_step": due is not None,
    }  # fmt: skip


def due_of(request: FieldRequest, customer: Customer, as_of: datetime) -> reorder.Due | None:
    """Her best reason, the one that her list of people tells."""
    hers = [one for one in reorder.reasons(request.distributor, as_of=as_of) if one.person == customer.pk]
    return next(iter(reorder.details(request.distributor, reorder.best_of(hers), as_of=as_of)), None)


def reaching(customer: Customer, state: Standing, request: FieldRequest) -> dict[str, Any]:
    """A message, which is written on the sheet whatever way it goes, and a call."""
    if state in {Standing.STOPPED, Standing.UNASKED}:
        return {"call": None, "may_write": False, "calls_only": False}
    reachable = outreach.reachable(customer, request.distributor.market)
    ways = outreach.ways(customer, market=request.distributor.market)
    return {
        "call": next((way for way in ways if way.channel == "call"), None),
        "may_write": bool(reachable - {"call"}),
        "calls_only": reachable == {"call"},
    }


def contact_history(customer: Customer) -> list[Happening]:
    """What passed between them, without the orders, which have a list of their own."""
    happened = outreach.history(customer, CONTACTS + ORDERS)
    return [one for one in happened if one.kind != "order"][:CONTACTS]


def spoken(customer: Customer) -> str:
    """The name of the language she is written to, as far as it is one of ours."""
    return str(dict(settings.LANGUAGES).get(customer.language, customer.language))


def head_line(customer: Customer, line: str) -> str:
    """Prospect, hot · Added 8 days ago."""
    kind = str(customer.get_kind_display())
    if customer.hotness and customer.kind == Customer.Kind.PROSPECT:
        kind = _("%(kind)s, %(interest)s") % {"kind": kind, "interest": customer.get_hotness_display().lower()}
    return f"{kind} · {line}"


def rhythm_of(
    customer: Customer, orders: list[Order], due: reorder.Due | None, today: date
) -> tuple[Rhythm | None, str]:
    """The line of her newest orders with the window of the next one, and that window in words while it is not over.

    Where a product line makes her due it is the line's: its last order, and when what she bought is used up.
    """
    window = window_of(due, today) if due else None
    since, first, last = window or (customer.last_order_on, *order_window(customer, lasts(orders)))
    if since is None or first is None or last is None:
        return None, ""
    of_line = due is not None and window is not None and is_about_line(due)
    days = [since] if of_line else sorted({order.day for order in orders})[-RHYTHM_ORDERS:]
    bar = rhythm(since, first, last, today, width=320, orders=days)
    if today > last:
        return bar, ""
    said = {"first": day_near(first, today), "last": day_near(last, today)}
    return bar, _("Likely %(first)s to %(last)s") % said


def lasts(orders: list[Order]) -> int | None:
    """For how many days the main product of the newest order is enough; None when nobody knows."""
    lines = orders[0].lines.all() if orders else []
    known = [(line.amount, line.product.lasts_days) for line in lines if line.product.lasts_days]
    return max(known)[1] if known else None


@dataclass(frozen=True)
class OrderLineText:
    day: date
    amount: Any
    currency: str
    products: str


def order_text(order: Order) -> OrderLineText:
    return OrderLineText(
        order.day, order.amount, order.currency, ", ".join(line.product.name for line in order.lines.all())
    )


def orders_line(customer: Customer) -> str:
    n = customer.orders
    return ngettext("%(n)s order", "%(n)s orders", n) % {"n": number_format(n)}


# Notes


def notes_context(customer: Customer, form: NoteForm | None = None) -> dict[str, Any]:
    return {"customer": customer, "notes": own_notes(customer)[:NOTES], "note_form": form or NoteForm()}


@access(FIELD)
@require_POST
@gone_is_404
def note_add(request: FieldRequest, pk: int) -> HttpResponse:
    customer = own_customer(request, pk)
    form = NoteForm(request.POST)
    if form.is_valid():
        outreach.add_note(customer=customer, text=form.cleaned_data["text"], as_of=timezone.now(), by=request.user)
        form = NoteForm()
        if not request.htmx:
            return SeeOther(reverse("person", args=[pk]))
    status = 422 if form.errors else 200
    if request.htmx:
        return render(request, "distributors/_notes.html", notes_context(customer, form), status=status)
    return page(request, customer, status=status, note_form=form)


@access(FIELD)
@require_POST
def note_delete(request: FieldRequest, pk: int, note: int) -> HttpResponse:
    """Gone at once; the answer carries the note, signed, so that it can be put back."""
    customer = own_customer(request, pk)
    there = customer.notes.filter(pk=note).first()
    if there is None:
        return SeeOther(reverse("person", args=[pk]))
    kept = sealed(there)
    there.delete()
    if request.htmx:
        return render(request, "distributors/_notes.html", notes_context(customer) | {"deleted": kept})
    return page(request, customer, deleted=kept)


@access(FIELD)
@require_POST
@gone_is_404
def note_restore(request: FieldRequest, pk: int) -> HttpResponse:
    """The note as it was, once, whatever the number of calls."""
    customer = own_customer(request, pk)
    was = unsealed(request.POST.get("note", ""), customer)
    same = {"customer": customer, "text": was["text"], "at": datetime.fromisoformat(was["at"])}
    with transaction.atomic():
        outreach.lock(customer)
        if not Note.objects.filter(**same).exists():
            Note.objects.create(**same, by_id=was["by"])
    if request.htmx:
        return render(request, "distributors/_notes.html", notes_context(customer))
    return SeeOther(reverse("person", args=[pk]))


def sealed(note: Note) -> str:
    said = {"customer": note.customer_id, "text": note.text, "at": note.at.isoformat(), "by": note.by_id}
    return signing.dumps(said, salt="note", compress=True)


def unsealed(kept: str, customer: Customer) -> dict[str, Any]:
    """404 for what was not sealed here, not for this person, or too long ago."""
    try:
        was: dict[str, Any] = signing.loads(kept, salt="note", max_age=UNDO)
    except signing.BadSignature as error:
        raise Http404 from error
    if was["customer"] != customer.pk:
        raise Http404
    return was


# What is kept of her


@access(FIELD)
@require_http_methods(["GET", "HEAD", "POST"])
@gone_is_404
def person_edit(request: FieldRequest, pk: int) -> HttpResponse:
    customer, as_of = own_customer(request, pk), timezone.now()
    form = PersonEditForm(request.POST or None, customer=customer, today=request.distributor.local_day(as_of))
    if request.method == "POST" and form.is_valid() and change(request, customer, form, as_of):
        return SeeOther(reverse("person", args=[pk]))
    context = {"customer": customer, "form": form, "tab": "people"}
    return render(request, "distributors/person_edit.html", context, status=422 if form.errors else 200)


def change(request: FieldRequest, customer: Customer, form: PersonEditForm, as_of: datetime) -> bool:
    """Whether it was saved; what the log refuses becomes the form's error."""
    if not form.changed:
        return True
    try:
        outreach.change(customer=customer, by=request.user, as_of=as_of, **form.changed)
    except ValueError as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, _("Saved."))
    return True


@access(FIELD)
@require_POST
@gone_is_404
def person_consent(request: FieldRequest, pk: int) -> HttpResponse:
    """Consent given or withdrawn, by channel, with how she knows."""
    customer = own_customer(request, pk)
    form, as_of = ConsentForm(request.POST, name=customer.given_name), timezone.now()
    if not form.is_valid():
        return page(request, customer, status=422, consent_form=form)
    state, origin = form.cleaned_data["state"], form.cleaned_data["origin"]
    with transaction.atomic():
        for channel in form.cleaned_data["channel"]:
            outreach.set_consent(
                customer=customer, channel=channel, state=state, origin=origin, as_of=as_of, by=request.user
            )
    messages.success(request, _("Saved."))
    return SeeOther(reverse("person", args=[pk]) + "#consent")


@access(FIELD)
@require_POST
@gone_is_404
def person_contact(request: FieldRequest, pk: int) -> HttpResponse:
    """Do not contact, and back; with `was`, back to what was on record before."""
    customer, as_of = own_customer(request, pk), timezone.now()
    name = {"name": customer.display_name}
    if request.POST.get("do_not_contact") == "1":
        was = kept_consents(customer)
        outreach.set_do_not_contact(
            customer=customer, stop=True, as_of=as_of, by=request.user, origin=_("noted by you")
        )
        messages.success(request, _("No more cards about %(name)s.") % name, extra_tags=was)
        return SeeOther(reverse("person", args=[pk]))
    if "was" in request.POST:
        outreach.put_back(
            customer=customer, kept=consents_in(request.POST["was"], customer), as_of=as_of, by=request.user
        )
    else:
        outreach.set_do_not_contact(customer=customer, stop=False, as_of=as_of, by=request.user)
    messages.success(request, _("%(name)s may be contacted again.") % name)
    return SeeOther(reverse("person", args=[pk]))


def kept_consents(customer: Customer) -> str:
    """What is on record now, sealed; empty when she is not to be contacted already, which leaves nothing to undo."""
    if customer.do_not_contact:
        return ""
    said = [[one.channel, one.state, one.origin] for one in outreach.consents(customer)]
    return signing.dumps([customer.pk, said], salt="consents", compress=True)


def consents_in(kept: str, customer: Customer) -> list[outreach.Consent]:
    """404 for what was not sealed here, not for this person, or too long ago."""
    try:
        whose, said = signing.loads(kept, salt="consents", max_age=UNDO)
    except signing.BadSignature as error:
        raise Http404 from error
    if whose != customer.pk:
        raise Http404
    return [outreach.Consent(*one) for one in said]
