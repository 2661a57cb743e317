"""One definition: a block of people ranks like each of them alone, term by term and card by card."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from activities import actions, recommend
from activities.models import Slate
from activities.ranking import kernel, loading, memory, steering
from activities.ranking import shelf as shelves
from activities.ranking.blocks import no_rules
from activities.ranking.person import rank
from distributors import features, reordering, versions
from distributors.blocks import calendar_of
from distributors.chances import spread_for
from distributors.models import Distributor, Segment
from distributors.records import day_number
from tests import factories as f
from tests.activities.stage import order, stage

pytestmark = pytest.mark.django_db


def field(people: int = 24, seed: int = 3) -> list[Distributor]:
    """Jenna, and others with random goals, customers, orders, recruits and deeds, in two markets and three languages."""
    stage()
    rng = random.Random(seed)
    mexico = f.market("mx", currency="MXN", price_level=Decimal(18), time_zone="America/Mexico_City", language="es")
    f.activity("eye-call", "Call {name}", about="one_time", impacts={"sales": 9, "orders": 0.1})
    f.activity("reorder-note", "Write {name}", about="reorder_due", impacts={"sales": 12, "repeat_orders": 0.2})
    f.activity("plan", "Plan your week", impacts={"sales": 2})
    for n in range(people):
        someone(rng, n, mexico if n % 5 == 0 else f.market())
    return list(Distributor.objects.active().with_market().order_by("pk"))


def someone(rng: random.Random, n: int, market: object) -> None:
    of = f.distributor(
        market=market, language=rng.choice(["", "de", "xx"]), own_goal_share=rng.choice([None, Decimal("0.75")]),
        joined_on=f.TODAY - timedelta(days=rng.randrange(400)),
    )  # fmt: skip
    for metric, period in rng.sample(
        [
            ("sales", "week"),
            ("sales", "month"),
            ("orders", "week"),
            ("order_size", "month"),
            ("retained_recruits", "month"),
        ],
        rng.randrange(4),
    ):
        f.goal(of, metric=metric, period=period, target=Decimal(rng.choice([1, 3, 60, 250])), weight=rng.choice([1, 2]))
    for _ in range(rng.randrange(5)):
        customer = f.customer(
            of,
            kind="prospect",
            hotness=rng.choice(["", "hot", "cold"]),
            added_at=f.NOW - timedelta(days=rng.randrange(60)),
        )
        for _order in range(rng.randrange(4)):
            order(of, customer, rng.randrange(150), f"{rng.randrange(5, 90)}.00", sku=rng.choice(["EYE-1", "LIP-1"]))
    for _ in range(rng.randrange(3)):
        f.distributor(sponsor=of, market=market, joined_on=f.TODAY - timedelta(days=rng.randrange(40)))
    if n % 3 == 0:
        feed = recommend.feed(of, as_of=f.NOW - timedelta(days=rng.randrange(1, 9)))
        for card in feed.cards[:2]:
            act = rng.choice([actions.start, actions.complete])
            act(distributor=of, card_key=card.key, as_of=feed.as_of, by=None)


def block(people: list[Distributor], as_of=f.NOW):
    ids = [one.pk for one in people]
    features.refresh(ids)
    memory.refresh(ids)
    shelf = shelves.current()
    calendar = calendar_of(shelf.markets, as_of)
    found, _features, _memory = loading.people_between(min(ids), max(ids), shelf)
    spread = spread_for(shelf.markets, calendar, found.goals, found.goals_at, found.market)
    numbers = versions.current()
    course = steering.of(numbers, shelf, calendar)
    buying = reordering.of(numbers, shelf.markets)
    return shelf, (found, calendar, spread, buying, shelf.arrays, course.arrays_for(found, calendar), no_rules())


def test_a_block_is_drawn_like_each_alone() -> None:
    people = field()
    shelf, given = block(people)
    cards, counts = kernel.slates(*given)
    assert [int(pk) for pk in given[0].ids] == [one.pk for one in people]
    assert counts.sum() > 60
    for i, one in enumerate(people):
        ranking = rank(one, as_of=f.NOW)
        placed = recommend.slate(ranking)
        assert counts[i] == len(placed)
        for card, alone in zip(cards[i], placed, strict=False):
            key = shelf.activities[shelf.index[int(card["activity"])]].key
            about = "" if not card["kind"] else f".{'cr'[card['kind'] - 1]}{card['about']}"
            assert (key + about, float(card["score"]), float(card["propensity"])) == (
                ranking.keys[alone.index], float(ranking.terms.score[alone.index]), alone.propensity,
            )  # fmt: skip


def test_the_campaigns_of_segments_are_each_ones_own() -> None:
    """Of one block some belong to a segment and some do not: each is ranked with her own row."""
    people = field(16, seed=4)
    whole = rank(people[0], as_of=f.NOW).priorities.campaign
    leads = Segment.objects.create(name="Leaders", team="leads")
    local = f.campaign(segment=Segment.objects.create(name="New", days_to=180), starts_on=f.TODAY)
    f.priority_version(local, {f.kpi(metric="sales"): 70, f.kpi(metric="orders", segment=leads): 30})
    _shelf, given = block(people)
    room = kernel.room_for(given[0], given[4], given[5], given[6], size=5)
    seen = set()
    for i, one in enumerate(people):
        ranking = rank(one, as_of=f.NOW)
        new = (f.TODAY - one.joined_on).days <= 180
        assert ranking.priorities.campaign == (local if new else whole)
        seen.add((new, len(ranking.priorities.weights)))
        n, *_rest = kernel.rank_one(i, *given, room)
        assert np.array_equal(room.cards.by_kpi[:n], ranking.found.room.cards.by_kpi[:n])
    assert seen == {(True, 1), (True, 2), (False, 4)}


def test_every_term_of_a_block_is_that_of_each_alone() -> None:
    people = field(12, seed=8)
    _shelf, given = block(people)
    room = kernel.room_for(given[0], given[4], given[5], given[6], size=5)
    for i, one in enumerate(people):
        ranking = rank(one, as_of=f.NOW)
        n, many, goals = kernel.rank_one(i, *given, room)
        assert (n, many, goals) == ranking.found[:3]
        # A block has room for the largest person: only her own goals are hers.
        assert room.cards.card[:n].tobytes() == ranking.found.room.cards.card[:n].tobytes()
        for name in ("gains", "shares"):
            mine, alone = getattr(room.cards, name), getattr(ranking.found.room.cards, name)
            assert np.array_equal(mine[:n, :goals], alone[:n, :goals]), name
        assert np.array_equal(room.cards.by_kpi[:n], ranking.found.room.cards.by_kpi[:n])


def test_what_is_logged_is_what_was_drawn() -> None:
    """The terms of every eligible card add up, and the shown ones are among them."""
    people = field(9, seed=5)
    Slate.objects.all().delete()
    for one in people:
        recommend.feed(one, as_of=f.NOW)
    for slate in Slate.objects.all():
        columns = slate.versions["columns"]
        terms = {row[0]: dict(zip(columns, row, strict=False)) for row in slate.eligible}
        for card in slate.cards:
            logged = terms[card["key"]]
            parts = sum(logged[name] for name in ("own", "company", "learning", "fatigue", "rules"))
            assert parts == pytest.approx(card["score"], abs=1e-6)
            assert abs(sum(card["terms"].values()) - card["score"]) < 1e-9


def test_days_are_her_markets() -> None:
    """Late in the evening of one market it is tomorrow in another: the seed and the windows are each one's own."""
    people = field(6, seed=2)
    late = f.NOW + timedelta(hours=13, minutes=30)  # 00:30 in New York, 22:30 in Mexico City
    _shelf, given = block(people, late)
    days = {one.market.code: one.local_day(late) for one in people}
    assert days["us"] == days["mx"] + timedelta(days=1)
    for i, one in enumerate(people):
        assert given[1].today[given[0].market[i]] == day_number(days[one.market.code])
        cards, counts = kernel.slates(*given)
        placed = recommend.slate(rank(one, as_of=late))
        assert [float(x) for x in cards[i]["propensity"][: counts[i]]] == [p.propensity for p in placed]
