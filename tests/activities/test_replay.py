"""A logged slate is drawn again from its log alone: the same cards, slots and chances, whatever has changed since."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities import recommend
from activities.evidence import replay
from activities.models import Activity, Slate
from distributors.models import Distributor
from tests import factories as f
from tests.activities.stage import order, stage

pytestmark = pytest.mark.django_db


def shown_to(distributor: Distributor, **options: Any) -> Slate:
    """Her slate as the database gives it back."""
    recommend.feed(distributor, as_of=options.pop("as_of", f.NOW), **options)
    return Slate.objects.filter(distributor=distributor).latest("pk")


def company(people: int, seed: int) -> list[Distributor]:
    """A catalogue and a campaign, and distributors with between none and thirty customers."""
    chance = random.Random(seed)
    found = [stage()]
    for _n in range(people - 1):
        one = f.distributor(market=found[0].market)
        f.goal(one, metric=chance.choice(["sales", "repeat_orders", "lessons_done"]), target=chance.randint(2, 400))
        for _m in range(chance.choice([0, 1, 3, 12, 30])):
            customer = f.customer(one)
            for _k in range(chance.randint(0, 2)):
                order(one, customer, chance.randint(1, 170), f"{chance.randint(5, 90)}.00",
                      sku=chance.choice(["EYE-1", "LIP-1"]))  # fmt: skip
        found.append(one)
    return list(Distributor.objects.with_market().order_by("pk"))


def test_it_works() -> None:
    slate = shown_to(stage())
    found = replay.replayed(slate)
    assert (found.same, found.first_difference) == (True, "")
    assert [row.key for row in found.rows] == [card["key"] for card in slate.cards]
    assert len(found.rows) == 5


def test_what_was_logged_is_drawn_again_for_everybody_on_every_day() -> None:
    people, chance = company(20, seed=3), random.Random(4)
    for one in people:
        for day in chance.sample(range(30), 10):
            at = f.NOW + timedelta(days=day, minutes=chance.randint(0, 500))
            recommend.feed(one, as_of=at, size=chance.choice([1, 4, 5, 7, 10]))
    slates = list(Slate.objects.all())
    assert len(slates) >= 200
    for slate in slates:
        found = replay.replayed(slate)
        assert found.same, found.first_difference
        for again, card in zip(found.rows, slate.cards, strict=True):
            assert (again.propensity, again.score) == (card["propensity"], card["score"])
    assert len({len(slate.cards) for slate in slates}) >= 4
    assert len({card["slot"] for slate in slates for card in slate.cards}) >= 3


def test_the_catalogue_of_today_plays_no_part() -> None:
    slate = shown_to(stage())
    Activity.objects.update(form=Activity.Form.LESSON, status=Activity.Status.RETIRED, p_done=0.9, impacts={})
    Activity.objects.filter(key="reorder-talk").update(form=Activity.Form.TODO, key="another-key")
    assert replay.replayed(slate).same


def test_without_noise() -> None:
    assert replay.replayed(shown_to(stage(), noise=False)).same


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda s: s.cards.reverse(), "Place 1 showed"),
        (lambda s: s.cards[2].update(propensity=s.cards[2]["propensity"] + 1e-8), "Place 3 had a chance of"),
        (lambda s: s.cards[1].update(score=s.cards[1]["score"] + 1e-8), "Place 2 had a score of"),
        (lambda s: s.cards[1].update(slot="other"), "Place 2 was a slot of kind other"),
        (lambda s: s.cards[0].update(key="never-there"), "never-there was shown, but"),
        (lambda s: [row.__setitem__(1, row[1] + 0.3) for row in s.eligible[:2]], "Place "),
        (lambda s: s.versions.update(drawing=0), "another way"),
        (lambda s: s.versions.update(columns=s.versions["columns"][:6]), "older"),
        (lambda s: s.versions.clear(), "older"),
        (lambda s: s.eligible.clear(), "older"),
    ],
)  # fmt: skip
def test_what_differs_is_said(change: Any, sentence: str) -> None:
    slate = shown_to(stage())
    change(slate)
    found = replay.replayed(slate)
    assert not found.same
    assert found.first_difference.startswith(sentence) or sentence in found.first_difference


def test_another_seed_is_another_draw() -> None:
    slate = shown_to(stage())
    same = []
    for n in range(1, 21):
        slate.seed += n
        same.append(replay.replayed(slate).same)
    assert not all(same)


def test_a_slate_that_is_longer_than_its_log_differs() -> None:
    slate = shown_to(stage())
    slate.cards.append(slate.cards[0])
    assert not replay.replayed(slate).same


def test_terms_add_up_and_places_are_those_of_the_page() -> None:
    jenna = stage()
    feed = recommend.feed(jenna, as_of=f.NOW)
    log = replay.read(Slate.objects.get())
    for card in feed.cards:
        at = log.keys.index(card.key)
        assert abs(card.terms.score - log.terms.score[at]) < 1e-9
        assert (card.rank, card.rank_without_company) == (log.ranks[at], log.ranks_without_company[at])
        assert card.company_share == log.company_share(at)
    assert abs(log.terms.by_kpi.sum(axis=1) - log.terms.company).max() < 1e-6


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=40), st.integers(0, 2**63 - 1))
@settings(max_examples=50, deadline=None)
def test_a_log_of_any_numbers_comes_back_as_they_were(own: list[float], seed: int) -> None:
    """Through jsonb, where a number is decimal: its shortest text is enough."""
    rows = [[f"a{n}", value, 0.1 + 0.2, 0.0, -1e-17, 1 / 3, n + 1, 0, 0] for n, value in enumerate(own)]
    her = Distributor.objects.first() or f.distributor()
    slate = Slate.objects.create(
        distributor=her, day=f.TODAY, shown_at=f.NOW, seed=seed, digest=f.number().to_bytes(32),
        versions={"columns": list(recommend.COLUMNS)}, eligible=rows,
    )  # fmt: skip
    slate.refresh_from_db()
    found = replay.read(slate)
    assert [row[1] for row in slate.eligible] == own
    assert (found.terms.own.tolist(), found.terms.company[0]) == (own, 0.1 + 0.2)
