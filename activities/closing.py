"""To-dos that close themselves: she was shown one, and its result arrived as an event (F6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, Prefetch, Q
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from distributors.models import Customer, Distributor, Event, OrderLine
from distributors.money import format_money

from .adopting import adopt
from .cards import Done, Target
from .models import Action, Activity, ActivityText, Slate, Sweep
from .record import act, titled

#: How long a card that was shown or started waits for its result.
WAITS = timedelta(days=14)
#: A transaction that stored events may take so long to commit before the sweep could miss it; the next page load
#: of the person settles it in any case.
SETTLING = timedelta(minutes=15)
BLOCK = 500


@dataclass
class Open:
    """A card that waits for its result, of one person."""

    distributor_id: int
    activity: Activity
    customer_id: int | None
    recruit_id: int | None
    first: datetime  # when she first saw it in the last two weeks
    last: datetime
    started: bool = False

    @property
    def about_key(self) -> str:
        if self.customer_id is not None:
            return f"c{self.customer_id}"
        return f"r{self.recruit_id}" if self.recruit_id is not None else ""

    @property
    def key(self) -> tuple[int, int, str]:
        return self.distributor_id, self.activity.pk, self.about_key


@dataclass(frozen=True)
class Result:
    """An event that could be the result, with the lines of its order or the prospects of the one who enrolled."""

    event: Event
    lines: frozenset[int]
    enrolled: frozenset[int]


def settle(distributor_ids: Iterable[int], *, as_of: datetime) -> list[Action]:
    """Close what these people's events have settled; the new actions. Idempotent, five queries when nothing has."""
    ids = list(distributor_ids)
    adopted = adopt(ids, as_of=as_of)
    closers = Activity.objects.exclude(closes_on="").select_related("line").in_bulk()
    deeds = deeds_of(ids, as_of)
    waiting = without_ended(shown_cards(ids, closers, as_of) + started_cards(deeds, closers), deeds)
    if not waiting:
        return adopted
    # An event that closed a card does so once, even when she took that back.
    spent = {deed["closed_by_id"] for deed in deeds}
    matched: list[tuple[Open, Event]] = []
    for result in results(waiting):
        fitting = [one for one in waiting if result.event.pk not in spent and settles(result, one)]
        if fitting:
            # One event closes one to-do: the one she started, else the one she saw last.
            best = max(fitting, key=lambda one: (one.started, one.last, -one.activity.pk))
            waiting.remove(best)
            matched.append((best, result.event))
    return adopted + (close(matched, as_of=as_of) if matched else [])


def deeds_of(ids: list[int], as_of: datetime) -> list[dict[str, Any]]:
    """What these people did in the last two weeks, what they took back included."""
    return [
        dict(row)
        for row in Action.objects.filter(distributor_id__in=ids, at__gt=as_of - WAITS).values(
            "distributor_id", "activity_id", "customer_id", "recruit_id", "about_key", "kind", "at", "undone_at", "closed_by_id"
        )
    ]  # fmt: skip


def shown_cards(ids: list[int], closers: Mapping[int, Activity], as_of: datetime) -> list[Open]:
    slates = Slate.objects.filter(distributor_id__in=ids, shown_at__gt=as_of - WAITS, shown_at__lte=as_of)
    return [
        Open(distributor_id, closers[card["activity"]], card["customer"], card["recruit"], shown_at, shown_at)
        for distributor_id, shown_at, cards in slates.values_list("distributor_id", "shown_at", "cards")
        for card in cards
        if card["activity"] in closers
    ]


def started_cards(deeds: list[dict[str, Any]], closers: Mapping[int, Activity]) -> list[Open]:
    return [
        Open(d["distributor_id"], closers[d["activity_id"]], d["customer_id"], d["recruit_id"], d["at"], d["at"], True)
        for d in deeds
        if d["kind"] == Action.Kind.START and d["undone_at"] is None and d["activity_id"] in closers
    ]


def without_ended(seen: list[Open], deeds: list[dict[str, Any]]) -> list[Open]:
    """One entry a card, and only those neither done nor dismissed since she first saw them."""
    found: dict[tuple[int, int, str], Open] = {}
    for one in seen:
        kept = found.setdefault(one.key, one)
        kept.first, kept.last = min(kept.first, one.first), max(kept.last, one.last)
        kept.started = kept.started or one.started
    ended: dict[tuple[int, int, str], datetime] = {}
    for deed in deeds:
        if deed["kind"] in (Action.Kind.DONE, Action.Kind.DISMISS) and deed["undone_at"] is None:
            key = (deed["distributor_id"], deed["activity_id"], deed["about_key"])
            ended[key] = max(ended.get(key, deed["at"]), deed["at"])
    return [one for key, one in found.items() if key not in ended or ended[key] < one.first]


def results(waiting: list[Open]) -> list[Result]:
    """Events that could be what the cards wait for, oldest first."""
    people = {one.distributor_id for one in waiting}
    customers = {one.customer_id for one in waiting if one.customer_id}
    events = (
        Event.objects.filter(
            Q(distributor_id__in=people, customer_id__in=customers)
            | Q(distributor_id__in=people, customer__isnull=True)
            | Q(distributor_id__in=people, type="contact.added")
            | Q(distributor_id__in={one.recruit_id for one in waiting if one.recruit_id})
            | Q(distributor__sponsor_id__in=people, type="distributor.enrolled"),
            type__in={one.activity.closes_on for one in waiting},
            time__gt=min(one.first for one in waiting) - timedelta(days=1),
        )
        .select_related("distributor")
        .order_by("time", "pk")
    )
    found = list(events)
    lines: dict[int, set[int]] = defaultdict(set)
    if found and any(one.activity.line_id for one in waiting):
        bought = OrderLine.objects.filter(order_id__in=[event.pk for event in found])
        for order_id, line_id in bought.values_list("order_id", "line_id"):
            lines[order_id].add(line_id)
    prospects = names_of(customers) if any(event.type == "distributor.enrolled" for event in found) else {}
    return [
        Result(event, frozenset(lines[event.pk]), frozenset(prospects.get(event.distributor.name.casefold(), ())))
        for event in found
    ]


def names_of(customer_ids: set[int]) -> dict[str, set[int]]:
    """Customers by name: an enrolment names the person and knows no contact."""
    found: dict[str, set[int]] = defaultdict(set)
    for pk, name in Customer.objects.filter(pk__in=customer_ids).values_list("pk", "name"):
        found[name.casefold()].add(pk)
    return found


def settles(result: Result, one: Open) -> bool:
    """The right type, about the right person and line, and it came after she was shown the card."""
    event, activity = result.event, one.activity
    if event.type != activity.closes_on:
        return False
    if activity.line_id is not None and event.type == "order.placed" and activity.line_id not in result.lines:
        return False
    return came_after(event, one.first) and is_about(result, one)


def came_after(event: Event, shown: datetime) -> bool:
    """It happened after, or reached us after and is of that day at least: an order at 8:00 settles a card of 9:00."""
    return event.time >= shown or (event.received_at >= shown and event.time > shown - timedelta(days=1))


def is_about(result: Result, one: Open) -> bool:
    event = result.event
    if one.recruit_id is not None:
        return event.distributor_id == one.recruit_id
    if event.type == "distributor.enrolled":
        hers = event.distributor.sponsor_id == one.distributor_id
        return hers and (one.customer_id is None or one.customer_id in result.enrolled)
    return event.distributor_id == one.distributor_id and one.customer_id in (None, event.customer_id)


@transaction.atomic
def close(matched: list[tuple[Open, Event]], *, as_of: datetime) -> list[Action]:
    """Write the completions down, each with an event that names the one that closed it."""
    people = Distributor.objects.with_market().in_bulk({one.distributor_id for one, _event in matched})
    customers = Customer.objects.in_bulk({one.customer_id for one, _event in matched if one.customer_id})
    recruits = Distributor.objects.in_bulk({one.recruit_id for one, _event in matched if one.recruit_id})
    closed = []
    for one, event in sorted(matched, key=lambda pair: pair[0].key):
        target = Target(
            activity=one.activity,
            customer=customers.get(one.customer_id or 0),
            recruit=recruits.get(one.recruit_id or 0),
        )
        action, made = act(
            distributor=people[one.distributor_id], target=target, kind=Action.Kind.DONE, as_of=as_of, closed_by=event
        )
        if made:
            closed.append(action)
    return closed


def settle_recent() -> None:
    """For the schedule: what events settled for people who have not opened the app since."""
    sweep(as_of=timezone.now())


def sweep(*, as_of: datetime) -> int:
    """Settle everybody an event reached since the last sweep; to-dos closed.

    The mark moves only after the work, and only past events that are old enough to have no uncommitted neighbours: a
    sweep that is missed, killed or run twice leaves nothing out.
    """
    mark = Sweep.objects.filter(name="settle").values_list("event_id", flat=True).first() or 0
    fresh = Event.objects.filter(pk__gt=mark).order_by()
    reached = set(fresh.values_list("distributor_id", flat=True).distinct())
    # A recruit's order closes her sponsor's card, and her enrolment too.
    reached |= set(
        Distributor.objects.filter(pk__in=reached, sponsor__isnull=False).values_list("sponsor_id", flat=True)
    )
    ids = sorted(reached)
    closed = sum(len(settle(ids[n : n + BLOCK], as_of=as_of)) for n in range(0, len(ids), BLOCK))
    old = fresh.filter(received_at__lt=as_of - SETTLING).aggregate(last=Max("pk"))["last"]
    Sweep.objects.update_or_create(name="settle", defaults={"event_id": old or mark, "swept_at": as_of})
    return closed


def done_on(distributor: Distributor, day: date) -> list[Done]:
    """What she did, and what closed itself, on a local day, newest first."""
    actions = (
        Action.objects.of(distributor.pk)
        .standing()
        .filter(kind=Action.Kind.DONE, day=day)
        .select_related("activity__line", "customer", "recruit", "closed_by__customer", "closed_by__distributor")
        .prefetch_related(Prefetch("activity__texts", ActivityText.objects.defer("body", "message"), to_attr="words"))
        .order_by("-at", "-pk")
    )
    return [
        Done(
            action,
            titled(action.activity, action.activity.words, action.customer or action.recruit, distributor.speaks),  # type: ignore[attr-defined]
            closing_sentence(action, distributor),
        )
        for action in actions
    ]


def closing_sentence(action: Action, distributor: Distributor) -> str:
    """Maria ordered $34 at 10:42. This closed itself."""
    event = action.closed_by
    if event is None:
        return ""
    who = action.customer or action.recruit or event.customer
    name = who.given_name if who else event.distributor.given_name
    with translation.override(distributor.speaks):
        at = date_format(event.time.astimezone(distributor.market.zone), pgettext("time format", "H:i"))
        said = {"name": name, "time": at}
        if event.type == "order.placed":
            amount = format_money(float(event.data["amount"]), event.data["currency"], distributor.speaks)
            return _("%(name)s ordered %(amount)s at %(time)s. This closed itself.") % (said | {"amount": amount})
        if event.type == "distributor.enrolled":
            said["name"] = event.distributor.given_name
            return _("%(name)s enrolled at %(time)s. This closed itself.") % said
        return _("The result arrived at %(time)s. This closed itself.") % said
