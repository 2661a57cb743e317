"""To-dos that close themselves: she was shown one, and its result arrived as an event (F6). What it followed: crediting.py."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Max, Prefetch, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from distributors.models import Customer, Distributor, Event, OrderLine
from distributors.veils import veiled

from . import result_lines
from .adopting import adopt
from .cards import Done, Target
from .crediting import credit, enrolled_contacts
from .models import Action, Activity, ActivityText, Credit, Sweep
from .record import act, take_turns, titled

#: How long a card that was shown or started waits for its result.
WAITS = timedelta(days=14)
#: A transaction that stored events may take so long to commit before the sweep could miss it; the next page load
#: of the person settles it in any case.
SETTLING = timedelta(minutes=15)
BLOCK = 500


@dataclass(frozen=True)
class Open:
    """A card that waits for its result, of one person."""

    distributor_id: int
    activity: Activity
    customer_id: int | None
    recruit_id: int | None
    first: datetime  # when she first saw it, in the last two weeks and since it last ended
    last: datetime
    started: bool

    @property
    def key(self) -> tuple[int, int, int, int]:
        return self.distributor_id, self.activity.pk, self.customer_id or 0, self.recruit_id or 0


@dataclass(frozen=True)
class Result:
    """An event that could be the result, with the lines of its order or the prospects of the one who enrolled."""

    event: Event
    lines: frozenset[int]
    enrolled: frozenset[int]


def settle(distributor_ids: Iterable[int], *, as_of: datetime) -> list[Action]:
    """Close what these people's events have settled, and credit their results; the new actions. Idempotent, six queries
    when nothing has.

    A card that was only shown closes as one that she began does, but its result is credited to nothing of hers by it.

    All that is stored counts, also what came after `as_of`, and as time goes by cards only cease to wait: who was settled
    once needs it again only when something new is stored about her (ranking/memory.py).
    """
    ids = list(distributor_ids)
    adopted = adopt(ids, as_of=as_of)
    waiting = waiting_cards(ids, as_of)
    found = results(waiting) if waiting else []
    spent = spent_among({result.event.pk for result in found})
    matched: list[tuple[Open, Event]] = []
    for result in found:
        fitting = [one for one in waiting if result.event.pk not in spent and settles(result, one)]
        if fitting:
            # One event closes one to-do: the one she started, else the one she saw last.
            best = max(fitting, key=lambda one: (one.started, one.last, -one.activity.pk))
            waiting.remove(best)
            matched.append((best, result.event))
    closed = close(matched, as_of=as_of) if matched else []
    credit(ids, as_of=as_of)
    return adopted + closed


# A card waits from when it was shown or started; done or dismissed, it waits again once it is shown again. The log of lists is
# never rewritten: a contact that became another one since (joining.py) is that one here.
WAITING = """
WITH ended AS (
    SELECT distributor_id, activity_id, about_key, max(at) AS at FROM activities_action
    WHERE distributor_id = ANY(%(ids)s::bigint[]) AND at > %(since)s AND undone_at IS NULL AND kind IN ('done', 'dismiss')
    GROUP BY 1, 2, 3
), seen AS (
    SELECT s.distributor_id, c.activity AS activity_id, coalesce(gone.merged_into_id, c.customer) AS customer_id,
           c.recruit AS recruit_id, s.shown_at AS at, false AS started
    FROM activities_slate s
    CROSS JOIN LATERAL jsonb_to_recordset(s.cards) AS c(activity bigint, customer bigint, recruit bigint)
    LEFT JOIN distributors_customer gone ON gone.id = c.customer AND gone.merged_into_id IS NOT NULL
    WHERE s.distributor_id = ANY(%(ids)s::bigint[]) AND s.day >= %(since)s::date - 1 AND s.shown_at > %(since)s
    UNION ALL
    SELECT distributor_id, activity_id, customer_id, recruit_id, at, true FROM activities_action
    WHERE distributor_id = ANY(%(ids)s::bigint[]) AND at > %(since)s AND undone_at IS NULL AND kind = 'start'
)
SELECT s.distributor_id, s.activity_id, s.customer_id, s.recruit_id, min(s.at), max(s.at), bool_or(s.started)
FROM seen s JOIN activities_activity a ON a.id = s.activity_id AND a.closes_on <> ''
LEFT JOIN ended e ON e.distributor_id = s.distributor_id AND e.activity_id = s.activity_id
     AND e.about_key = coalesce('c' || s.customer_id, 'r' || s.recruit_id, '')
WHERE e.at IS NULL OR s.at > e.at
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
"""


def waiting_cards(ids: list[int], as_of: datetime) -> list[Open]:
    """One entry a card that was shown or started in the last two weeks, and neither done nor dismissed since."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, {"ids": ids, "since": as_of - WAITS})
        rows = cursor.fetchall()
    if not rows:
        return []
    activities = Activity.objects.select_related("line").in_bulk({row[1] for row in rows})
    return [Open(who, activities[activity], *rest) for who, activity, *rest in rows]


def spent_among(event_ids: set[int]) -> set[int]:
    """Which of these events have closed a card: each does so once, even when she took that back."""
    if not event_ids:
        return set()
    return set(Action.objects.filter(closed_by__in=event_ids).values_list("closed_by_id", flat=True))


def results(waiting: list[Open]) -> list[Result]:
    """Events that could be what the cards wait for, oldest first."""
    people = {one.distributor_id for one in waiting}
    customers = {one.customer_id for one in waiting if one.customer_id}
    types = {one.activity.closes_on for one in waiting}
    since = min(one.first for one in waiting) - timedelta(days=1)
    events = (
        Event.objects.filter(
            Q(distributor_id__in=people, customer_id__in=customers)
            | Q(distributor_id__in=people, customer__isnull=True)
            | Q(distributor_id__in=people, type="contact.added")
            | Q(distributor_id__in={one.recruit_id for one in waiting if one.recruit_id})
            | Q(pk__in=enrolments(people, since) if "distributor.enrolled" in types else []),
            type__in=types,
            time__gt=since,
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
    prospects = enrolled_contacts(people, since) if any(event.type == "distributor.enrolled" for event in found) else {}
    return [Result(event, frozenset(lines[event.pk]), frozenset(prospects.get(event.pk, ()))) for event in found]


def enrolments(sponsors: set[int], since: datetime) -> list[int]:
    """The events by which these people's recruits enrolled: listed, so that the log is read by its indexes alone."""
    recruits = Distributor.objects.filter(sponsor_id__in=sponsors, enrolled_by__time__gt=since)
    return list(recruits.values_list("enrolled_by_id", flat=True))


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
    take_turns(one.distributor_id for one, _event in matched)
    # Of several settling at once the others may have been first.
    spent = spent_among({event.pk for _one, event in matched})
    people = Distributor.objects.with_market().in_bulk({one.distributor_id for one, _event in matched})
    customers = Customer.objects.in_bulk({one.customer_id for one, _event in matched if one.customer_id})
    recruits = Distributor.objects.in_bulk({one.recruit_id for one, _event in matched if one.recruit_id})
    closed = []
    for one, event in sorted(matched, key=lambda pair: pair[0].key):
        if event.pk in spent:
            continue
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


def told(distributor: Distributor, ids: list[int], *, veil: bool = False) -> list[Done]:
    """These completions of hers in words, newest first. `veil`: customers by their initials. No query without any."""
    if not ids:
        return []
    actions = list(
        Action.objects.of(distributor.pk)
        .filter(pk__in=ids)
        .select_related("activity__line", "customer", "recruit", "closed_by__customer", "closed_by__distributor")
        .prefetch_related(Prefetch("activity__texts", ActivityText.objects.defer("body", "message"), to_attr="words"))
        .order_by("-at", "-pk")
    )
    results = credits_of(actions)
    if veil:
        for action in actions:
            hide_customers(action)
    return [
        Done(
            action,
            titled(action.activity, action.activity.words, action.customer or action.recruit, distributor.speaks),  # type: ignore[attr-defined]
            closing_sentence(action, distributor, results.get(action.pk)),
        )
        for action in actions
    ]


def hide_customers(action: Action) -> None:
    """In what was loaded only: the action is told, never saved."""
    if action.customer is not None:
        action.customer = veiled(action.customer)
    if action.closed_by is not None and action.closed_by.customer is not None:
        action.closed_by.customer = veiled(action.closed_by.customer)


def credits_of(actions: Sequence[Action]) -> dict[int, Credit]:
    """By action: the credit of the event that closed it, whatever that followed; of one that she did herself the newest result
    that followed it. One query; none without actions."""
    if not actions:
        return {}
    closing = {action.closed_by_id: action.pk for action in actions if action.closed_by_id}
    done = {action.pk for action in actions if not action.closed_by_id}
    found = Credit.objects.filter(Q(event__in=closing) | Q(action__in=done)).filter(
        distributor__in={action.distributor_id for action in actions}
    )
    loaded = found.select_related("event__distributor", *result_lines.TOUCH).order_by("at", "pk")
    # The newest comes last.
    return {closing.get(one.event_id) or one.action_id or 0: one for one in loaded}


def closing_sentence(action: Action, distributor: Distributor, followed: Credit | None = None) -> str:
    """Maria ordered $34 at 10:42, 2 days after your message. This closed itself. · Without the last sentence for what she did
    herself; nothing for that without a result."""
    event = action.closed_by or (followed.event if followed else None)
    if event is None:
        return ""
    who = action.customer or action.recruit or event.customer
    name = who.given_name if who else event.distributor.given_name
    if event.type == "distributor.enrolled":
        name = event.distributor.given_name
    with translation.override(distributor.speaks):
        said = result_lines.told(event, name, followed, distributor)
        return said if action.closed_by is None else " ".join([said, _("This closed itself.")])
