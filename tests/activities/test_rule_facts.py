"""What people did and saw, for a block as for one person; and the facts of all apps together."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from activities.models import Action, Activity, Slate
from activities.rules import activity_facts
from distributors.conditions import Fact
from distributors.conditions.vocabulary import (
    ACTIVITY,
    CAMPAIGN,
    DAYS,
    INCENTIVE,
    LINE,
    METRIC,
    PERIOD,
    REASON,
    SEGMENT,
    VOCABULARY,
    Source,
)
from distributors.models import Distributor
from tests import factories as make
from tests.factories import NOW, TODAY
from tests.facts import block_of, fact, statements, told

pytestmark = pytest.mark.django_db

SEEDS = int(os.environ.get("PEP_SEEDS", "6"))
#: 10:30 UTC: the 27th in New York, the 28th already on Kiritimati.
AS_OF = datetime(2026, 8, 27, 10, 30, tzinfo=UTC)
OF = {
    METRIC: "sales",
    LINE: "",
    DAYS: 7,
    PERIOD: "",
    SEGMENT: 1,
    ACTIVITY: "",
    REASON: "all",
    CAMPAIGN: 0,
    INCENTIVE: 0,
}


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def asked_of(people: Sequence[Distributor], one: Fact, as_of: datetime = NOW) -> list[Any]:
    return told(activity_facts.columns([one], block_of(people, as_of))[one])


def times(name: str, activity: str = "", days: int = 7) -> Fact:
    return fact(name, activity=activity, days=days)


def act(person: Distributor, activity: Activity, days: int = 0, kind: str = Action.Kind.DONE, **fields: Any) -> Action:
    return Action.objects.create(
        distributor=person, activity=activity, kind=kind, day=ago(days), at=NOW - timedelta(days=days), **fields
    )


def show(person: Distributor, days: int, *activities: Activity) -> Slate:
    return Slate.objects.create(
        distributor=person, day=ago(days), shown_at=NOW, seed=1, digest=os.urandom(32),
        cards=[{"activity": one.pk, "customer": n} for n, one in enumerate(activities)],
    )  # fmt: skip


def test_it_works() -> None:
    her, other = make.distributor(), make.distributor()
    call, video = make.activity("call"), make.activity("video")
    act(her, call, 0)
    act(her, call, 6)
    act(her, call, 7)
    act(her, video, 1)
    act(her, video, 2, Action.Kind.DISMISS, reason=Action.Reason.FEWER)
    show(her, 0, call, call)
    show(her, 0, call)
    show(her, 6, video, call)
    show(her, 7, video)
    for one, expected in (
        (times("done"), 3), (times("done", "call"), 2), (times("done", "video"), 1), (times("done", "video", 1), 0),
        (times("dismissed"), 1), (times("dismissed", "call"), 0), (times("dismissed", "video", 3), 1),
        (times("seen"), 2), (times("seen", "call"), 2), (times("seen", "video"), 1), (times("seen", "video", 8), 2),
    ):  # fmt: skip
        assert asked_of([other, her], one) == [0, expected], one


def test_what_was_taken_back_was_not_done() -> None:
    her, call = make.distributor(), make.activity("call")
    act(her, call, 1, undone_at=NOW)
    act(her, call, 1)
    act(her, call, 2, Action.Kind.START)
    assert asked_of([her], times("done")) == [1]


def test_an_activity_that_nobody_has() -> None:
    her = make.distributor()
    act(her, make.activity("call"))
    show(her, 0, make.activity("video"))
    for name in ("done", "dismissed", "seen"):
        assert asked_of([her], times(name, "gone")) == [0]


def test_an_activity_of_the_past_still_counts() -> None:
    """Whether it is published decides what is shown next, not what was done."""
    her, call = make.distributor(), make.activity("call", status=Activity.Status.RETIRED)
    act(her, call)
    show(her, 0, call)
    assert (asked_of([her], times("done", "call")), asked_of([her], times("seen", "call"))) == ([1], [1])


def test_a_list_without_cards_is_nothing_seen() -> None:
    her = make.distributor()
    show(her, 0)
    show(her, 1, make.activity("call"))
    assert asked_of([her], times("seen")) == [1]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_block_says_what_is_said_of_each_person(seed: int) -> None:
    chance = random.Random(seed)
    markets = [make.market(), make.market("ki", time_zone="Pacific/Kiritimati")]
    people = [make.distributor(market=chance.choice(markets)) for _ in range(8)]
    catalogue = [make.activity(key) for key in ("call", "talk", "video")]
    for person in people[:6]:
        for _ in range(8):
            shown = chance.choices(catalogue, k=chance.randint(0, 3))
            show(person, chance.randint(0, 20), *shown)
            kind = chance.choice([Action.Kind.DONE, Action.Kind.DISMISS, Action.Kind.START])
            act(person, chance.choice(catalogue), chance.randint(0, 20), kind, about_key=f"c{make.number()}",
                undone_at=chance.choice([None, None, NOW]))  # fmt: skip
    asked = [
        times(name, activity, days)
        for name in ("done", "dismissed", "seen")
        for activity in ("", "call", "talk", "gone")
        for days in (1, 7, 90)
    ]
    for as_of in (AS_OF, AS_OF - timedelta(days=6)):
        found = activity_facts.columns(asked, block_of(people, as_of))
        for one in asked:
            expected = [plain(person, one, as_of) for person in people]
            assert told(found[one]) == expected, (one, as_of)


def plain(person: Distributor, one: Fact, as_of: datetime) -> int:
    today = person.local_day(as_of)
    days = {"distributor": person, "day__lte": today, "day__gt": today - timedelta(days=one["days"])}
    keys = {activity.pk: activity.key for activity in Activity.objects.all()}
    if one.name == "seen":
        lists = Slate.objects.filter(**days)
        return len({a.day for a in lists for card in a.cards if one["activity"] in ("", keys[card["activity"]])})
    kind = Action.Kind.DONE if one.name == "done" else Action.Kind.DISMISS
    deeds = Action.objects.standing().filter(kind=kind, **days)
    return sum(one["activity"] in ("", deed.activity.key) for deed in deeds)


# All of them


def test_everything() -> None:
    """Every fact that a condition may name has a column."""
    asked = [fact(name, **{param: OF[param] for param in one.takes}) for name, one in VOCABULARY.items()]
    people = [make.distributor() for _ in range(3)]
    found = activity_facts.everything(asked, block_of(people))
    assert set(found) == set(asked)
    assert {len(column.values) for column in found.values()} == {3}
    of_activities = {name for name, one in VOCABULARY.items() if one.source is Source.ACTIVITIES}
    assert {one.name for one in activity_facts.columns(asked, block_of(people))} == of_activities


def test_as_many_queries_for_forty_as_for_one() -> None:
    asked = [fact(name, **{param: OF[param] for param in one.takes}) for name, one in VOCABULARY.items()]
    call = make.activity("call")
    counts = []
    for n in (1, 40):
        people = [make.distributor() for _ in range(n)]
        for person in people:
            act(person, call)
            show(person, 0, call)
        block = block_of(people)
        activity_facts.everything(asked, block)
        with statements() as each:
            activity_facts.everything(asked, block)
        counts.append(len(each))
    assert counts[0] == counts[1], counts


@pytest.mark.parametrize("name", ["done", "dismissed", "seen"])
def test_one_query_each(name: str) -> None:
    her, call = make.distributor(), make.activity("call")
    show(her, 0, call)
    block = block_of([her])
    with statements() as each:
        activity_facts.columns([times(name), times(name, "call", 30)], block)
    assert len(each) == 1


def test_nothing_is_read_that_nobody_asks_for() -> None:
    block = block_of([make.distributor()])
    with statements() as each:
        assert activity_facts.columns([fact("rank")], block) == {}
        activity_facts.columns([times("seen")], block)  # nothing was shown to her, says her memory
    assert each == []


def test_nobody() -> None:
    asked = [fact(name, **{param: OF[param] for param in one.takes}) for name, one in VOCABULARY.items()]
    found = activity_facts.everything(asked, block_of([]))
    assert {len(column.values) for column in found.values()} == {0}
