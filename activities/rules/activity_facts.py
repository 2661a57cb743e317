"""Facts for conditions about what people did and saw; and every fact of the vocabulary, from whichever app knows it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from distributors import versions
from distributors.blocks import Floats, Ints
from distributors.conditions import Fact, facts, windows
from distributors.conditions.checks import Column
from distributors.conditions.facts import Block
from distributors.conditions.vocabulary import VOCABULARY, Source
from distributors.conditions.windows import Mask
from distributors.records import EPOCH, day_of
from kpis import rule_facts as kpi_facts

from ..models import Action
from ..ranking import steering

DONE, DISMISSED, SEEN = "done", "dismissed", "seen"
KINDS = {DONE: Action.Kind.DONE, DISMISSED: Action.Kind.DISMISS}


def everything(asked: Iterable[Fact], block: Block, numbers: Mapping[str, int] | None = None) -> dict[Fact, Column]:
    """Facts of every app. `numbers`: versions.current(), where they are at hand: they save a query for campaigns."""
    wanted = list(dict.fromkeys(asked))
    board = None
    if any(fact.name in kpi_facts.CAMPAIGNS for fact in wanted):
        board = steering.board_of(versions.current() if numbers is None else numbers, block.markets).board
    return facts.columns(wanted, block) | kpi_facts.columns(wanted, block, board) | columns(wanted, block)


def columns(asked: Iterable[Fact], block: Block) -> dict[Fact, Column]:
    """Facts of this app; others are left out. One query for what people did, one for what they saw."""
    mine = [fact for fact in dict.fromkeys(asked) if VOCABULARY[fact.name].source is Source.ACTIVITIES]
    return did([fact for fact in mine if fact.name != SEEN], block) | saw(
        [fact for fact in mine if fact.name == SEEN], block
    )


#: As in distributors/conditions/windows.py a row is one whole number: whose it is, which of the activities asked for (0 for any other),
#: whether it was dismissed, and the day.
WHOSE, WHICH, DISMISSED_BIT = 32, 17, 16
MOST_WHICH, LOW = (1 << WHOSE - WHICH) - 1, (1 << DISMISSED_BIT) - 1
KEY = (
    f"((who.nth - 1) << {WHOSE}) + (coalesce(asked.place, 0) << {WHICH}) + ({{dismissed}} << {DISMISSED_BIT})"
    f" + ({{day}} - DATE '{EPOCH}')"
)
WHO = """
unnest(%(ids)s::bigint[], %(markets)s::int[]) WITH ORDINALITY AS who(id, market, nth)
JOIN unnest(%(in_markets)s::int[], %(firsts)s::date[], %(lasts)s::date[]) AS days(market, first, last) USING (market)"""
ASKED = """
(
    SELECT a.id, named.place FROM unnest(%(keys)s::text[]) WITH ORDINALITY AS named(key, place) JOIN activities_activity a USING (key)
) AS asked"""
DEEDS = f"""
SELECT array_send(array_agg({KEY.format(dismissed=f"(d.kind = '{Action.Kind.DISMISS}')::int::bigint", day="d.day")}))
FROM {WHO} JOIN activities_action d ON d.distributor_id = who.id AND d.day BETWEEN days.first AND days.last
LEFT JOIN {ASKED} ON asked.id = d.activity_id
WHERE d.undone_at IS NULL AND d.kind = ANY(%(kinds)s::text[]) AND (%(any)s OR asked.id IS NOT NULL)"""  # noqa: S608
SIGHTS = f"""
SELECT array_send(array_agg(key)) FROM (
    SELECT DISTINCT {KEY.format(dismissed="0::bigint", day="s.day")} AS key
    FROM {WHO} JOIN activities_slate s ON s.distributor_id = who.id AND s.day BETWEEN days.first AND days.last
    CROSS JOIN LATERAL jsonb_to_recordset(s.cards) AS c(activity bigint)
    LEFT JOIN {ASKED} ON asked.id = c.activity
    WHERE c.activity IS NOT NULL AND (%(any)s OR asked.id IS NOT NULL)
) AS seen"""  # noqa: S608


def did(asked: Collection[Fact], block: Block) -> dict[Fact, Column]:
    """What was taken back was not done."""
    if not asked:
        return {}
    places = places_of(asked)
    everybody = np.arange(len(block))
    kinds = [KINDS[name].value for name in KINDS if any(fact.name == name for fact in asked)]
    (key,) = windows.arrays(DEEDS, {**question(asked, places, everybody, block), "kinds": kinds})
    dismissed = key >> DISMISSED_BIT & 1
    return {
        fact: Column(times(key[within(fact, key, places, block) & (dismissed == (fact.name == DISMISSED))], block))
        for fact in asked
    }


def saw(asked: Collection[Fact], block: Block) -> dict[Fact, Column]:
    """Of people to whom nothing was shown in that time, as their memory row says, nothing is read."""
    if not asked:
        return {}
    places = places_of(asked)
    shown = np.flatnonzero(newest_showing(block) > block.today - longest(asked))
    (key,) = windows.arrays(SIGHTS, question(asked, places, shown, block)) if len(shown) else (windows.EMPTY,)
    key = (shown[key >> WHOSE] << WHOSE) + (key & (1 << WHOSE) - 1)
    return {fact: Column(days(key[within(fact, key, places, block)], block)) for fact in asked}


def newest_showing(block: Block) -> Ints:
    """The last day on which each person was shown anything; 0 for none."""
    people = block.people
    newest = np.zeros(len(block), np.int64)
    np.maximum.at(newest, np.repeat(np.arange(len(block)), np.diff(people.shown_at)), people.shown["last"])
    return newest


def places_of(asked: Collection[Fact]) -> dict[str, int]:
    """Of the activities asked for, from 1 on."""
    return {key: place for place, key in enumerate(sorted({fact["activity"] for fact in asked} - {""}), start=1)}


def longest(asked: Collection[Fact]) -> int:
    return max(fact["days"] for fact in asked)


def question(asked: Collection[Fact], places: Mapping[str, int], who: Ints, block: Block) -> dict[str, object]:
    return {
        "ids": block.people.ids[who].tolist(),
        "markets": block.people.market[who].tolist(),
        "in_markets": [m for m, _today in block.todays],
        "firsts": [day_of(today - longest(asked) + 1) for _m, today in block.todays],
        "lasts": [day_of(today) for _m, today in block.todays],
        "keys": list(places),
        "any": any(not fact["activity"] for fact in asked),
    }


def within(fact: Fact, key: Ints, places: Mapping[str, int], block: Block) -> Mask:
    """Which rows are of the fact's activity and days."""
    recent = (key & LOW) > block.today[key >> WHOSE] - fact["days"]
    return recent if not fact["activity"] else recent & (key >> WHICH & MOST_WHICH == places[fact["activity"]])


def times(key: Ints, block: Block) -> Floats:
    return np.bincount(key >> WHOSE, minlength=len(block)).astype(np.float64)


def days(key: Ints, block: Block) -> Floats:
    """Each day once, whatever was shown on it."""
    return np.bincount(np.unique((key >> WHOSE << WHOSE) + (key & LOW)) >> WHOSE, minlength=len(block)).astype(
        np.float64
    )
