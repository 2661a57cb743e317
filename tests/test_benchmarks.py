"""The benchmarks' population and peers at a tiny size: the engine's slates are those of an independent, plain reading."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from activities import dayslates, loading
from activities.drawing import SLOTS
from activities.models import Activity, Memory
from distributors.models import Distributor, Feature, FeatureMark, Goal

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

import _peers
import _plain
import _population

REAL, PEOPLE = 30, 60


@pytest.fixture
def field(transactional_db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Thirty people of the demo company and as many clones; ids of who is active."""
    settings.DATA_DIR = tmp_path
    monkeypatch.setenv("PEP_DEMO_PASSWORD", "a-benchmark-password")
    call_command("demo", distributors=REAL, seed=7, print_sign_ins=False, verbosity=0)
    _population.catalogue.cache_clear()
    _population.skills.cache_clear()
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
