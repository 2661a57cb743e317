"""A rule that only brings activities about people fires for nobody who has none of them, and spends no quiet time for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from activities.models import Activity
from activities.rules import last_week, outcomes, sweep, tried_on
from activities.rules.counting import Count
from distributors.models import Distributor, Role
from kpis import definitions
from kpis.models import Call, Firing, Rule
from tests import factories as make
from tests.activities.stage import order
from tests.pages import now, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now

HERE = {"fact": "joined_days", "is": "at_least", "value": 0}
PIN = {"effect": "pin", "target": {"activity": "win-back"}, "until": (make.TODAY + timedelta(days=9)).isoformat()}
ASK = {"effect": "trigger", "activity": "win-back", "for": "her", "days": 7}
TELL = {"effect": "notice", "for": "her", "days": 7, "title": {"en": "x"}, "text": {"en": "y"}}


@pytest.fixture(autouse=True)
def nothing_kept(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()
    tried_on.KEPT.results.clear()


@pytest.fixture
def people() -> list[Distributor]:
    """Two with a new customer to check in with, three with nobody."""
    make.product("EYE-1")
    make.activity("win-back", about=Activity.About.CHECK_IN)
    make.activity("tips")
    found = [make.distributor() for _n in range(5)]
    for one in found[:2]:
        due_customer(one)
    return found


def due_customer(of: Distributor) -> None:
    order(of, make.customer(of), 6)


def rule(*then: dict[str, Any], **fields: Any) -> Rule:
    return make.rule({"if": HERE, "then": list(then), "cooldown_days": 28} | fields)


def swept() -> set[int]:
    tried_on.KEPT.results.clear()
    sweep.sweep(make.NOW)
    return set(Firing.objects.values_list("distributor_id", flat=True))


def page(of: Rule) -> str:
    client = Client()
    client.force_login(make.user(Role.HQ_VIEWER))
    return words(client.get(reverse("rule_outcome", args=[of.pk]), headers={"HX-Request": "true"}))


@pytest.mark.parametrize("effect", [PIN, ASK])
def test_it_works(people: list[Distributor], effect: dict[str, Any]) -> None:
    one = rule(effect)
    assert swept() == {person.pk for person in people[:2]}
    assert outcomes.without_anybody(one, make.NOW) == Count(3)
    assert "It holds for 3 more people who have nobody it is about now." in page(one)
    # Nothing was spent: once she has somebody it fires for her.
    due_customer(people[2])
    assert swept() == {person.pk for person in people[:3]}
    assert outcomes.without_anybody(one, make.NOW) == Count(2)


def test_hq_is_told_why_she_did_not_get_it(people: list[Distributor]) -> None:
    one = rule(ASK)
    client = Client()
    client.force_login(make.user(Role.HQ_VIEWER))

    def why(person: Distributor) -> str:
        return words(client.get(reverse("rule_person", args=[one.pk, person.pk])))

    assert "has nobody it is about now. It fires once there is somebody." in why(people[2])
    assert "nobody it is about" not in why(people[0])


def test_the_replay_says_the_same(people: list[Distributor]) -> None:
    one = rule(ASK)
    found = last_week.of(definitions.read(one.versions.get().definition), tried_on.of(make.NOW))
    assert (found.people, found.nobody) == (Count(2), Count(3))
    assert len(swept()) == found.people.people
    assert outcomes.without_anybody(one, make.NOW) == found.nobody


@pytest.mark.parametrize(
    "then",
    [
        [ASK, TELL],
        [ASK, {"effect": "trigger", "activity": "tips", "for": "her", "days": 7}],
        [{"effect": "suppress", "target": {"activity": "win-back"}}],
        [ASK, {"effect": "trigger", "activity": "win-back", "for": "leader", "days": 7}],
    ],
)
def test_a_rule_that_does_something_anyway_fires_for_all(people: list[Distributor], then: list[dict[str, Any]]) -> None:
    one = rule(*then)
    assert swept() == {person.pk for person in people}
    assert outcomes.without_anybody(one, make.NOW) == Count(0)


def test_whoever_is_held_back_is_looked_at_as_all_others(people: list[Distributor]) -> None:
    rule(ASK, held_back=50)
    assert swept() == {person.pk for person in people[:2]}
    assert Call.objects.count() == Firing.objects.filter(held_back=False).count()
