"""Who belongs to a segment: the compact rows and the database say the same, whatever the field looks like."""

from __future__ import annotations

import os
import random
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from django.db import DatabaseError, transaction
from django.db.models import QuerySet

from distributors import features
from distributors.models import Distributor, Market, Segment, SegmentMember
from distributors.records import TAG, day_number, native
from distributors.segments import bits, condition
from tests import factories as make
from tests.factories import TODAY

pytestmark = pytest.mark.django_db

NO_TAGS = np.zeros(0, native(TAG))
SEEDS = int(os.environ.get("PEP_SEEDS", "12"))
#: 10:30 UTC: the 27th in New York, the 28th already on Kiritimati.
AS_OF = datetime(2026, 8, 27, 10, 30, tzinfo=UTC)


def by_rows(people: list[Distributor], segments: list[Segment], today: dict[int, date]) -> list[set[int]]:
    """Who belongs to each of the segments, as the block says from compact rows."""
    rows = features.of([one.pk for one in people])
    recruits = [len(rows[one.pk].recruits) for one in people]
    found = bits(
        segments,
        np.array([day_number(one.joined_on) for one in people], np.int64),
        np.concatenate([[0], np.cumsum(recruits)]).astype(np.int64),
        np.array([day_number(today[one.market_id]) for one in people], np.int64),
        np.concatenate([NO_TAGS, *(rows[one.pk].tags for one in people)]),
        np.concatenate([[0], np.cumsum([len(rows[one.pk].tags) for one in people])]).astype(np.int64),
    )
    return [{one.pk for one, hers in zip(people, found, strict=True) if hers >> i & 1} for i in range(len(segments))]


def by_database(segment: Segment, today: dict[int, date]) -> set[int]:
    found: QuerySet[Distributor] = Distributor.objects.none()
    for market, day in today.items():
        found = found | Distributor.objects.filter(condition(segment, day), market=market)
    return set(found.values_list("pk", flat=True))


def everywhere(day: date) -> dict[int, date]:
    return dict.fromkeys(Market.objects.values_list("pk", flat=True), day)


def test_it_works() -> None:
    new = make.distributor(joined_on=TODAY - timedelta(days=30))
    old = make.distributor(joined_on=TODAY - timedelta(days=31), sponsor=new)
    segments = [
        make.segment(days_to=30),
        make.segment(days_from=31),
        make.segment(team="leads"),
        make.segment(team="alone", days_from=30, days_to=400),
        make.segment(),
    ]
    expected = [{new.pk}, {old.pk}, {new.pk}, {old.pk}, {new.pk, old.pk}]
    today = everywhere(TODAY)
    assert by_rows([new, old], segments, today) == expected
    assert [by_database(one, today) for one in segments] == expected


def test_from_one_day_to_the_next_she_moves_on() -> None:
    """No job moves her: the day does."""
    her = make.distributor(joined_on=TODAY)
    first_weeks, then = make.segment(days_to=27), make.segment(days_from=28)
    for days, expected in ((0, [True, False]), (27, [True, False]), (28, [False, True]), (400, [False, True])):
        today = everywhere(TODAY + timedelta(days=days))
        assert [her.pk in who for who in by_rows([her], [first_weeks, then], today)] == expected
        assert [her.pk in by_database(one, today) for one in (first_weeks, then)] == expected


def test_her_last_recruit_leaves() -> None:
    her, leads, alone = make.distributor(), make.segment(team="leads"), make.segment(team="alone")
    recruit = make.distributor(sponsor=her)
    today = everywhere(TODAY)
    for left_on, expected in ((None, [True, False]), (TODAY, [False, True]), (None, [True, False])):
        Distributor.objects.filter(pk=recruit.pk).update(left_on=left_on)
        assert [her.pk in who for who in by_rows([her], [leads, alone], today)] == expected
        assert [her.pk in by_database(one, today) for one in (leads, alone)] == expected


@pytest.mark.parametrize("seed", range(SEEDS))
def test_rows_and_database_agree_on_a_generated_field(seed: int) -> None:
    """Joined dates at and around every limit, sponsors whose recruits left in part, two markets on two days."""
    chance = random.Random(seed)  # noqa: S311
    markets = [make.market(), make.market("ki", time_zone="Pacific/Kiritimati")]
    today = {one.pk: one.local_day(AS_OF) for one in markets}
    assert len(set(today.values())) == 2
    segments = [generated(chance) for _ in range(6)]
    limits = [0, *(n for one in segments for n in (one.days_from, one.days_to) if n is not None)]
    people: list[Distributor] = []
    for _ in range(40):
        people.append(
            make.distributor(
                market=chance.choice(markets),
                joined_on=TODAY - timedelta(days=chance.choice(limits) + chance.randint(-2, 2)),
                sponsor=chance.choice([None, *people[:12]]),
                left_on=chance.choice([None, None, TODAY]),
            )
        )
    for one in segments:
        for her in chance.sample(people, 15):
            since = TODAY + timedelta(days=chance.randint(-3, 2))
            until = chance.choice([None, since + timedelta(days=chance.randint(0, 3))])
            SegmentMember.objects.create(segment=one, distributor=her, since=since, until=until)
    expected = [by_database(one, today) for one in segments]
    assert by_rows(people, segments, today) == expected


def generated(chance: random.Random) -> Segment:
    first, last = sorted(chance.sample([0, 1, 7, 28, 30, 31, 365, 32767], 2))
    return make.segment(
        days_from=chance.choice([None, first]),
        days_to=chance.choice([None, last]),
        team=chance.choice(["", "leads", "alone"]),
        by_rules=chance.random() < 0.4,
    )


def test_no_segment_is_everybody() -> None:
    her = make.distributor()
    assert list(Distributor.objects.filter(condition(None, TODAY))) == [her]
    nobody = np.zeros(0, np.int64)
    assert bits([make.segment()], nobody, np.zeros(1, np.int64), nobody, NO_TAGS, np.zeros(1, np.int64)).tolist() == []
    two, ends = np.zeros(2, np.int64), np.zeros(3, np.int64)
    assert bits([], two, ends, two, NO_TAGS, ends).tolist() == [0, 0]


def test_one_query(django_assert_num_queries) -> None:
    segment = make.segment(days_from=1, days_to=9999, team="leads")
    make.distributor(sponsor=make.distributor())
    with django_assert_num_queries(1):
        assert Distributor.objects.filter(condition(segment, TODAY)).count() == 1


@pytest.mark.parametrize("fields", [{"days_from": 31, "days_to": 30}, {"team": "some"}])
def test_what_the_database_refuses(fields: dict) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        make.segment(**fields)
