"""What rules tell her: open calls of firings become notices, in her language, each with the reason it was made for.

At most MOST a week, whatever HQ has published: the more important rules first; the others wait, and lapse when their days are
over. Other channels send what `news` finds, under the same cap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from activities.ranking import shelf as shelves
from activities.record import take_turns
from activities.rules import reasoning
from distributors import conditions
from distributors.conditions import ConditionError, Fact, Leaf, worded
from distributors.conditions.vocabulary import VOCABULARY
from distributors.conditions.worded import Names
from distributors.models import Distributor
from kpis import definitions, rule_figures
from kpis.definitions import Definition
from kpis.models import Call, Firing, Rule, RuleVersion
from kpis.rule_effects import Effect, Tell

from .choose import News
from .models import Notice

#: Notices of rules in any WINDOW, for one person.
MOST, WINDOW = 4, timedelta(days=7)
#: A call is open for at most this long: what was noticed earlier is not asked about.
LONGEST = timedelta(days=31)


def pull(distributor: Distributor, *, as_of: datetime) -> None:
    """Write down what is news. One query when nothing is open, two when all of it is told or has to wait."""
    if not news(distributor, as_of=as_of):
        return
    # Asked again in turn: two looks at once do not pass her cap.
    with transaction.atomic():
        take_turns([distributor.pk])
        rows = [
            Notice(distributor=distributor, key=one.key, kind=one.kind, facts=one.facts, at=one.at)
            for one in news(distributor, as_of=as_of)
        ]
        Notice.objects.bulk_create(rows, ignore_conflicts=True)


def news(distributor: Distributor, *, as_of: datetime) -> list[News]:
    """What is to be told and was not yet, the most important first, as far as the week has room. At most two queries."""
    open_calls = waiting(distributor, as_of)
    if not open_calls:
        return []
    there = dict(
        Notice.objects.of(distributor.pk).filter(kind=Notice.Kind.RULE, at__gt=as_of - LONGEST).values_list("key", "at")
    )
    room = MOST - sum(at > as_of - WINDOW for at in there.values())
    fresh = [call for call in open_calls if key_of(call) not in there]
    return [News(key_of(call), Notice.Kind.RULE, {"call": call.pk}, as_of) for call in fresh[: max(0, room)]]


def key_of(call: Call) -> str:
    return f"call-{call.pk}"


def waiting(distributor: Distributor, as_of: datetime) -> list[Call]:
    """Open calls that can be put in words, told or not: one for each firing, of rules that are live and still say it, about
    herself or who is on her team.

    By the rule's priority, then the newest first. One query.
    """
    today = distributor.local_day(as_of)
    newest = RuleVersion.objects.filter(rule=OuterRef("firing__rule")).order_by("-number")
    open_calls = (
        Call.objects.open_on(today)
        .filter(
            to=distributor, what=Call.What.NOTICE, firing__held_back=False, firing__rule__state=Rule.State.LIVE,
            firing__distributor__left_on__isnull=True,
        )
        .select_related("firing__version", "firing__distributor")
        .annotate(newest=Subquery(newest.values("definition")[:1]))
        .order_by("firing", "place")
    )  # fmt: skip
    # Of a rule that says two things to one person, the first one is said.
    firsts: dict[int, Call] = {}
    for call in open_calls:
        if is_hers(call, distributor):
            firsts.setdefault(call.firing_id, call)
    found = [
        (definition, call)
        for call in firsts.values()
        if (definition := definition_of(call)) is not None
        and still_says(call.newest, definition.then[call.place], today)  # type: ignore[attr-defined]
    ]
    found.sort(key=lambda one: (-one[0].priority, -one[1].since.toordinal(), -one[1].pk))
    return [call for _definition, call in found]


def is_hers(call: Call, reader: Distributor) -> bool:
    """About herself, or somebody whom she leads still."""
    whom = call.firing.distributor
    return whom.pk == reader.pk or whom.sponsor_id == reader.pk


def still_says(newest: object, told: Effect, today: date) -> bool:
    """Whether the rule, as it reads now, is not over on her day and tells the same to the same reader.

    A translation that was added changes nothing; other words in English take back those that nobody has read yet.
    """
    try:
        found = definitions.read(newest)
    except ConditionError:
        return False
    if found.ends_on is not None and found.ends_on < today:
        return False
    return any(same_notice(effect, told) for effect in found.then)


def same_notice(one: Effect, other: Effect) -> bool:
    return (
        isinstance(one, Tell)
        and isinstance(other, Tell)
        and (one.to, one.title["en"], one.text["en"]) == (other.to, other.title["en"], other.text["en"])
    )


def definition_of(call: Call) -> Definition | None:
    """What the rule said when it fired; None when that no longer reads, or says nothing in that place."""
    try:
        found = definitions.read(call.firing.version.definition)
    except ConditionError:
        return None
    return found if call.place < len(found.then) and isinstance(found.then[call.place], Tell) else None


# In words


@dataclass(frozen=True)
class Told:
    title: str
    text: str
    why: str  # the reason, unless the text has it
    to_do: bool  # the same firing asks her for an activity now


def told(reader: Distributor, call_ids: Iterable[int], *, today: date) -> dict[int, Told]:
    """By call. One whose firing, person or words are gone is left out. No query without a call, else six."""
    wanted = set(call_ids)
    if not wanted:
        return {}
    calls = [
        call
        for call in Call.objects.filter(pk__in=wanted, to=reader, firing__distributor__left_on__isnull=True)
        .select_related("firing__version", "firing__distributor__market")
        if is_hers(call, reader)
    ]  # fmt: skip
    asked = asked_of(reader, calls, today)
    names = reasoning.named(shelves.current(), reader.speaks) if calls else None
    found = {}
    for call in calls:
        definition = definition_of(call)
        if names is not None and definition is not None:
            found[call.pk] = in_words(call, definition, reader, names, to_do=call.firing_id in asked)
    return found


def asked_of(reader: Distributor, calls: Sequence[Call], today: date) -> set[int]:
    """Firings of these that ask her for an activity as well, as long as they do. One query."""
    to_dos = Call.objects.open_on(today).filter(
        firing__in={call.firing_id for call in calls}, to=reader, what=Call.What.ACTIVITY
    )
    return set(to_dos.values_list("firing", flat=True))


def in_words(call: Call, definition: Definition, reader: Distributor, names: Names, *, to_do: bool) -> Told:
    effect = definition.then[call.place]
    assert isinstance(effect, Tell)
    firing, whom = call.firing, call.firing.distributor
    because = reason(firing, definition, reader, names)
    figures = rule_figures.told(firing.facts, whom.market, firing.day)
    title, text = effect.said(reader.speaks, name=whom.given_name, reason=because, figures=figures)
    return Told(title.strip(), text.strip(), "" if because in text else because, to_do)


def reason(firing: Firing, definition: Definition, reader: Distributor, names: Names) -> str:
    """The figures it fired on, as far as the reader may know them, the most telling ones; never empty.

    A leader is told what rules/reasoning.may_tell says: sales and recruits, who she is, nothing of customers, goals or to-dos.
    """
    whom = firing.distributor
    leader = whom.pk != reader.pk
    said = [
        worded.told(
            leaf, value, to="leader" if leader else "her", name=whom.given_name, market=whom.market, names=names
        )
        for leaf, value in remembered(firing, definition)
        if reasoning.may_tell(leaf, leader=leader)
    ]
    return " ".join(list(dict.fromkeys(filter(None, said)))[: reasoning.MOST]) or neutral(whom, leader=leader)


def neutral(whom: Distributor, *, leader: bool) -> str:
    """Where the facts are not to be told, as on a card (rules/reasoning.py)."""
    if leader:
        return _("A word from you would help %(name)s now.") % {"name": whom.given_name}
    return _("%(company)s has picked this for you now.") % {"company": getattr(settings, "COMPANY_NAME", "YouSystem")}


def remembered(firing: Firing, definition: Definition) -> list[tuple[Leaf, float | str | None]]:
    """The conditions that made it so with their values then, the most telling first; each fact once."""
    leaves = dict(conditions.leaves(definition.when))
    known: dict[Fact, tuple[Leaf, float | str | None]] = {}
    for path, value in firing.facts:
        if path in leaves:
            known.setdefault(leaves[path].fact, (leaves[path], value))
    return sorted(known.values(), key=lambda one: strength(one[0]))


def strength(leaf: Leaf) -> int:
    """0 is the most telling."""
    group, order = VOCABULARY[leaf.fact.name].group, reasoning.STRONGEST
    return order.index(group) if group in order else len(order)
