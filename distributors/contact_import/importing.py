"""A distributor brings her contacts: a file is read and shown to her, and added when she says so, in one go.

read     a file of a phone or a spreadsheet -> ContactImport; nobody is added, nothing is guessed
compare  each row beside whom she has already, and beside the rows before it
add      contact.added, and consent.changed where the file or she states it with its origin; notes; then the rows are gone
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ..duplicates import DIGITS, MOST_ALIKE
from ..event_types import EventError
from ..ingest import bulk
from ..models import CHANNELS, EVERY_CHANNEL, ContactImport, Customer, Distributor, Note, User
from .files import MOST_BYTES, MOST_ROWS, FileError, text_of
from .tables import read_table
from .values import (
    INSTANT,
    Reader,
    Row,
    checked,
    folded,
    instant,
    many_lines,
    one_line,
    read_by_order,
    slashed_order,
    written_order,
)  # fmt: skip
from .vcards import looks_like_cards, read_cards

#: A file that was read and not added is forgotten after this.
KEPT = timedelta(days=1)
#: Of files read and not added, the newest are kept.
MOST_WAITING = 3
#: What is known of a contact, and can be filled in when it is missing.
DETAILS = ("name", "phone", "email", "birthday", "hotness", "language")


# --- Read -------------------------------------------------------------------------------------------------------------


def read(*, distributor: Distributor, content: bytes, file_name: str, as_of: datetime) -> ContactImport:
    """Raises FileError when the whole file cannot be read. `distributor` comes with her market."""
    rows = rows_of(content, distributor, as_of)
    with transaction.atomic():
        waiting = ContactImport.objects.filter(distributor=distributor, state=ContactImport.State.READ)
        kept = waiting.order_by("-pk").values_list("pk", flat=True)[: MOST_WAITING - 1]
        waiting.exclude(pk__in=list(kept)).delete()
        name = one_line(file_name)[:120]
        return ContactImport.objects.create(distributor=distributor, file_name=name, at=as_of, rows=rows)


def rows_of(content: bytes, distributor: Distributor, as_of: datetime) -> list[Row]:
    """The first tells of the file itself ({"row": 0, cards, certain, unread}), then one a row.

    `slashed` ("dmy", "mdy") is there when a day that could be two was read by that order; `as_market`: the market's own.
    """
    text, certain = text_of(content)
    contents = read_cards(text) if looks_like_cards(text) else read_table(text)
    born = [day for draft in contents.drafts for day in draft.texts.get("birthday", ())]
    agreed = [day for draft in contents.drafts for day in draft.texts.get("consent_on", ())]
    reader = Reader(slashed_order([*born, *agreed], distributor.market), distributor.local_day(as_of))
    about = {"row": 0, "cards": contents.cards, "certain": certain, "unread": contents.unread}
    if read_by_order(born, reader):
        about |= {"slashed": reader.order, "as_market": bool(written_order(distributor.market))}
    return [about, *(checked(draft, reader) for draft in contents.drafts)]


# --- Compare ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A row beside whom it seems to be: one of hers (`known`), or an earlier row of the file (`twin`).

    `why` is "phone", "email" or "name", the first of these that they share.
    """

    row: Row
    known: Customer | None = None
    twin: Row | None = None
    why: str = ""

    @property
    def problem(self) -> str:
        return str(self.row["problem"])

    @property
    def is_new(self) -> bool:
        return not (self.problem or self.known or self.twin)

    @property
    def number(self) -> int:
        return int(self.row["row"])


Mark = tuple[str, str]


def compare(distributor: Distributor, rows: Iterable[Row]) -> list[Line]:
    """One query, however many rows. The same number, then address, then name; among several, who has the same name."""
    rows = [row for row in rows if row["row"]]
    people = list(Customer.objects.of(distributor.pk).order_by("pk"))
    shared = Counter(mark for row in rows if not row["problem"] for mark in marks(row))
    hers: dict[Mark, list[Customer]] = {}
    for person in people:
        for mark in marks({"phone": person.phone, "email": person.email, "name": person.name}):
            hers.setdefault(mark, []).append(person)
    earlier: dict[Mark, list[Row]] = {}
    lines = []
    for row in rows:
        line = Line(row) if row["problem"] else beside(row, hers, earlier, shared)
        lines.append(line)
        if line.is_new:
            for mark in marks(row):
                earlier.setdefault(mark, []).append(row)
    return lines


def marks(row: Row) -> list[Mark]:
    """By what a person is recognised, the surest first."""
    digits = "".join(letter for letter in row["phone"] if letter.isdecimal())
    found = [("phone", digits[-DIGITS:])] if len(digits) >= 6 else []
    if row["email"]:
        found.append(("email", row["email"].casefold()))
    if name := folded(row["name"]):
        found.append(("name", name))
    return found


def beside(row: Row, hers: dict[Mark, list[Customer]], earlier: dict[Mark, list[Row]], shared: Counter[Mark]) -> Line:
    name = folded(row["name"])
    for mark in marks(row):
        people, twins = hers.get(mark, []), earlier.get(mark, [])
        # A number that so many share is a placeholder ("000000"), not a person.
        if max(len(people), shared[mark]) > MOST_ALIKE and mark[0] != "name":
            continue
        if people:
            known = next((one for one in people if folded(one.name) == name), people[0])
            return Line(with_refusals(row, known), known=known, why=mark[0])
        if twins:
            return Line(row, twin=next((one for one in twins if folded(one["name"]) == name), twins[0]), why=mark[0])
    return Line(row)


def refused_by(person: Customer | None) -> int:
    """Channels that she has refused, as bits."""
    if person is None:
        return 0
    return EVERY_CHANNEL if person.do_not_contact else person.refused


def bits(channel: str) -> int:
    return CHANNELS.get(channel, EVERY_CHANNEL)


def with_refusals(row: Row, known: Customer) -> Row:
    """The row with a sentence when the file says yes to what she has refused."""
    given = [consent for consent in row["consents"] if consent["state"] == "given"]
    if not any(bits(consent["channel"]) & refused_by(known) for consent in given):
        return row
    sentence = _("%(name)s refused this before: the yes of the file does not count.") % {"name": known.display_name}
    return row | {"left_out": [*row["left_out"], sentence]}


# --- Add --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wish:
    """What she chose. `kind`: of those whose kind the file does not say. `others`: rows that are somebody else after all.

    `agreed`: channels by which the people who are added agreed to be reached, and `origin`: how she knows.
    """

    kind: str = Customer.Kind.PROSPECT.value
    fill: bool = False
    others: frozenset[int] = frozenset()
    agreed: tuple[str, ...] = ()
    origin: str = ""


@dataclass
class Added:
    """How many people became hers, and of how many something was filled in."""

    new: int = 0
    filled: int = 0


@dataclass
class Plan:
    """What an import will write. `states` holds what is known of a person once the events so far are stored."""

    key: str
    at: datetime
    events: list[dict[str, Any]] = field(default_factory=list)
    notes: dict[str, list[tuple[str, str]]] = field(
        default_factory=dict
    )  # (day or "", text), by the contact's external id
    states: dict[str, Row] = field(default_factory=dict)
    targets: dict[int, str] = field(default_factory=dict)  # row -> external id
    refused: dict[str, int] = field(default_factory=dict)  # by the contact's external id: channels as bits


@transaction.atomic
def add(*, distributor: Distributor, pk: int, wish: Wish, by: User | None, as_of: datetime) -> Added | None:
    """Everybody or nobody, in one transaction: stopped in between, nothing is written and she can press again.

    None when these rows were added before: a second tap adds nobody. Raises ContactImport.DoesNotExist when there is no
    such import of hers, EventError when the log refuses what she wished.
    """
    # Two imports of hers take turns, so that the second sees whom the first added.
    Distributor.objects.select_for_update(no_key=True).get(pk=distributor.pk)
    brought = ContactImport.objects.select_for_update().get(pk=pk, distributor=distributor)
    if brought.state == ContactImport.State.ADDED:
        return None
    lines = compare(distributor, brought.rows)
    plan, added = planned(distributor, brought, lines, wish, as_of)
    summary = bulk(plan.events, received_at=as_of)
    if summary.failed:
        raise EventError(str(summary.errors[0]["error"]))
    write_notes(distributor, plan, by)
    # A file is often called like the person whose card it is.
    brought.rows, brought.file_name, brought.state = [], "", ContactImport.State.ADDED
    brought.save(update_fields=["rows", "file_name", "state"])
    return added


def planned(
    distributor: Distributor, brought: ContactImport, lines: list[Line], wish: Wish, as_of: datetime
) -> tuple[Plan, Added]:
    plan, added = Plan(f"import-{brought.pk}", as_of), Added()
    filled: set[str] = set()
    for line in lines:
        if line.problem:
            continue
        if line.is_new or line.number in wish.others:
            add_person(plan, distributor, line.row, wish)
            added.new += 1
        elif wish.fill and (person := filled_person(plan, distributor, line)):
            filled.add(person)
    # Twins of new rows fill in a person who is counted as new already.
    added.filled = len(filled - set(plan.targets.values()))
    return plan, added


def add_person(plan: Plan, distributor: Distributor, row: Row, wish: Wish) -> None:
    person = plan.targets[row["row"]] = f"{plan.key}-{row['row']}"
    plan.states[person] = dict(row)
    data = {name: row[name] for name in DETAILS if row[name]} | {"kind": row["kind"] or wish.kind}
    state(plan, distributor, "contact.added", person, person, data, row.get("added", ""))
    own = row["consents"]
    for consent in own:
        state_consent(plan, distributor, row, person, consent)
    named = {consent["channel"] for consent in own}
    for channel in wish.agreed:
        if channel not in named and "all" not in named:
            said = {"channel": channel, "state": "given", "origin": wish.origin, "on": ""}
            state_consent(plan, distributor, row, person, said)
    note(plan, person, row)


def filled_person(plan: Plan, distributor: Distributor, line: Line) -> str:
    """What the row says and is not known yet goes to whom she has; her external id, "" when there is nothing."""
    row, person = line.row, target(plan, line)
    if not person:
        return ""
    has = plan.states.setdefault(person, state_of(line.known))
    plan.refused.setdefault(person, refused_by(line.known))
    data = {name: row[name] for name in DETAILS if row[name] and not has[name]}
    if data:
        has.update(data)
        state(plan, distributor, "contact.added", f"{plan.key}-{row['row']}", person, data)
    consents = allowed(row["consents"], plan.refused[person])
    for consent in consents:
        state_consent(plan, distributor, row, person, consent)
    return person if note(plan, person, row) or data or consents else ""


def note(plan: Plan, person: str, row: Row) -> bool:
    """Whether the row says anything else about her."""
    said = [(day, text) for day, text in row.get("dated_notes", ())] + ([("", row["note"])] if row["note"] else [])
    if said:
        plan.notes.setdefault(person, []).extend(said)
    return bool(said)


def allowed(consents: list[Row], refused: int) -> list[Row]:
    """Without a yes to what she has refused: that takes her own word, not a file's. "all" leaves the other channels."""
    named = {consent["channel"] for consent in consents}
    left: list[Row] = []
    for consent in consents:
        if consent["state"] != "given" or not bits(consent["channel"]) & refused:
            left.append(consent)
        elif consent["channel"] == "all":
            others = (name for name, bit in CHANNELS.items() if not bit & refused and name not in named)
            left += [consent | {"channel": name} for name in others]
    return left


def target(plan: Plan, line: Line) -> str:
    if line.known:
        return line.known.external_id
    return plan.targets.get(line.twin["row"], "") if line.twin else ""


def state_of(person: Customer | None) -> Row:
    if person is None:
        return dict.fromkeys(DETAILS, "")
    said = {name: getattr(person, name) or "" for name in DETAILS}
    # Of a customer nobody asks how interested she is.
    return said if person.kind == Customer.Kind.PROSPECT else said | {"hotness": "known"}


def state(plan: Plan, distributor: Distributor, type_: str, key: str, person: str, data: Row, at: str = "") -> None:
    """One event, named after the import and the row, so that it is stored once however often it is sent."""
    plan.events.append(
        {
            "specversion": "1.0", "source": "pep", "id": key, "type": type_, "subject": distributor.external_id,
            "time": moment(at, distributor, plan.at), "data": {"customer": person, **data},
        }
    )  # fmt: skip


def state_consent(plan: Plan, distributor: Distributor, row: Row, person: str, consent: Row) -> None:
    if consent["state"] == "withdrawn":
        plan.refused[person] = plan.refused.get(person, 0) | bits(consent["channel"])
    # Of two rows about one person the later one sorts after the earlier one, and so counts.
    key = f"{plan.key}-{row['row']:06}-{consent['channel']}"
    data = {name: consent[name] for name in ("channel", "state", "origin") if consent[name]}
    state(plan, distributor, "consent.changed", key, person, data, consent["on"])


def moment(day: str, distributor: Distributor, as_of: datetime) -> datetime:
    """The stated instant, or noon of the stated day in her market, or now."""
    if not day:
        return as_of
    if INSTANT.fullmatch(day):
        return min(instant(day) or as_of, as_of)
    noon = datetime.combine(date.fromisoformat(day), time(12), distributor.market.zone).astimezone(UTC)
    return min(noon, as_of)


def write_notes(distributor: Distributor, plan: Plan, by: User | None) -> None:
    """What the file says of people, unless the very same note is there."""
    if not plan.notes:
        return
    ids = dict(Customer.objects.of(distributor.pk).filter(external_id__in=plan.notes).values_list("external_id", "pk"))
    there = Note.objects.filter(customer__in=ids.values()).values_list("customer", "text")
    # A note that was exported comes back without the blanks that nobody sees.
    known = {(pk, written) for pk, text in there for written in (text, many_lines(text))}
    wanted: dict[tuple[int, str], str] = {}
    for person, notes in plan.notes.items():
        for day, text in notes if person in ids else ():
            wanted.setdefault((ids[person], text), day)
    Note.objects.bulk_create(
        Note(customer_id=customer, text=text, at=moment(day, distributor, plan.at), by=by)
        for (customer, text), day in sorted(wanted.items())
        if (customer, text) not in known
    )


# --- Forget -----------------------------------------------------------------------------------------------------------


def forget_old() -> None:
    """What was brought a day ago goes, added or not."""
    ContactImport.objects.filter(at__lt=timezone.now() - KEPT).delete()


__all__ = ["MOST_BYTES", "MOST_ROWS", "Added", "FileError", "Line", "Wish", "add", "compare", "forget_old", "read"]
