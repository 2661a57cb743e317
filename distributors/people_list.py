"""Her list of people as the page shows it: who is due with the best reason, prospects, everybody, or whom a search finds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Case, CharField, Count, F, Func, OuterRef, Q, QuerySet, Subquery, TextField, Value, When
from django.db.models.functions import Coalesce, Lower, NullIf
from django.utils.translation import gettext as _

from . import reorder, spelling
from .due_lines import PersonLine, due_person, plain_person
from .models import Customer, Distributor, Note
from .spelling import holds
from .timing import Reason

#: People on one page of a list.
PAGE = 50
TABS = ("due", "prospects", "all")
#: From so many digits on, what is typed is looked for in phone numbers.
FEWEST_DIGITS = 3
#: What a phone number is written with.
PHONE_LIKE = re.compile(r"[\d\s()+./-]+")
#: Letters of a note around the words that were looked for.
AROUND = 36


@dataclass(frozen=True)
class Asked:
    """What the address says: which people, which page of them."""

    show: str = "due"
    q: str = ""
    interest: str = ""
    sort: str = ""
    page: int = 1


@dataclass(frozen=True)
class Row:
    """One person as a list shows her; `found` is the place of her note that the search was about."""

    person: PersonLine
    found: str = ""


class PeopleList:
    """One distributor's people at one moment. Queries are counted in tests: none a person."""

    def __init__(self, distributor: Distributor, asked: Asked, as_of: datetime) -> None:
        self.distributor, self.asked, self.as_of = distributor, asked, as_of
        self.mine = Customer.objects.of(distributor.pk)

    @cached_property
    def due(self) -> list[Reason]:
        """Each customer once with the best reason, the best first."""
        return reorder.best_of(reorder.reasons(self.distributor, as_of=self.as_of))

    @cached_property
    def counts(self) -> dict[str, int]:
        """All, prospects, and prospects by interest ("" for not said)."""
        prospect = Q(kind=Customer.Kind.PROSPECT)
        by_interest = {f"is_{hot}": Count("pk", filter=prospect & Q(hotness=hot)) for hot in Customer.Hotness.values}
        return self.mine.aggregate(all=Count("pk"), prospects=Count("pk", filter=prospect), **by_interest)

    @cached_property
    def shown(self) -> tuple[list[Row], int]:
        """The page that was asked for, and the number of the next one; 0 when there is none."""
        if self.asked.q:
            chosen = found_by(self.mine, self.asked.q)
        elif self.asked.show == "due":
            return self.due_page()
        elif self.asked.show == "prospects":
            chosen = self.mine.filter(kind=Customer.Kind.PROSPECT)
            chosen = chosen.filter(hotness=self.asked.interest) if self.asked.interest else chosen
        else:
            chosen = self.mine
        rows, more = cut(list(by_name(chosen)[self.start : self.start + PAGE + 1]), self.asked.page)
        return self.told(rows), more

    @property
    def start(self) -> int:
        return (self.asked.page - 1) * PAGE

    def due_page(self) -> tuple[list[Row], int]:
        due = self.due
        if self.asked.sort == "name":
            best = {one.person: one for one in due}
            names = by_name(self.mine.filter(pk__in=list(best))).values_list("pk", flat=True)
            due = [best[pk] for pk in names]
        chosen, more = cut(due[self.start : self.start + PAGE + 1], self.asked.page)
        told = reorder.details(self.distributor, chosen, as_of=self.as_of)
        today = self.distributor.local_day(self.as_of)
        market = self.distributor.market
        return [Row(due_person(one, today, market)) for one in told if one is not None], more

    def told(self, customers: Sequence[Customer]) -> list[Row]:
        """Who is due says why, on every tab; the others say how things stand."""
        best = {one.person: one for one in self.due}
        wanted = [best[one.pk] for one in customers if one.pk in best]
        due = {one.customer.pk: one for one in reorder.details(self.distributor, wanted, as_of=self.as_of) if one}
        today, market = self.distributor.local_day(self.as_of), self.distributor.market
        return [
            Row(
                due_person(due[one.pk], today, market) if one.pk in due else plain_person(one, market, today),
                snippet(getattr(one, "noted", None) or "", self.asked.q),
            )
            for one in customers
        ]


def cut(rows: list[Any], page: int) -> tuple[list[Any], int]:
    """At most a page of them, and the number of the next page when there were more."""
    return rows[:PAGE], page + 1 if len(rows) > PAGE else 0


def by_name(chosen: QuerySet[Customer]) -> QuerySet[Customer]:
    """As a phone book has it: whatever the case, and by number who has no name."""
    return chosen.order_by(Lower(Coalesce(NullIf("name", Value("")), "external_id")), "pk")


def found_by(mine: QuerySet[Customer], q: str) -> QuerySet[Customer]:
    """Whose name, phone, e-mail or notes hold what was typed, however it is spelled. `noted` is the newest note that does."""
    # Her people's notes, and not the whole company's: only where a note and its person are one row can this be told.
    hers = mine.alias(said=Case(When(erased_at=None, then=F("notes__text")), output_field=TextField()))
    has_note = Q(pk__in=hers.filter(holds("said", q)).values("pk"))
    unnamed = Q(name="", external_id__icontains=q)
    wanted = holds("name", q) | Q(email__icontains=q) | unnamed | has_note
    digits = re.sub(r"\D", "", q)
    if len(digits) >= FEWEST_DIGITS and PHONE_LIKE.fullmatch(q):
        mine = mine.alias(digits=digits_of(F("phone")))
        wanted |= Q(digits__contains=digits.removeprefix("00").lstrip("0") or digits)
    newest = Note.objects.filter(holds("text", q), customer=OuterRef("pk")).order_by("-at").values("text")[:1]
    return mine.annotate(noted=Subquery(newest)).filter(wanted)


def digits_of(field: F) -> Func:
    return Func(field, Value(r"\D"), Value(""), Value("g"), function="regexp_replace", output_field=CharField())


def snippet(text: str, q: str) -> str:
    """The note around what was typed, on one line. Empty without a note."""
    said = " ".join(text.split())
    if not said:
        return ""
    begin, end = spelling.find(said, q)
    first, last = max(0, begin - AROUND), end + AROUND
    words = said[first:last].strip()
    return _("Note: %(words)s") % {"words": ("… " if first else "") + words + (" …" if last < len(said) else "")}
