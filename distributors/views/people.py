"""Her customers and prospects: who is due, everybody, whom a search finds; adding one, and all of them as a table."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from .. import duplicates, exporting, ingest
from ..access import FIELD, access
from ..forms import PersonForm
from ..http import FieldRequest, SeeOther, page_number, typed
from ..models import Customer
from ..people_list import TABS, Asked, PeopleList

#: Look-alikes counted; more are said to be more.
LOOK_ALIKES = 50


@access(FIELD)
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: FieldRequest) -> HttpResponse:
    name = typed(request.GET.get("name", ""))
    first = {"token": uuid.uuid4(), "kind": Customer.Kind.PROSPECT, "name": name}
    form = PersonForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        added = add(request, form)
        if added is not None:
            messages.success(request, _("%(name)s is on your list.") % {"name": added.display_name})
            return SeeOther(reverse("person", args=[added.pk]))
    context = {**listing(request), "add_form": form, "tab": "people"}
    # A phone keeps the form closed until it is asked for; an empty list and what was typed open it.
    context["adding"] = bool(form.errors or name or not context["tabs"][-1].count)
    if request.htmx:
        return render(request, "distributors/_people.html", context)
    context["look_alikes"] = look_alikes(request)
    return render(request, "distributors/people.html", context, status=422 if form.errors else 200)


def add(request: FieldRequest, form: PersonForm) -> Customer | None:
    """The person added; None when the log refuses what was typed, which becomes the form's error."""
    said = dict(form.cleaned_data)
    token = str(said.pop("token"))
    try:
        ingest.record(
            type="contact.added", distributor=request.distributor, time=timezone.now(), external_id=f"contact-{token}",
            data={"customer": token, **{name: value for name, value in said.items() if value}},
        )  # fmt: skip
    except (ValidationError, ValueError) as error:
        form.add_error("name", str(error))
        return None
    return Customer.objects.filter(distributor=request.distributor, external_id=token).first()


def look_alikes(request: FieldRequest) -> str:
    """How many pairs look like one person, as a list says it: 3, or 50+. Empty without any."""
    n = len(duplicates.pairs(request.distributor, limit=LOOK_ALIKES + 1))
    return "" if not n else f"{LOOK_ALIKES}+" if n > LOOK_ALIKES else str(n)


def asked(request: FieldRequest) -> Asked:
    """Nonsense in the address is the first page of who is due."""
    show, interest = request.GET.get("show", "due"), request.GET.get("interest", "")
    show = show if show in TABS else "due"
    return Asked(
        show,
        typed(request.GET.get("q", "")),
        interest if show == "prospects" and interest in Customer.Hotness.values else "",
        "name" if request.GET.get("sort") == "name" else "",
        page_number(request),
    )


@dataclass(frozen=True)
class Tab:
    url: str
    label: str
    count: int
    current: bool


def listing(request: FieldRequest) -> dict[str, Any]:
    """The chosen tab, or the people a search finds."""
    wanted = asked(request)
    found = PeopleList(request.distributor, wanted, timezone.now())
    rows, more = found.shown
    title, text = empty(wanted)
    return {
        "rows": rows, "asked": wanted, "tabs": tabs(found), "interests": interests(found),
        "more_url": address(wanted, page=more) if more else "",
        "sort_url": sort_url(wanted) if wanted.show == "due" and len(found.due) > 1 else "",
        "empty_title": title, "empty_text": text,
        "lede": "" if wanted.q else lede(len(found.due), found.counts["all"]),
        "add_url": f"{reverse('people')}?{urlencode({'name': wanted.q})}#add" if is_name(wanted.q) and not rows else "",
    }  # fmt: skip


def is_name(q: str) -> bool:
    """Neither a number nor an e-mail address."""
    return any(letter.isalpha() for letter in q) and "@" not in q


def address(wanted: Asked, **other: Any) -> str:
    """The page's own address with something else asked for; what is not asked is left out."""
    said = {"show": wanted.show, "q": wanted.q, "interest": wanted.interest, "sort": wanted.sort, **other}
    return f"{reverse('people')}?{urlencode({name: value for name, value in said.items() if value})}"


def sort_url(wanted: Asked) -> str:
    return address(wanted, sort="" if wanted.sort else "name")


def tabs(found: PeopleList) -> list[Tab]:
    labels = {"due": _("Due"), "prospects": _("Prospects"), "all": _("All")}
    counts = {"due": len(found.due), **found.counts}
    return [
        Tab(f"{reverse('people')}?show={name}", label, counts[name], name == found.asked.show)
        for name, label in labels.items()
    ]


def interests(found: PeopleList) -> list[Tab]:
    """Prospects by interest; nothing to choose from where all are alike."""
    if found.asked.show != "prospects" or found.asked.q:
        return []
    here = found.asked.interest
    counted = [(hot, found.counts[f"is_{hot.value}"]) for hot in Customer.Hotness]
    chosen = [
        Tab(address(found.asked, interest="" if hot == here else hot.value), str(hot.label), n, hot == here)
        for hot, n in counted
        if n
    ]
    return chosen if len(chosen) > 1 or here else []


def lede(due: int, everybody: int) -> str:
    if not everybody:
        return _("Add the first person. A name is enough.")
    if not due:
        return _("Nobody is waiting to hear from you today.")
    return ngettext("%(n)s of %(all)s is worth a message now.", "%(n)s of %(all)s are worth a message now.", due) % {
        "n": due, "all": everybody,
    }  # fmt: skip


def empty(wanted: Asked) -> tuple[str, str]:
    if wanted.q:
        return _("Nobody found"), _("Check the spelling, or add the person.")
    if wanted.show == "due":
        return _("Nobody is due today"), _("People come up here when a reorder, a check-in or a promised call is near.")
    if wanted.interest:
        return _("Nobody here"), _("No prospect has this interest now.")
    return _("Nobody here yet"), _("Add the first person. A name is enough.")


@access(FIELD)
@require_safe
def people_export(request: FieldRequest) -> HttpResponse:
    """Everybody as a table for a spreadsheet."""
    day = request.distributor.local_day(timezone.now())
    response = HttpResponse(exporting.people_csv(request.distributor), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="people-{day.isoformat()}.csv"'
    return response
