"""Old firings go by night, in blocks; what cooldowns, the outcome page and its comparison need stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from activities.rules import keeping, outcomes
from distributors import versions
from distributors.models import Distributor, Measure
from distributors.records import day_number
from kpis import firing, rules
from kpis.models import Call, Firing, Rule
from tests import factories as make

pytestmark = pytest.mark.django_db


def fired(rule: Rule, who: Distributor, days_ago: int, **fields: Any) -> Firing:
    ago = timedelta(days=days_ago)
    found = make.firing(rule, who, day=make.TODAY - ago, at=make.NOW - ago, **fields)
    Call.objects.create(
        firing=found, to=who, what="notice", place=0, since=found.day, until=found.day + timedelta(days=6)
    )
    return found


def left() -> set[int]:
    assert set(Call.objects.values_list("firing", flat=True)) == (
        pks := set(Firing.objects.values_list("pk", flat=True))
    )
    return pks


def rule(published: int = 900, **fields: Any) -> Rule:
    """Live since so many days ago."""
    tell = {"effect": "notice", "for": "her", "days": 7, "title": {"en": "News"}, "text": {"en": "Look."}}
    when = {"fact": "joined_days", "is": "at_least", "value": 1}
    made = Rule.objects.create(name=f"Rule {make.number()}", state=Rule.State.LIVE, created_at=make.NOW)
    at = make.NOW - timedelta(days=published)
    make.rule_version(made, {"if": when, "then": [tell], **fields}, published_at=at)
    return made


def test_it_works() -> None:
    of, dora = rule(), make.distributor()
    assert keeping.KEPT == 400
    fired(of, dora, 900)
    fired(of, dora, 401)
    young = fired(of, dora, 399)
    assert keeping.forget_old(make.NOW) == 2
    assert left() == {young.pk}
    assert keeping.forget_old(make.NOW) == 0
    assert left() == {young.pk}


def test_in_blocks_and_whole_after_a_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    of, people = rule(), [make.distributor() for _n in range(5)]
    for one in people:
        fired(of, one, 500)
    monkeypatch.setattr(keeping, "BLOCK", 2)
    forget, blocks = keeping.forget, list[int]()

    def killed(ids: list[int]) -> None:
        if blocks:
            raise KeyboardInterrupt
        blocks.append(len(ids))
        forget(ids)

    monkeypatch.setattr(keeping, "forget", killed)
    with pytest.raises(KeyboardInterrupt):
        keeping.forget_old(make.NOW)
    assert (blocks, len(left())) == ([2], 3)
    monkeypatch.setattr(keeping, "forget", forget)
    assert keeping.forget_old(make.NOW) == 3
    assert left() == set()


def test_the_longest_cooldown_still_holds() -> None:
    of, dora = rule(cooldown_days=365), make.distributor()
    fired(of, dora, 364)
    keeping.forget_old(make.NOW)
    book = rules.book(versions.current())
    cooling = firing.cooling(book, [dora.pk], np.array([day_number(make.TODAY)]))
    assert cooling.tolist() == [[True]]


def test_first_firings_of_a_comparison_stay() -> None:
    of, dora, nele = rule(published=700, held_back=10), make.distributor(), make.distributor()
    Measure.objects.create(distributor=dora, metric="sales", value=50, day=make.TODAY - timedelta(days=640))
    fired(of, dora, 800)  # before the share began
    first = fired(of, dora, 650)
    fired(of, dora, 600)
    hers = fired(of, nele, 500, held_back=True)
    found = outcomes.of(of, make.NOW)
    assert keeping.forget_old(make.NOW) == 2
    assert left() == {first.pk, hers.pk}
    assert outcomes.of(of, make.NOW) == found


def test_each_rule_by_its_own_share() -> None:
    holding, plain, dora = rule(held_back=10), rule(), make.distributor()
    kept = fired(holding, dora, 500)
    fired(plain, dora, 500)
    assert keeping.forget_old(make.NOW) == 1
    assert left() == {kept.pk}
