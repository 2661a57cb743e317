"""She brings her contacts: choose a file, see what is in it, add them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from ..access import FIELD, access
from ..consent_lines import CHANNEL_LABELS
from ..contact_import import importing
from ..contact_import.import_forms import FileForm, WishForm
from ..contact_import.importing import Added, FileError, Line, Wish
from ..contact_import.tables import example
from ..contact_import.values import Row
from ..event_types import EventError
from ..http import FieldRequest, SeeOther
from ..models import ContactImport, Customer
from ..wording import day_short, number, said_day

#: People shown of those who are new.
FIRST = 10
#: Of those who are new, so many can be looked through; beyond FIRST they are folded away.
MOST_SHOWN = 500
#: Of those she has already, so many can be told apart one by one; Django takes 5,000 fields in a form.
MOST_KNOWN = 200
#: The rest of them is folded away.
FEW_KNOWN = 8


@access(FIELD)
@require_http_methods(["GET", "HEAD", "POST"])
def people_import(request: FieldRequest) -> HttpResponse:
    if "example" in request.GET:
        return example_file(request)
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
    if request.method == "POST" and form.is_valid() and (brought := read(request, form)):
        return SeeOther(reverse("people_import_check", args=[brought.pk]))
    context = {
        "form": form, "megabytes": importing.MOST_BYTES // 1_000_000,
        "most": number(importing.MOST_ROWS), "tab": "people",
    }  # fmt: skip
    return render(request, "distributors/import.html", context, status=422 if form.errors else 200)


def example_file(request: FieldRequest) -> HttpResponse:
    response = HttpResponse(example(request.distributor.speaks), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{_("contacts-example")}.csv"'
    return response


def read(request: FieldRequest, form: FileForm) -> ContactImport | None:
    """What is wrong with the whole file becomes the form's error."""
    file = form.cleaned_data["file"]
    try:
        return importing.read(
            distributor=request.distributor, content=file.read(), file_name=file.name or "", as_of=timezone.now()
        )
    except FileError as problem:
        form.add_error("file", str(problem))
        return None


@access(FIELD)
@require_http_methods(["GET", "HEAD", "POST"])
def people_import_check(request: FieldRequest, pk: int) -> HttpResponse:
    brought = get_object_or_404(ContactImport.objects.filter(distributor=request.distributor), pk=pk)
    if brought.state == ContactImport.State.ADDED:
        return done(request, None)
    if request.method == "POST" and "discard" in request.POST:
        brought.delete()
        messages.success(request, _("Nobody was added, and the file is forgotten."))
        return SeeOther(reverse("people"))
    lines = importing.compare(request.distributor, brought.rows)
    form = wish_form(request, lines)
    if request.method == "POST" and form.is_valid():
        return add(request, brought, form)
    context = preview(brought, lines) | {
        "form": form, "tab": "people", "consent_required": request.distributor.market.consent_required,
        "others": set(request.POST.getlist("others")),
    }  # fmt: skip
    return render(request, "distributors/import_check.html", context, status=422 if form.errors else 200)


def wish_form(request: FieldRequest, lines: list[Line]) -> WishForm:
    able = [line for line in lines if not line.problem]
    return WishForm(
        request.POST if request.method == "POST" else None,
        asks_kind=any(not line.row["kind"] for line in able), asks_known=any(not line.is_new for line in able),
        asks_consent=bool(able),
    )  # fmt: skip


def add(request: FieldRequest, brought: ContactImport, form: WishForm) -> HttpResponse:
    data = form.cleaned_data
    others = frozenset(int(n) for n in request.POST.getlist("others") if n.isascii() and n.isdecimal() and len(n) < 7)
    wish = Wish(
        kind=data.get("kind") or Customer.Kind.PROSPECT.value, fill=data.get("known") == "fill", others=others,
        agreed=tuple(data.get("channels", ())), origin=data.get("origin", ""),
    )  # fmt: skip
    try:
        added = importing.add(
            distributor=request.distributor, pk=brought.pk, wish=wish, by=request.user, as_of=timezone.now()
        )
    except ContactImport.DoesNotExist:
        raise Http404 from None
    except EventError as problem:
        messages.error(request, _("Nobody was added: %(why)s") % {"why": problem})
        return SeeOther(reverse("people_import_check", args=[brought.pk]))
    return done(request, added)


def done(request: FieldRequest, added: Added | None) -> HttpResponse:
    messages.success(request, _("These people were added before.") if added is None else told(added))
    return SeeOther(f"{reverse('people')}?show=all")


def told(added: Added) -> str:
    parts = []
    if added.new:
        parts.append(
            ngettext("%(n)s person is on your list.", "%(n)s people are on your list.", added.new)
            % {"n": number(added.new)}
        )
    if added.filled:
        parts.append(
            ngettext("%(n)s was filled in.", "%(n)s were filled in.", added.filled) % {"n": number(added.filled)}
        )
    return " ".join(parts) or _("Nobody was added: you have them all.")


# --- What the preview shows -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A row as the page tells it."""

    number: int
    name: str
    details: str
    why: str = ""
    link: int = 0  # the person whom she has


def preview(brought: ContactImport, lines: list[Line]) -> dict[str, Any]:
    about = brought.rows[0] if brought.rows else {}
    new = [line for line in lines if line.is_new]
    known, twins = [line for line in lines if line.known], [line for line in lines if line.twin]
    wrong = [line for line in lines if line.problem]
    left_out = [line for line in lines if line.row["left_out"]]
    return {
        "brought": brought, "counts": counts(len(new), len(known), len(twins), len(wrong), len(left_out)),
        "new": [shown(line) for line in new[:FIRST]], "folded_new": [shown(line) for line in new[FIRST:MOST_SHOWN]],
        "more_new": number(len(new) - MOST_SHOWN) if len(new) > MOST_SHOWN else "",
        "twins": [shown(line) for line in twins[:MOST_KNOWN]],
        "more_twins": number(len(twins) - MOST_KNOWN) if len(twins) > MOST_KNOWN else "",
        "known": [shown(line) for line in known[:FEW_KNOWN]],
        "folded": [shown(line) for line in known[FEW_KNOWN:MOST_KNOWN]],
        "more_known": number(len(known) - MOST_KNOWN) if len(known) > MOST_KNOWN else "",
        "wrong": wrong, "left_out": left_out,
        "row_word": _("Card") if about.get("cards") else _("Row"), "unread": about.get("unread", []),
        "uncertain": not about.get("certain", True), "add_label": add_label(len(new)),
        "addable": bool(new or known or twins), "slashed": slashed(about), "first_label": first_label(len(new)),
    }  # fmt: skip


def slashed(about: Row) -> str:
    """How a birthday that could be two days was read; empty when there is none."""
    order = about.get("slashed")
    if not order:
        return ""
    day = day_short(date(2000, 4, 3) if order == "dmy" else date(2000, 3, 4))
    if about.get("as_market"):
        return _("A birthday such as 03/04 is read as your market writes it (here %(day)s); check it in the list.") % {
            "day": day
        }
    return _(
        "A birthday such as 03/04 is read as other days of your file are written (here %(day)s); check it in the list."
    ) % {"day": day}


def counts(new: int, known: int, twins: int, wrong: int, left_out: int) -> list[tuple[str, str, str]]:
    """(anchor, number, word), without what there is none of; new always."""
    told = [("new", new, ngettext("new", "new", new))]
    if known:
        told.append(("known", known, ngettext("known", "known", known)))
    if twins:
        told.append(("twins", twins, ngettext("twice in the file", "twice in the file", twins)))
    if wrong:
        told.append(("wrong", wrong, ngettext("cannot be added", "cannot be added", wrong)))
    if left_out:
        told.append(("left", left_out, ngettext("loses a detail", "lose a detail", left_out)))
    return [(anchor, number(n), word) for anchor, n, word in told]


def add_label(new: int) -> str:
    if not new:
        return _("Save")
    return ngettext("Add %(n)s person", "Add %(n)s people", new) % {"n": number(new)}


def first_label(new: int) -> str:
    return ngettext("%(n)s new person", "%(n)s new people", new) % {"n": number(new)}


def shown(line: Line) -> Shown:
    row = line.row
    return Shown(line.number, row["name"], " · ".join(details(row)), why(line), line.known.pk if line.known else 0)


def details(row: Row) -> list[str]:
    """Only what the row says."""
    parts = [row["phone"], row["email"]]
    if row["birthday"]:
        day = date.fromisoformat(row["birthday"])
        parts.append(_("born %(day)s") % {"day": said_day(day)})
    if row["kind"]:
        parts.append(str(Customer.Kind(row["kind"]).label))
    if row["hotness"]:
        parts.append(str(Customer.Hotness(row["hotness"]).label))
    parts += [consent_text(consent) for consent in row["consents"]]
    if row["note"]:
        parts.append(row["note"].replace("\n", " ")[:80])
    return [part for part in parts if part]


def consent_text(consent: Row) -> str:
    way = str(CHANNEL_LABELS.get(consent["channel"], _("every way")))
    if consent["state"] == "withdrawn":
        return _("refused: %(way)s") % {"way": way}
    return _("agreed: %(way)s (%(origin)s)") % {"way": way, "origin": consent["origin"]}


def why(line: Line) -> str:
    """Whom the row seems to be, and by what."""
    if line.twin:
        said = {
            "phone": _("The same number as %(name)s in row %(n)s of the file."),
            "email": _("The same e-mail as %(name)s in row %(n)s of the file."),
            "name": _("The same name as row %(n)s of the file."),
        }[line.why]
        return said % {"name": line.twin["name"], "n": line.twin["row"]}
    if line.known:
        said = {
            "phone": _("You have %(name)s with this number."),
            "email": _("You have %(name)s with this e-mail."),
            "name": _("You have somebody of this name: %(name)s."),
        }[line.why]
        return said % {"name": line.known.display_name}
    return ""
