"""Mastery is what she recalls times how well she did."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import numpy as np
import pytest
from fsrs import Card

from activities import learning
from activities.models import Mastery
from activities.ranking import kernel, memory, shelf
from distributors.records import SKILL, microseconds, native
from tests import factories as f

pytestmark = pytest.mark.django_db


def learn(of, skill, days: int = 0, score: float | None = None) -> Mastery:
    return learning.learned(distributor=of, skill=skill, gain=0.5, score=score, as_of=f.NOW + timedelta(days=days))


def mastery(of, skill, days: int) -> float:
    known = memory.of([of.pk], f.NOW)[of.pk].skills
    return memory.mastery(known, skill.pk, microseconds(f.NOW + timedelta(days=days)))


def test_it_works() -> None:
    jenna, skill = f.distributor(), f.skill()
    assert mastery(jenna, skill, 0) == 0
    learn(jenna, skill, score=0.8)
    assert mastery(jenna, skill, 0) == pytest.approx(0.8)
    later = [mastery(jenna, skill, days) for days in (0, 3, 10, 40)]
    assert later == sorted(later, reverse=True)
    assert 0 < later[-1] < later[0]


def test_the_forgetting_curve_is_fsrs_6() -> None:
    """Default parameters: after `stability` days nine in ten recall it."""
    jenna, skill = f.distributor(), f.skill()
    held = learn(jenna, skill, score=0.8)
    assert held.memory["stability"] == pytest.approx(2.3065, abs=1e-4)
    assert mastery(jenna, skill, 2) == pytest.approx(
        0.8 * (1 + (0.9 ** (1 / -0.1542) - 1) * 2 / 2.3065) ** -0.1542, abs=1e-6
    )


def test_the_compiled_curve_is_the_librarys() -> None:
    """To the last bit, over lives of learning and forgetting; the compact row asks the same function."""
    rng = random.Random(6)
    jenna, skill = f.distributor(), f.skill()
    for _ in range(25):
        held = learn(jenna, skill, days=rng.randint(0, 40), score=rng.random())
        known = memory.of([jenna.pk], f.NOW)[jenna.pk].skills
        for _ in range(20):
            at = f.NOW + timedelta(days=rng.randint(-3, 900), seconds=rng.randint(0, 86_400))
            library = learning.SCHEDULER.get_card_retrievability(Card.from_dict(held.memory), at)
            reviewed = microseconds(datetime.fromisoformat(held.memory["last_review"]))
            assert learning.retrievability(held.memory["stability"], reviewed, microseconds(at)) == library
            assert memory.mastery(known, skill.pk, microseconds(at)) == held.score * library
    assert memory.mastery(known, skill.pk + 1, microseconds(f.NOW)) == 0


def test_a_skill_without_a_memory_is_not_known() -> None:
    jenna, skill = f.distributor(), f.skill()
    for empty in ({}, {"stability": None, "last_review": None}, {"stability": 2.0, "last_review": None}):
        Mastery.objects.update_or_create(
            distributor=jenna, skill=skill, defaults={"score": 1, "memory": empty, "reviewed_at": f.NOW}
        )
        assert mastery(jenna, skill, 0) == 0
        assert len(memory.of([jenna.pk], f.NOW)[jenna.pk].skills) == 0


def test_without_a_quiz_the_authors_gain_of_what_is_missing() -> None:
    jenna, skill = f.distributor(), f.skill()
    assert learn(jenna, skill).score == pytest.approx(0.5)
    assert learn(jenna, skill, days=5).score == pytest.approx(0.75)


def test_repeating_it_later_makes_it_last() -> None:
    once, twice, skill = f.distributor(), f.distributor(), f.skill()
    learn(once, skill, score=1)
    learn(twice, skill, score=1)
    learn(twice, skill, days=5, score=1)
    assert mastery(twice, skill, 60) > mastery(once, skill, 60)


def test_the_same_history_is_the_same_memory() -> None:
    skill = f.skill()
    held = [learn(f.distributor(), skill, score=0.9).memory for _ in range(2)]
    assert held[0] == held[1]


def test_the_gap_is_what_the_score_reads() -> None:
    skill = f.skill(wanted=0.8)
    made = [f.activity(skill=skill, skill_gain=0.45), f.activity()]
    found = shelf.current()
    taught, other = (found.arrays.activity[found.index[activity.pk]] for activity in made)
    now = microseconds(f.NOW)

    def knows(mastery: float) -> np.ndarray:
        """Reviewed just now, so that she recalls all of it."""
        return np.array([(skill.pk, mastery, 1.0, now)], native(SKILL))

    assert kernel.skill_gap(taught, now, np.zeros(0, native(SKILL))) == pytest.approx(0.45)
    assert kernel.skill_gap(taught, now, knows(0.4)) == pytest.approx(0.225)
    assert kernel.skill_gap(taught, now, knows(0.9)) == 0
    assert kernel.skill_gap(other, now, knows(0.4)) == 0


def test_unlearning_leaves_what_was_learned_since() -> None:
    jenna, skill = f.distributor(), f.skill()
    learn(jenna, skill)
    before = learning.snapshot(jenna, skill)
    learn(jenna, skill, days=1)
    learning.unlearn(distributor=jenna, skill=skill, at=f.NOW, before=None)
    assert Mastery.objects.get().score == pytest.approx(0.75)
    learning.unlearn(distributor=jenna, skill=skill, at=f.NOW + timedelta(days=1), before=before)
    assert Mastery.objects.get().score == pytest.approx(0.5)
