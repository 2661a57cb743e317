"""Why one person got what a rule does, or did not: each condition with her value, what else decides, and what came of it.

For HQ. What is about her customers are counts; nobody of them is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from distributors import conditions
from distributors.conditions import ConditionError, Leaf, Node, worded
from distributors.conditions.worded import Names
from distributors.models import Distributor
from distributors.wording import said_day
from kpis import definitions, rule_figures, rules
from kpis.definitions import Definition
from kpis.models import Call, Firing, Rule
from kpis.rule_effects import Effect, Tell

from ..evidence.slate_table import FIELD
from ..models import Action, Activity, Slate
from . import counting, last_week, tried_on
from .counting import BUT_NOT, IF, Parts
from .decisions import value_of
from .tried_on import Crowd

#: Firings told, the newest first.
MOST_FIRINGS = 20
YES, NO, UNKNOWN, UNFINISHED = "yes", "no", "unknown", "unfinished"


@dataclass(frozen=True)
class Line:
    """A condition or a group as it stands with her; `depth` groups are around it."""

    depth: int
    said: str
    told: str  # her value, in a sentence; empty for a group
    state: str


@dataclass(frozen=True)
class Asked:
    """What a firing asked of somebody, and what came of it. `to` is empty for herself."""

    to: str
    what: str
    since: date
    until: date
    came: str


@dataclass(frozen=True)
class Fired:
    day: date
    version: int
    held_back: bool
    why: list[str]
    asked: list[Asked]


@dataclass(frozen=True)
class Why:
    when: list[Line]
    but_not: list[Line]
    verdict: str
    besides: list[str]  # state, validity, held back, cooldown: a sentence each
    fired: list[Fired]


def of(rule: Rule, raw: Mapping[str, Any], distributor: Distributor, names: Names, as_of: datetime) -> Why:
    """Of a definition of the rule, complete or not. Load her `with_market()`. Some fifteen queries."""
    parts = counting.parts_of(raw, names)
    crowd = tried_on.one(distributor, as_of)
    hers = Hers(distributor, parts, crowd, names)
    fired = list(
        Firing.objects.filter(rule=rule, distributor=distributor)
        .select_related("version")
        .prefetch_related("calls__to")
        .order_by("-day", "-pk")[:MOST_FIRINGS]
    )
    return Why(
        when=list(hers.lines(raw.get(IF), IF)),
        but_not=list(hers.lines(raw.get(BUT_NOT), BUT_NOT)) if parts.has_but_not else [],
        verdict=hers.verdict(),
        besides=[
            *besides(rule, parts.definition, distributor, fired[0] if fired else None, as_of),
            *without_anybody(hers, crowd),
        ],
        fired=told_firings(fired, distributor, names, as_of),
    )


# The conditions


class Hers:
    """How a definition stands with one person."""

    def __init__(self, distributor: Distributor, parts: Parts, crowd: Crowd, names: Names) -> None:
        self.distributor, self.parts, self.names = distributor, parts, names
        self.known = crowd.seen > 0
        columns = crowd.columns(counting.facts_in(parts)) if self.known else {}
        self.values = {fact: value_of(column, 0) for fact, column in columns.items()}
        found = counting.held_by(parts, columns, 1) if self.known else {}
        self.holds = {path: bool(held[0]) for path, held in found.items()}

    def lines(self, raw: object, path: str, depth: int = 0) -> Iterator[Line]:
        """The tree of JSON, one line a condition and a group."""
        node = self.parts.nodes.get(path)
        how = counting.how_of(raw)
        if how is None:
            yield self.condition(node, path, depth)
            return
        yield Line(depth, str(HOWS[how]), "", self.state(node, path))
        inside = raw[how] if isinstance(raw, Mapping) else []
        for place, part in enumerate(inside if isinstance(inside, list) else []):
            if depth <= conditions.MOST_DEPTH:
                yield from self.lines(part, f"{path}.{how}.{place}", depth + 1)

    def condition(self, node: Node | None, path: str, depth: int) -> Line:
        if not isinstance(node, Leaf):
            return Line(depth, _("A condition that is not complete yet."), "", UNFINISHED)
        return Line(
            depth, worded.condition(node, self.names), self.told(node), self.state(node, path)
        )  # fmt: skip

    def told(self, leaf: Leaf) -> str:
        return worded.told(
            leaf, self.values.get(leaf.fact), to="hq", name=self.distributor.given_name, market=self.distributor.market,
            names=self.names,
        )  # fmt: skip

    def state(self, node: Node | None, path: str) -> str:
        if node is None or path not in self.holds:
            return UNFINISHED
        if self.holds[path]:
            return YES
        return UNKNOWN if isinstance(node, Leaf) and self.values.get(node.fact) is None else NO

    def verdict(self) -> str:
        """It holds for Dana today. · It does not hold for Dana today."""
        said = {"name": self.distributor.given_name}
        if not self.known:
            return _("Nothing is known of %(name)s yet. Her facts are read within a minute.") % said
        if not self.parts.whole:
            return _("It cannot be said whether it holds for %(name)s: a condition is not complete yet.") % said
        if not self.holds[IF]:
            return _("It does not hold for %(name)s today.") % said
        if self.parts.has_but_not and self.holds[BUT_NOT]:
            return _("It does not hold for %(name)s today: she is an exception by “but not”.") % said
        return _("It holds for %(name)s today.") % said


HOWS = {
    "all": gettext_lazy("All of these"),
    "any": gettext_lazy("Any of these"),
    "none": gettext_lazy("None of these"),
}


# What else decides


def besides(
    rule: Rule, definition: Definition | None, distributor: Distributor, last: Firing | None, as_of: datetime
) -> Iterator[str]:
    """Why nothing happens though it holds, and until when."""
    if rule.state != Rule.State.LIVE:
        yield {
            Rule.State.DRAFT: _("It is not live, so it does nothing for anybody."),
            Rule.State.PAUSED: _("It is paused, so it does nothing for anybody."),
            Rule.State.ENDED: _("It has ended, so it does nothing for anybody."),
        }[Rule.State(rule.state)]
    today = distributor.local_day(as_of)
    if definition is None:
        return
    if definition.starts_on is not None and today < definition.starts_on:
        yield _("It begins on %(day)s.") % {"day": said_day(definition.starts_on)}
    if definition.ends_on is not None and definition.ends_on < today:
        yield _("It ended on %(day)s.") % {"day": said_day(definition.ends_on)}
    if definition.held_back and is_held_back(rule, definition, distributor):
        yield _("Her team is among the %(n)s%% for whom the rule does nothing, so that its effect can be told.") % {
            "n": definition.held_back
        }
    yield cooldown(definition, last, today)


def without_anybody(hers: Hers, crowd: Crowd) -> Iterator[str]:
    """Why it holds and does not fire (somebody.py)."""
    definition, holds = hers.parts.definition, hers.holds.get(IF, False) and not hers.holds.get(BUT_NOT, False)
    if definition is not None and holds and last_week.without_anybody(definition, crowd, np.ones(1, bool))[0]:
        yield _("%(name)s has nobody it is about now. It fires once there is somebody.") % {
            "name": hers.distributor.given_name
        }


def is_held_back(rule: Rule, definition: Definition, distributor: Distributor) -> bool:
    sponsor, own = (np.array([pk or 0], np.int64) for pk in (distributor.sponsor_id, distributor.pk))
    return bool(rules.held_back(rule.pk, definition.held_back, sponsor, own)[0])


def cooldown(definition: Definition, last: Firing | None, today: date) -> str:
    """It fired for her on 12 November. It can fire again from 10 December on."""
    if last is None:
        return _("It has not fired for her yet.")
    again = last.day + timedelta(days=definition.cooldown_days)
    said = {"day": said_day(last.day), "again": said_day(again)}
    if again > today:
        return _("It fired for her on %(day)s. It can fire again from %(again)s on.") % said
    return _("It fired for her on %(day)s, and can fire again.") % said


# What it did


def told_firings(fired: Sequence[Firing], distributor: Distributor, names: Names, as_of: datetime) -> list[Fired]:
    """At most three queries besides the firings and their calls."""
    calls = [call for one in fired for call in one.calls.all()]
    came = Came.of(calls, distributor.local_day(as_of))
    return [
        Fired(
            day=one.day,
            version=one.version.number,
            held_back=one.held_back,
            why=why(one, distributor, names),
            asked=[asked(call, one, distributor, names, came) for call in one.calls.all()],
        )
        for one in fired
    ]


def why(firing: Firing, distributor: Distributor, names: Names) -> list[str]:
    """The facts that it was decided on, as they were."""
    try:
        leaves = dict(conditions.leaves(conditions.read(firing.version.definition.get(IF))))
    except ConditionError:
        return []
    said = (
        worded.told(leaves[path], value, to="hq", name=distributor.given_name, market=distributor.market, names=names)
        for path, value in firing.facts
        if path in leaves
    )
    return list(dict.fromkeys(said))  # two conditions on one fact say it once


def asked(call: Call, firing: Firing, distributor: Distributor, names: Names, came: Came) -> Asked:
    return Asked(
        to="" if call.to_id == distributor.pk else call.to.name,
        what=what(call, effect_of(call, firing), names, told_of(firing, distributor)),
        since=call.since,
        until=call.until,
        came=came.said(call),
    )


def effect_of(call: Call, firing: Firing) -> Effect | None:
    """As the version that fired has it; None when that does not read any more."""
    try:
        then = definitions.read(firing.version.definition).then
    except ConditionError:
        return None
    return then[call.place] if call.place < len(then) else None


def told_of(firing: Firing, distributor: Distributor) -> dict[str, str]:
    """Her name, and her figures as they were."""
    return rule_figures.told(firing.facts, distributor.market, firing.day) | {"name": distributor.given_name}


def what(call: Call, effect: Effect | None, names: Names, told: Mapping[str, str]) -> str:
    if call.what == Call.What.ACTIVITY:
        return FIELD.sub("…", names.activities.get(call.activity, call.activity))
    title = ""
    if isinstance(effect, Tell):
        title, _text = effect.said(get_language() or "en", name=told["name"], reason="…", figures=told)
    return _("Notice: “%(title)s”") % {"title": title} if title else _("A notice")


@dataclass(frozen=True)
class Came:
    """What those who were asked did about it, and which lists showed it."""

    actions: list[Action]
    slates: list[tuple[int, date, set[int]]]  # of whom, the day, activities on the list
    activity: dict[str, int]  # id by key
    today: date

    @classmethod
    def of(cls, calls: Sequence[Call], today: date) -> Came:
        """Three queries, none without calls."""
        to_do = [call for call in calls if call.what == Call.What.ACTIVITY]
        if not to_do:
            return cls([], [], {}, today)
        readers, since = {call.to_id for call in to_do}, min(call.since for call in to_do)
        until = max(call.until for call in to_do)
        activity = dict(Activity.objects.filter(key__in={call.activity for call in to_do}).values_list("key", "pk"))
        actions = Action.objects.filter(
            distributor__in=readers, activity__in=activity.values(), day__range=(since, until), undone_at=None
        )
        slates = Slate.objects.filter(distributor__in=readers, day__range=(since, until))
        return cls(
            actions=list(actions.order_by("at")),
            slates=[
                (pk, day, {card.get("activity") for card in cards})
                for pk, day, cards in slates.values_list("distributor_id", "day", "cards")
            ],
            activity=activity,
            today=today,
        )

    def said(self, call: Call) -> str:
        if call.what == Call.What.NOTICE:
            return _("Due from %(day)s on") % {"day": said_day(call.since)}
        pk = self.activity.get(call.activity)
        hers = [
            one
            for one in self.actions
            if one.distributor_id == call.to_id and one.activity_id == pk and call.since <= one.day <= call.until
        ]
        for kind, said in ANSWERS.items():
            if found := [one for one in hers if one.kind == kind]:
                return str(said) % {"day": said_day(found[-1].day)}
        days = [day for to, day, cards in self.slates if to == call.to_id and pk in cards]
        seen = [day for day in days if call.since <= day <= call.until]
        if seen:
            return ngettext("Shown on %(n)d day", "Shown on %(n)d days", len(set(seen))) % {"n": len(set(seen))}
        return _("Not shown yet") if self.today <= call.until else _("Not shown")


#: What counts first, of several answers.
ANSWERS = {
    Action.Kind.DONE: gettext_lazy("Done on %(day)s"),
    Action.Kind.DISMISS: gettext_lazy("Waved off on %(day)s"),
    Action.Kind.SNOOZE: gettext_lazy("Put off on %(day)s"),
    Action.Kind.START: gettext_lazy("Begun on %(day)s"),
}
