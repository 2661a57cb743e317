"""Her customers and prospects: who is due, everybody, one person."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from .. import ingest, outreach, reorder
from ..access import FIELD, access
from ..bars import rhythm
from ..due_lines import due_person, plain_person
from ..forms import NoteForm, PersonForm
from ..http import FieldRequest, SeeOther, page_number, typed
from ..models import Customer, Order
from ..timing import Reason
from ..wording import day_short

#: People on one page of a list.
PAGE = 50
#: Orders shown of one person.
ORDERS = 20
TABS = ("due", "prospects", "all")


@access(FIELD)
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: FieldRequest) -> HttpResponse:
    form = PersonForm(request.POST or None, initial={"token": uuid.uuid4(), "kind": Customer.Kind.PROSPECT})
    if request.method == "POST" and form.is_valid() and add(request, form):
        messages.success(request, _("%(name)s is on your list.") % {"name": form.cleaned_data["name"]})
        return SeeOther(f"{reverse('people')}?show=all")
    context = {**listing(request), "add_form": form, "tab": "people"}
    if request.htmx:
        return render(request, "distributors/_people.html", context)
    return render(request, "distributors/people.html", context, status=422 if form.errors else 200)


def add(request: FieldRequest, form: PersonForm) -> bool:
    """Whether the person was added; what the log refuses becomes the form's error."""
    data, token = form.cleaned_data, str(form.cleaned_data["token"])
    try:
        ingest.record(
            type="contact.added", distributor=request.distributor, time=timezone.now(), external_id=f"contact-{token}",
            data={"customer": token, "name": data["name"], "kind": data["kind"]},
        )  # fmt: skip
    except (ValidationError, ValueError) as error:
        form.add_error("name", str(error))
        return False
    return True


def listing(request: FieldRequest) -> dict[str, Any]:
    """The chosen tab, or the people a search finds."""
    as_of = timezone.now()
    today, mine = request.distributor.local_day(as_of), Customer.objects.of(request.distributor.pk)
    show = request.GET.get("show", "due")
    show, q, page = (show if show in TABS else "due"), typed(request.GET.get("q", "")), page_number(request)
    due = reorder.best_of(reorder.reasons(request.distributor, as_of=as_of))
    counts = mine.aggregate(all=Count("pk"), prospects=Count("pk", filter=Q(kind=Customer.Kind.PROSPECT)))
    if q:
        found, more = [plain_person(c, today) for c in mine.filter(name__icontains=q).order_by("name", "pk")[:PAGE]], 0
    elif show == "due":
        chosen, more = page_of(due, page)
        told = reorder.details(request.distributor, chosen, as_of=as_of)
        found = [due_person(one, today) for one in told if one is not None]
    else:
        shown = mine.filter(kind=Customer.Kind.PROSPECT) if show == "prospects" else mine
        start = (page - 1) * PAGE
        rows = [plain_person(c, today) for c in shown.order_by("name", "pk")[start : start + PAGE + 1]]
        found, more = rows[:PAGE], page + 1 if len(rows) > PAGE else 0
    tabs = [
        ("due", _("Due"), len(due)),
        ("prospects", _("Prospects"), counts["prospects"]),
        ("all", _("All"), counts["all"]),
    ]
    title, text = empty(show, q)
    return {
        "people": found, "more": more, "show": show, "q": q, "tabs": tabs, "empty_title": title, "empty_text": text,
        "lede": lede(len(due), counts["all"]),
    }  # fmt: skip


def page_of(rows: list[Reason], page: int) -> tuple[list[Reason], int]:
    start = (page - 1) * PAGE
    return rows[start : start + PAGE], page + 1 if len(rows) > start + PAGE else 0


def lede(due: int, everybody: int) -> str:
    if not everybody:
        return _("Add the first person below. A name is enough.")
    if not due:
        return _("Nobody is waiting to hear from you today.")
    return ngettext("%(n)s of %(all)s is worth a message now.", "%(n)s of %(all)s are worth a message now.", due) % {
        "n": due, "all": everybody,
    }  # fmt: skip


def empty(show: str, q: str) -> tuple[str, str]:
    if q:
        return _("Nobody by that name"), _("Check the spelling, or add the person below.")
    if show == "due":
        return _("Nobody is due today"), _("People come up here when a reorder, a check-in or a promised call is near.")
    return _("Nobody here yet"), _("Add the first person below. A name is enough.")


@dataclass(frozen=True)
class OrderLineText:
    day: date
    amount: Any
    currency: str
    products: str


def own_customer(request: FieldRequest, pk: int) -> Customer:
    return get_object_or_404(Customer.objects.of(request.distributor.pk), pk=pk)


@access(FIELD)
@require_safe
def person(request: FieldRequest, pk: int) -> HttpResponse:
    customer = own_customer(request, pk)
    return render(request, "distributors/person.html", person_context(request, customer))


def person_context(request: FieldRequest, customer: Customer) -> dict[str, Any]:
    as_of = timezone.now()
    today = request.distributor.local_day(as_of)
    reasons = [one for one in reorder.reasons(request.distributor, as_of=as_of) if one.person == customer.pk]
    due = next((reason for reason in reasons if reason.window_start), None)
    orders = list(Order.objects.filter(customer=customer).order_by("-time")[:ORDERS].prefetch_related("lines__product"))
    bar, said = None, ""
    if due and due.window_start and due.window_end and customer.last_order_on:
        days = sorted({order.day for order in orders})
        bar = rhythm(customer.last_order_on, due.window_start, due.window_end, today, width=320, orders=days)
        said = _("Likely %(first)s to %(last)s") % {
            "first": day_short(due.window_start),
            "last": day_short(due.window_end),
        }
    return {
        "customer": customer, "standing": standing(customer, today), "rhythm": bar, "rhythm_line": said,
        "ways": outreach.ways(customer), "notes": customer.notes.all()[:50], "note_form": NoteForm(),
        "orders": [order_text(order) for order in orders], "orders_line": orders_line(customer), "tab": "people",
        # Without a reason to be in touch there is no card to ask for, and no room to keep for it.
        "expects_step": bool(reasons),
    }  # fmt: skip


def order_text(order: Order) -> OrderLineText:
    return OrderLineText(
        order.day, order.amount, order.currency, ", ".join(line.product.name for line in order.lines.all())
    )


def standing(customer: Customer, today: date) -> str:
    kind = customer.get_kind_display()
    return f"{kind} · {plain_person(customer, today).line}" if not customer.do_not_contact else str(kind)


def orders_line(customer: Customer) -> str:
    n = customer.orders
    if customer.usual_gap_days and n > 1:
        return _("%(n)s orders, usually every %(days)s days") % {"n": n, "days": round(customer.usual_gap_days)}
    return ngettext("%(n)s order", "%(n)s orders", n) % {"n": n}


@access(FIELD)
@require_POST
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
        context = {"customer": customer, "notes": customer.notes.all()[:50], "note_form": form}
        return render(request, "distributors/_notes.html", context, status=status)
    return render(
        request, "distributors/person.html", person_context(request, customer) | {"note_form": form}, status=status
    )


@access(FIELD)
@require_POST
def person_contact(request: FieldRequest, pk: int) -> HttpResponse:
    """Do not contact, and back."""
    customer = own_customer(request, pk)
    stop = request.POST.get("do_not_contact") == "1"
    outreach.set_do_not_contact(customer=customer, stop=stop, as_of=timezone.now(), by=request.user)
    said = _("No more cards about %(name)s.") if stop else _("%(name)s may be contacted again.")
    messages.success(request, said % {"name": customer.display_name})
    return SeeOther(reverse("person", args=[pk]))
