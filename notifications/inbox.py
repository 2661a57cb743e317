"""Her notification centre: news is pulled from what the apps below recorded, when she looks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Exists, OuterRef
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from activities import result_lines
from activities.closing import closing_sentence, credits_of
from activities.models import Action, Credit
from activities.record import title_of
from distributors import goals
from distributors.models import Customer, Distributor, Goal
from distributors.wording import counted, day_short, line_names, metric_title

from . import ruled
from .choose import News, reached_goals
from .models import Notice

#: News older than this is history, not news.
FRESH = timedelta(days=14)


def pull(distributor: Distributor, *, as_of: datetime) -> None:
    """Write down what is new as notices. The unique key makes a second pull, or two at once, change nothing."""
    news = [
        *closed_by_themselves(distributor, as_of),
        *results(distributor, as_of),
        *reached_goals(goals.states(distributor, as_of=as_of), as_of=as_of),
    ]
    known = set(
        Notice.objects.of(distributor.pk).filter(key__in=[one.key for one in news]).values_list("key", flat=True)
    )
    rows = [
        Notice(distributor=distributor, key=one.key, kind=one.kind, facts=one.facts, at=one.at)
        for one in news
        if one.key not in known
    ]
    if rows:
        Notice.objects.bulk_create(rows, ignore_conflicts=True)
    ruled.pull(distributor, as_of=as_of)


def closed_by_themselves(distributor: Distributor, as_of: datetime) -> list[News]:
    """To-dos that closed because their result arrived; not where the result followed something of hers, which says more
    (`results`). The words are made now, in her language, from the event."""
    followed = Credit.objects.filter(distributor=distributor, event=OuterRef("closed_by"))
    actions = (
        Action.objects.of(distributor.pk).standing()
        .filter(~Exists(followed), closed_by__isnull=False, at__gt=as_of - FRESH)
        .select_related("activity__line", "customer", "recruit", "closed_by__customer", "closed_by__distributor")
        .order_by("pk")
    )  # fmt: skip
    return [News(f"closed-{action.pk}", Notice.Kind.CLOSED, {"action": action.pk}, action.at) for action in actions]


def results(distributor: Distributor, as_of: datetime) -> list[News]:
    """What followed something she did, once a result, whatever to-do it closed besides.

    Only the event is remembered, and no name: of somebody who was erased nothing is left to tell.
    """
    found = Credit.objects.filter(distributor=distributor, at__gt=as_of - FRESH).order_by("pk")
    return [
        News(f"result-{event}", Notice.Kind.RESULT, {"event": event}, at)
        for event, at in found.values_list("event_id", "at")
    ]


def unread(distributor: Distributor) -> int:
    return Notice.objects.of(distributor.pk).unread().count()


def mark_all_read(*, distributor: Distributor, as_of: datetime) -> int:
    return Notice.objects.of(distributor.pk).unread().update(read_at=as_of)


@dataclass(frozen=True)
class Line:
    """A notice in her language."""

    notice: Notice
    title: str
    text: str
    why: str = ""  # what it was sent for, where the text does not say it
    to_do: bool = False  # something on Today goes with it
    person: Customer | None = None  # whose page has the rest


def lines(distributor: Distributor, notices: list[Notice], *, as_of: datetime) -> list[Line]:
    """Sentences from the stored facts; a notice whose facts are gone (an erased customer, a rule) is left out."""
    actions = {
        action.pk: action
        for action in Action.objects.of(distributor.pk)
        .filter(pk__in=[notice.facts.get("action") or 0 for notice in notices])
        .select_related("activity__line", "customer", "recruit", "closed_by__customer", "closed_by__distributor")
    }
    followed = credits_of(list(actions.values()))
    came = results_in(distributor, [notice.facts["event"] for notice in notices if notice.kind == Notice.Kind.RESULT])
    names = line_names(str(notice.facts.get("scope", "")) for notice in notices)
    calls = [notice.facts["call"] for notice in notices if notice.kind == Notice.Kind.RULE]
    told = ruled.told(distributor, calls, today=distributor.local_day(as_of))
    found = []
    for notice in notices:
        if notice.kind == Notice.Kind.GOAL:
            found.append(goal_line(notice, names))
        elif notice.kind == Notice.Kind.RULE:
            if said := told.get(notice.facts["call"]):
                found.append(Line(notice, said.title, said.text, said.why, said.to_do))
        elif notice.kind == Notice.Kind.RESULT:
            credit = came.get(notice.facts["event"])
            line = result_line(notice, credit, distributor) if credit else None
            if line and not (line.person and line.person.erased_at):
                found.append(line)
        elif action := actions.get(notice.facts.get("action")):
            title = title_of(action.activity, action.customer or action.recruit, distributor.speaks)
            text = closing_sentence(action, distributor, followed.get(action.pk))
            if not (action.customer and action.customer.erased_at):
                found.append(Line(notice, title, text, person=action.customer))
    return found


def results_in(distributor: Distributor, event_ids: list[int]) -> dict[int, Credit]:
    """Hers by event, with what the words are made of. No query without any."""
    if not event_ids:
        return {}
    found = Credit.objects.filter(distributor=distributor, event__in=event_ids)
    loaded = found.select_related("event__customer", "event__distributor", "action__customer", "outreach__customer",
                                  *result_lines.TOUCH)  # fmt: skip
    return {credit.event_id: credit for credit in loaded}


def result_line(notice: Notice, credit: Credit, reader: Distributor) -> Line:
    """An order from Maya. · Maya ordered $34 at 10:42, 2 days after your message. · Why: your message of 25 August."""
    customer = credit.outreach.customer if credit.outreach else credit.action.customer if credit.action else None
    # Of a recruit's order or enrolment the news is about her.
    own = credit.event.distributor_id == reader.pk
    name = customer.given_name if own and customer else credit.event.distributor.given_name
    titles = {
        Credit.Kind.ORDER: _("An order from %(name)s"),
        Credit.Kind.REPLY: _("A reply from %(name)s"),
        Credit.Kind.ENROLMENT: _("%(name)s has enrolled"),
    }
    title = titles[Credit.Kind(credit.kind)] % {"name": name}
    text = result_lines.told(credit.event, name, credit, reader)
    return Line(notice, title, text, result_lines.came_last(credit, reader), person=customer)


def goal_line(notice: Notice, names: dict[str, str]) -> Line:
    """Sales: $250 reached. · Week to 30 August."""
    facts = notice.facts
    metric = metric_title(facts["metric"], facts["scope"], names)
    target = counted(Decimal(facts["target"]), facts["metric"], facts["currency"])
    first, last = parse_date(facts["first"]), parse_date(facts["last"])
    return Line(
        notice,
        _("Your goal is reached: %(target)s") % {"target": target},
        _("%(metric)s, %(period)s.") % {"metric": metric, "period": period(facts["period"], first, last)},
    )


def period(kind: str, first: date | None, last: date | None) -> str:
    if first is None or last is None:
        return ""
    if kind == Goal.Period.MONTH:
        return date_format(first, "F Y")
    return _("%(first)s to %(last)s") % {"first": day_short(first), "last": day_short(last)}
