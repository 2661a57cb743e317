"""What rules asked of people when they fired and ask still: open to-dos of theirs, as firings left them."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db import connection

from distributors import conditions
from distributors.blocks import RECRUITS, Ints
from distributors.conditions import ConditionError, Node
from distributors.records import day_of
from kpis.rule_effects import HER, LEADER, Trigger
from kpis.rules import Book, Ruled

from ..ranking.blocks import CALL, People
from ..ranking.shelf import Shelf


@dataclass(frozen=True)
class Asked:
    """An open to-do of one of the people, as a firing left it (kpis.Call)."""

    place: int  # of the reader among the people
    activity: int  # place on the shelf
    rule: int  # place in the book
    number: int  # of the version that fired
    definition: str | None  # JSON of that version, when the book has a newer one
    whom: int  # whose firing it was
    recruit: int  # the same of a leader's to-do about a recruit, else 0
    since: date
    until: date  # the last day it is asked for, of the call and of the rule
    day: date  # of the firing
    facts: str  # JSON
    acted: bool  # she has done, put off or dismissed it since
    pk: int


# What rules that are live now ask of these people today. An answer to another recruit's card is no answer; of what is asked of
# herself about her customers any is.
CALLS = """
SELECT c.id, c.to_id, c.activity, c.since, c.until, f.day, f.rule_id, v.number, f.distributor_id, f.facts,
       CASE WHEN v.id <> ALL(%(versions)s::bigint[]) THEN v.definition END AS definition, EXISTS (
    SELECT FROM activities_action a JOIN activities_activity one ON one.id = a.activity_id
    WHERE a.distributor_id = c.to_id AND one.key = c.activity AND a.undone_at IS NULL AND a.at >= f.at
      AND a.kind IN ('done', 'snooze', 'dismiss')
      AND (c.to_id = f.distributor_id OR a.about_key IN ('', 'r' || f.distributor_id))
) AS acted
FROM unnest(%(ids)s::bigint[], %(days)s::date[]) AS who(id, today)
JOIN kpis_call c ON c.to_id = who.id AND c.what = 'activity' AND c.until >= who.today AND c.since <= who.today
JOIN kpis_firing f ON f.id = c.firing_id AND f.rule_id = ANY(%(rules)s::bigint[])
JOIN kpis_ruleversion v ON v.id = f.version_id
"""


def open_calls(people: People, book: Book, shelf: Shelf, days: Ints) -> list[Asked]:
    """By rule priority, then the newest first; none that its rule does not ask for any more. One query."""
    rule_place = {one.rule.pk: place for place, one in enumerate(book.rules)}
    key_place = {one.key: place for place, one in enumerate(shelf.activities)}
    reader = {int(pk): place for place, pk in enumerate(people.ids)}
    asks = asks_of(book)
    asked = {
        "ids": people.ids.tolist(),
        "days": [day_of(day) for day in days],
        "rules": list(rule_place),
        "versions": [one.version.pk for one in book.rules],
    }
    with connection.cursor() as cursor:
        cursor.execute(CALLS, asked)
        rows = cursor.fetchall()
    found = []
    for pk, to, key, since, until, day, rule, number, whom, facts, definition, acted in rows:
        activity, place = key_place.get(key), reader[to]
        if activity is None or (rule_place[rule], key, HER if to == whom else LEADER) not in asks:
            continue
        if days[place] > book.last[rule_place[rule]]:
            continue
        about_recruits = shelf.arrays.activity["about"][activity] >= RECRUITS
        recruit = whom if to != whom and about_recruits else 0
        if recruit and not is_recruit_of(people, place, recruit):
            continue
        found.append(
            Asked(
                place=place, activity=activity, rule=rule_place[rule], number=number,
                definition=definition, whom=whom, recruit=recruit, since=since,
                until=earlier(until, book.rules[rule_place[rule]].definition.ends_on),
                day=day, facts=facts, acted=acted, pk=pk,
            )
        )  # fmt: skip
    priority = [one.definition.priority for one in book.rules]
    return sorted(found, key=lambda one: (-priority[one.rule], -one.since.toordinal(), -one.pk))


def asks_of(book: Book) -> set[tuple[int, str, str]]:
    """Which rules ask, by place, as they read now; for which activity, and whom: HER or LEADER."""
    return {
        (place, effect.activity, effect.to)
        for place, one in enumerate(book.rules)
        for effect in one.definition.then
        if isinstance(effect, Trigger)
    }


def is_recruit_of(people: People, place: int, pk: int) -> bool:
    """She may have moved to another leader, or have left."""
    hers = people.recruits["id"][people.recruits_at[place] : people.recruits_at[place + 1]]
    return bool((hers == pk).any())


def calls_of(asked: Collection[Asked], n: int) -> tuple[Any, Ints]:
    """Leaders' to-dos about a recruit, by person and activity, each once."""
    named = sorted({(one.place, one.activity, one.recruit) for one in asked if one.recruit})
    calls = np.array([(activity, recruit) for _place, activity, recruit in named], CALL)
    many = np.bincount([place for place, _activity, _recruit in named], minlength=n)
    return calls, np.concatenate([[0], np.cumsum(many)]).astype(np.int64)


def earlier(day: date, ends_on: date | None) -> date:
    """Nothing that a rule does outlasts the rule."""
    return day if ends_on is None else min(day, ends_on)


def when_fired(ruled: Ruled, one: Asked) -> Node | None:
    """The conditions of the version that fired; None when it does not read any more."""
    return ruled.definition.when if one.definition is None else read_when(json.loads(one.definition))


def read_when(definition: dict[str, Any]) -> Node | None:
    """None when what was published once does not read any more."""
    try:
        return conditions.read(definition.get("if"))
    except ConditionError:
        return None
