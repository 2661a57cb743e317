"""The live rules as one book: kept until something changes, asked of many at once, and the teams that a rule leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.db import transaction
from django.utils import translation

from distributors import versions
from distributors.conditions import Fact
from distributors.conditions.checks import Column
from distributors.models import Segment
from distributors.records import day_number
from kpis import definitions, rules
from kpis.models import Rule, RuleVersion
from kpis.rules import Book, held_back, matches
from tests import factories as make

from .rules import ASK, GOLD, definition, team

pytestmark = pytest.mark.django_db

#: Of the first 60 teams, those of whom rule 3 holds back 10 percent, counted from 0.
PINNED = [10, 11, 13, 21, 28, 29, 32, 33, 34, 58]
TEAM, RANK = Fact("team_size"), Fact("rank")
DAY = day_number(make.TODAY)


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    rules.KEPT.results.clear()
    yield
    rules.KEPT.results.clear()


def book() -> Book:
    return rules.book(versions.current())


def names(of: Book) -> list[str]:
    return [one.rule.name for one in of.rules]


def rule(name: str = "", /, *then: dict[str, Any], state: str = "live", **fields: Any) -> Rule:
    return make.rule(definition(*then, **fields), name=name or f"Rule {make.number()}", state=state)


def columns(team_sizes: list[float], ranks: list[float] | None = None) -> dict[Fact, Column]:
    found = {TEAM: Column(np.array(team_sizes, float))}
    if ranks is not None:
        found[RANK] = Column(np.array(ranks, float), {"Gold": 0.0, "Silver": 1.0})
    return found


def found(of: Book, given: dict[Fact, Column], days: int | list[int] = DAY) -> list[list[int]]:
    n = len(given[TEAM].values)
    return matches(of, given, n, np.broadcast_to(np.array(days, np.int64), n)).tolist()


# The book


def test_it_works() -> None:
    rule("Few", when=team("at_most", 2))
    rule("Many", when=team("at_least", 5), but_not=GOLD, priority=80)
    now = book()
    assert names(now) == ["Many", "Few"]
    assert set(now.facts) == {TEAM, RANK}
    assert now.broken == ()
    assert found(now, columns([1, 5, 9, np.nan], [0, 1, 0, 1])) == [[0, 1, 0, 0], [1, 0, 0, 0]]
    first = now.rules[0]
    assert first.numbered == f"{first.rule.pk}.1"
    assert first.definition == definitions.read(first.version.definition)


def test_only_live_rules_count_by_their_newest_version() -> None:
    for state in ("draft", "paused", "ended"):
        rule(state, state=state)
    one = rule("Live", when=team("at_least", 5))
    make.rule_version(one, definition(when=team("at_least", 9)))
    Rule.objects.create(name="No version", created_at=make.NOW)
    now = book()
    assert names(now) == ["Live"]
    assert now.rules[0].numbered == f"{one.pk}.2"
    assert found(now, columns([5, 9])) == [[0, 1]]


def test_the_higher_priority_first_then_the_older_one() -> None:
    for name, priority in (("b", 50), ("a", 50), ("last", 1), ("first", 100)):
        rule(name, priority=priority)
    assert names(book()) == ["first", "b", "a", "last"]


def test_only_what_live_rules_ask_has_to_be_known() -> None:
    rule(when=team("at_least", 5))
    rule(when=GOLD, state="paused")
    assert book().facts == (TEAM,)


def test_no_query_when_it_is_kept(django_assert_num_queries: Any) -> None:
    rule()
    numbers = versions.current()
    with django_assert_num_queries(2):  # rules, and versions again
        first = rules.book(numbers)
    with django_assert_num_queries(0):
        assert rules.book(numbers) is first


def test_no_live_rule_is_an_empty_book_and_no_query(django_assert_num_queries: Any) -> None:
    rule(state="paused")
    numbers = versions.current()
    empty = rules.book(numbers)
    assert (empty.rules, empty.facts, empty.broken) == ((), (), ())
    with django_assert_num_queries(0):
        assert rules.book(numbers) is empty
    assert matches(empty, {}, 3, np.zeros(3, np.int64)).shape == (0, 3)


def test_every_change_is_seen_by_the_next_read() -> None:
    one = rule("One")
    assert names(book()) == ["One"]
    two = rule("Two")
    assert names(book()) == ["One", "Two"]
    make.rule_version(two, definition(priority=99))
    assert names(book()) == ["Two", "One"]
    Rule.objects.filter(pk=one.pk).update(state="paused")
    assert names(book()) == ["Two"]
    Rule.objects.filter(pk=two.pk).update(state="ended")
    assert names(book()) == []


@pytest.mark.django_db(transaction=True)
def test_what_may_be_rolled_back_is_served_to_nobody_else() -> None:
    rule("Before")
    numbers = versions.current()
    assert names(rules.book(numbers)) == ["Before"]
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        rule("Never")
        assert names(book()) == ["Before", "Never"]
        raise ZeroDivisionError
    rules.KEPT.results.pop(tuple(numbers[name] for name in rules.NAMES))
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        rule("Never")
        assert names(rules.book(numbers)) == ["Before", "Never"]  # by numbers read before: not to be kept
        raise ZeroDivisionError
    assert names(book()) == ["Before"]


# Broken


def test_one_that_no_longer_reads_is_left_out_and_told() -> None:
    good = rule("Good", when=team("at_least", 5))
    bad = make.rule({"if": {"fact": "charm", "is": "yes"}, "then": [ASK]}, name="Bad")
    with translation.override("de"):
        now = book()
    assert names(now) == ["Good"]
    [broken] = now.broken
    assert broken.rule == bad
    assert broken.sentence.endswith(".")
    assert found(now, columns([5])) == [[1]]
    assert good.state == "live"


@pytest.mark.parametrize("stored", [{}, [], 5, "x", {"if": [], "then": {}}, {"if": {"all": [[]] * 9}}])
def test_whatever_is_stored_the_others_hold(stored: Any) -> None:
    rule("Good")
    bad = make.rule(name="Bad")
    RuleVersion.objects.create(rule=bad, number=2, definition=stored, reason="x", published_at=make.NOW)
    now = book()
    assert (names(now), [one.rule.name for one in now.broken]) == (["Good"], ["Bad"])
    assert now.broken[0].sentence


def test_a_fault_of_ours_takes_out_one_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    rule("Good")
    bad, read = rule("Bad", priority=7), definitions.read

    def fail(raw: Any) -> Any:
        if raw.get("priority") == 7:
            raise ZeroDivisionError
        return read(raw)

    monkeypatch.setattr(definitions, "read", fail)
    now = book()
    assert names(now) == ["Good"]
    assert [(one.rule, one.sentence) for one in now.broken] == [(bad, "It cannot be read. Write it again.")]


def test_an_activity_that_is_gone_is_nothing_broken() -> None:
    rule("Good", ASK | {"activity": "never-was"})
    assert (names(book()), book().broken) == (["Good"], ())


def test_a_segment_that_is_gone_is(django_assert_num_queries: Any) -> None:
    stays, asked = make.segment(by_rules=True), make.segment()
    rule("Adds", {"effect": "segment", "segment": stays.pk})
    rule("Asks", when={"fact": "in_segment", "of": {"segment": asked.pk}, "is": "yes"})
    rule("Free")
    numbers = versions.current()
    with django_assert_num_queries(3):  # rules, segments, versions again
        assert names(rules.book(numbers)) == ["Adds", "Asks", "Free"]
    Segment.objects.filter(pk=stays.pk).update(by_rules=False)
    assert [(one.rule.name, one.sentence) for one in book().broken] == [
        ("Adds", "It adds people to a segment whose members are not by rules.")
    ]
    Segment.objects.all().delete()
    now = book()
    assert names(now) == ["Free"]
    assert {one.sentence for one in now.broken} == {"It names a segment that no longer exists."}


# Whom they hold for


def test_a_rule_holds_within_its_days_by_each_ones_own_calendar() -> None:
    rule("Span", when=team("at_least", 0), **{"from": "2026-08-27", "to": "2026-08-28"})
    rule("Open", when=team("at_least", 0), **{"from": "2026-08-28"})
    days = [DAY - 1, DAY, DAY + 1, DAY + 2]
    assert found(book(), columns([3] * 4), days) == [[0, 1, 1, 0], [0, 0, 1, 1]]


def test_who_is_excepted_is_out_and_what_is_unknown_excepts_nobody() -> None:
    rule(when=team("at_least", 0), but_not=GOLD)
    assert found(book(), columns([3, 3, 3], [0, 1, np.nan])) == [[0, 1, 1]]


# Held back


def split(rule_id: int = 3, percent: int = 10, n: int = 100_000) -> Any:
    ids = np.arange(1, n + 1)
    return held_back(rule_id, percent, np.zeros(n, np.int64), ids)


def test_the_share_is_held_back() -> None:
    for percent in (1, 10, 50):
        share = split(percent=percent).mean() * 100
        assert abs(share - percent) < 4 * (percent * (100 - percent) / 100_000) ** 0.5
    assert not split(percent=0).any()


def test_it_is_the_same_on_every_machine() -> None:
    assert np.flatnonzero(split(n=60)).tolist() == PINNED
    one = [held_back(3, 10, np.array([0]), np.array([pk]))[0] for pk in range(1, 61)]
    assert np.flatnonzero(one).tolist() == PINNED


def test_splitmix64_is_as_published() -> None:
    """The first numbers of the reference implementation from the seed 1234567."""
    seeds = np.array([1234567], np.uint64) + np.arange(3, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    assert rules.mixed(seeds).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_a_team_is_held_back_together_with_its_leader() -> None:
    ids = np.arange(1, 2001)
    leaders = split(n=2000)
    recruits = held_back(3, 10, ids, ids + 100_000)
    assert (recruits == leaders).all()


def test_who_is_held_back_by_a_larger_share_includes_the_smaller() -> None:
    assert not (split(percent=10) & ~split(percent=30)).any()


def test_each_rule_holds_back_others() -> None:
    both = np.corrcoef(split(3, 50), split(4, 50))[0, 1]
    assert abs(both) < 0.02
    counts = np.array([split(rule_id, 10, 2000).sum() for rule_id in range(1, 201)])
    assert abs(counts.mean() - 200) < 5
    assert 10 < counts.std() < 17  # binomial: 13.4
