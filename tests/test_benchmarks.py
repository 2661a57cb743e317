"""The benchmarks' population and peers at a tiny size: the engine's slates are those of an independent, plain reading."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from activities.models import Activity, Memory
from activities.ranking import dayslates, loading
from activities.ranking.drawing import SLOTS
from distributors import complete_journey
from distributors.conditions import checks
from distributors.models import Distributor, Feature, FeatureMark, Goal

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

import _peers
import _plain
import _population
import decline
import rules

REAL, PEOPLE = 30, 60


@pytest.fixture
def field(transactional_db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Thirty people of the demo company and as many clones; ids of who is active."""
    settings.DATA_DIR = tmp_path
    monkeypatch.setenv("PEP_DEMO_PASSWORD", "a-benchmark-password")
    call_command("demo", distributors=REAL, seed=7, print_sign_ins=False, verbosity=0)
    _population.catalogue.cache_clear()
    _population.skills.cache_clear()
    _population.without_rules()
    _population.aim()
    _population.widen_catalogue(120, seed=7)
    _population.remember(seed=7)
    _population.compact_rows()
    _population.clone(PEOPLE, seed=7)
    return list(Distributor.objects.active().order_by("pk").values_list("pk", flat=True))


def engine_slates(ids: list[int], as_of: datetime) -> dict[int, _peers.Slate]:
    given = dayslates.frame(as_of)
    people, *_versions = loading.people_between(ids[0], ids[-1], given.shelf)
    cards, counts = dayslates.rank(people, given)
    return {
        int(pk): [(a, kind, about, str(SLOTS[slot]), *rest) for a, kind, about, slot, *rest in cards[i, :n].tolist()]
        for i, (pk, n) in enumerate(zip(people.ids, counts, strict=True))
    }


def test_it_works(field: list[int]) -> None:
    """One test, as the field takes a while: whole, not marked, and every peer finds what the engine does."""
    assert Distributor.objects.count() == Feature.objects.count() == Memory.objects.count() == PEOPLE
    assert Activity.objects.published().count() == 120
    assert not FeatureMark.objects.exists()
    assert len(set(Feature.objects.values_list("identity", flat=True))) == PEOPLE
    assert Goal.objects.running().filter(distributor__in=field).values("distributor").distinct().count() == len(field)

    as_of = datetime.now(UTC)
    world = _plain.World.now(as_of)
    _seconds, plain = _peers.with_the_orm(field, world)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM bench_shown")
        assert cursor.fetchone()[0] == sum(len(slate) for slate in plain.values())
    engine = engine_slates(field, as_of)
    assert engine.keys() == plain.keys()
    for pk, slate in plain.items():
        assert [card[:4] for card in engine[pk]] == [card[:4] for card in slate], pk
        for mine, hers in zip(engine[pk], slate, strict=True):
            assert mine[4:] == pytest.approx(hers[4:], abs=1e-9)
    assert {card[3] for slate in plain.values() for card in slate} >= {"own", "company", "learning"}

    persons = _plain.people(field)
    _seconds, best = _peers.with_sql(persons, world)
    for person in persons:
        expected = [card[3] for card in _peers.five_best(_plain.candidates(person, world))]
        assert [card[3] for card in best[person.id]] == pytest.approx(expected, abs=1e-9)

    assert not [name for name in connection.introspection.table_names() if name.startswith("bench_")]


def test_rules_mean_the_same_in_every_peers_language(transactional_db: None) -> None:
    """To the compiled checks, to PostgreSQL, to an interpreter of trees, and in the words that both engines read."""
    options = argparse.Namespace(distributors=300, rules=120)
    facts = rules.people(options.distributors, seed=7)
    trees = rules.some_rules(options.rules, 7, facts)
    found, told = rules.by_checks(trees, facts, options)
    scanned, _told = rules.by_postgres(trees, facts, options)
    assert told["seconds"] > told["encoding"] > 0
    assert 0.05 < found.mean() < 0.6
    assert (found == scanned).all()
    some = [one for stretch in rules.stretches(facts, options.distributors) for one in stretch]
    words = [compile(rules.in_words(tree).replace("null", "None"), "rule", "eval") for tree in trees]
    assert (found == [[eval(one, {}, person) for person in some] for one in words]).all()  # noqa: S307
    values = [{rules.fact_of(name): value for name, value in person.items()} for person in some]
    assert (found == [[checks.holds(tree, person) for person in values] for tree in trees]).all()


@pytest.mark.skipif(
    complete_journey.find_spec(complete_journey.PACKAGE) is None, reason="the extra `data` is not installed"
)
def test_decline_is_foretold_better_than_by_the_trailing_ratio_on_real_purchases() -> None:
    ours, low, better, published, _ratio = decline.of("household_id", "households")
    assert ours.met and published.met
    assert float(ours.found) == pytest.approx(0.73, abs=0.02)
    assert float(low.found) < 0.5 < float(better.found) < float(ours.found)
    shops = decline.of("store_id", "shops")
    assert shops[0].found == "too few"
