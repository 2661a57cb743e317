"""Properties of the draw: fair, repeatable, and with the propensities it says; against a plain reading of ranking.md 2."""

from __future__ import annotations

import math
import os
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.ranking import drawing
from activities.ranking.blocks import ACTIVITY
from activities.ranking.drawing import Placed, Slot
from activities.ranking.scoring import Cards
from tests.activities import columns

DAY = date(2026, 8, 27)
DRAWS = int(os.environ.get("PEP_DRAWS", "100000"))
ORDER = [Slot.OWN, Slot.COMPANY, Slot.LEARNING, Slot.OTHER]


def activities(n: int) -> np.ndarray:
    found = np.zeros(n, ACTIVITY)
    found["id"] = np.arange(n) + 1
    return found


def slate(found: Cards, **options: object) -> list[Placed]:
    n = len(found.card)
    return drawing.slate(n, found, activities(n), **options)  # type: ignore[arg-type]


def listed(own: list[float], people: list[str] | None = None, kinds: list[int] | None = None, **more: object) -> Cards:
    """Cards that help her own goals so much and nothing else, unless said."""
    n = len(own)
    found = columns.cards(n, 0, 0, own=own, **more)
    columns.about(found, people or [""] * n)
    if kinds is not None:
        found.card["activity"] = kinds
    found.card["score"] = sum(found.card[name] for name in ("own", "company", "learned", "fatigue", "rules"))
    return found


@st.composite
def lists(draw: st.DrawFn) -> Cards:
    n = draw(st.integers(0, 40))

    def column(values: st.SearchStrategy[float]) -> list[float]:
        return draw(st.lists(values, min_size=n, max_size=n))

    # Few different values, so that ties happen.
    some = st.sampled_from([0.0, 0.0, 0.1, 0.1, 0.2, 0.35, 0.5])
    return listed(
        column(some),
        people=draw(st.lists(st.sampled_from(["", "", "c1", "c2", "c3", "c4"]), min_size=n, max_size=n)),
        kinds=draw(st.lists(st.integers(0, max(0, n - 1)), min_size=n, max_size=n)),
        company=column(some), learned=column(some), fatigue=column(st.sampled_from([0.0, 0.0, -0.05])),
        learning=draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)),
        barred=draw(st.lists(st.sampled_from([0, 0, 0, 0, 1]), min_size=n, max_size=n)),
    )  # fmt: skip


class Plain:
    """The draw in plain Python: lists of indices, nothing compiled but the noise."""

    def __init__(self, found: Cards, seed: int | None) -> None:
        self.found, self.seed, self.n = found.card, seed, len(found.card)
        self.people = [
            (int(k), int(a)) if k else None for k, a in zip(self.found["kind"], self.found["about"], strict=True)
        ]
        self.pages = {slot: self.paged(slot) for slot in ORDER}

    def value(self, slot: Slot, i: int) -> float:
        f = self.found
        return float(f["company"][i] + f["fatigue"][i] + f["rules"][i] if slot is Slot.COMPANY else f["score"][i])

    def members(self, slot: Slot) -> list[int]:
        f = self.found
        ok = {
            Slot.OWN: lambda i: not f["learning"][i] and f["own"][i] > 0, Slot.COMPANY: lambda i: f["company"][i] > 0,
            Slot.LEARNING: lambda i: bool(f["learning"][i]), Slot.OTHER: lambda i: True,
        }[slot]  # fmt: skip
        return [i for i in range(self.n) if not f["barred"][i] and ok(i)]

    def paged(self, slot: Slot) -> list[list[int]]:
        waiting, named, pages = sorted(self.members(slot), key=lambda i: (-self.value(slot, i), i)), set(), []
        while waiting:
            page: list[int] = []
            rest: list[int] = []
            for i in waiting:
                if self.people[i] in named:
                    continue
                if len(page) == 8 or self.found["activity"][i] in {self.found["activity"][j] for j in page}:
                    rest.append(i)
                    continue
                page.append(i)
                named |= {self.people[i]} - {None}
            if page:
                pages.append(page)
            waiting = rest
        return pages

    def weights(self, slot: Slot, page: list[int]) -> list[float]:
        values = [self.value(slot, i) for i in page]
        soft = [math.exp((v - max(values)) / 0.10) for v in values]
        return [0.95 * s / sum(soft) + 0.05 / len(page) for s in soft]

    def choose(self, slot: Slot, page: list[int], still: list[int], repeats: bool) -> Placed:
        open_ = [(i, w) for i, w in zip(page, self.weights(slot, page), strict=True) if i in still]
        if self.seed is None:
            return Placed(open_[0][0], slot, 1.0)
        row = ORDER.index(slot) + (4 if repeats else 0)

        def noisy(pair: tuple[int, float]) -> float:
            i, w = pair
            f = self.found
            return math.log(w) + drawing.gumbel(
                self.seed, int(f["activity"][i]) + 1, int(f["kind"][i]), int(f["about"][i]), row
            )

        best = max(open_, key=noisy)
        return Placed(best[0], slot, best[1] / sum(w for _i, w in open_))

    def draw(self, size: int, pin: int = -1) -> list[Placed]:
        left, used, placed, tired = {i for i in range(self.n) if not self.found["barred"][i]}, set(), [], False

        def settle(one: Placed) -> None:
            placed.append(one)
            used.add(int(self.found["activity"][one.index]))
            who = self.people[one.index]
            left.difference_update([one.index], [i for i in left if who is not None and self.people[i] == who])

        if pin >= 0:
            settle(Placed(pin, Slot.PIN, 1.0))
        while len(placed) < size and left:
            slot = [Slot.OWN, Slot.OWN, Slot.OWN, Slot.COMPANY, Slot.LEARNING][len(placed) % 5]
            new = [] if tired else [i for i in left if int(self.found["activity"][i]) not in used]
            repeats = not new
            still = sorted(left) if repeats else new
            for source in [slot, *(other for other in ORDER if other is not slot)]:
                page = next((page for page in self.pages[source] if set(page) & set(still)), None)
                if page is not None:
                    settle(self.choose(source, page, still, repeats))
                    break
            else:
                if repeats:
                    break
                tired = True
        return placed


@given(lists(), st.one_of(st.none(), st.integers(0, 2**62)), st.integers(0, 9))
@settings(deadline=None, max_examples=400)
def test_as_a_plain_reading_of_the_rules(found: Cards, seed: int | None, size: int) -> None:
    placed, plain = slate(found, seed=seed, size=size), Plain(found, seed).draw(size)
    assert [(one.index, one.slot) for one in placed] == [(one.index, one.slot) for one in plain]
    assert [one.propensity for one in placed] == pytest.approx([one.propensity for one in plain], abs=1e-12)
    assert placed == slate(found, seed=seed, size=size)


@given(lists())
@settings(deadline=None, max_examples=100)
def test_nobody_twice_and_nothing_barred(found: Cards) -> None:
    placed = slate(found, seed=7, size=40)
    about = [
        (found.card["kind"][one.index], found.card["about"][one.index])
        for one in placed
        if found.card["kind"][one.index]
    ]
    assert len(about) == len(set(about))
    assert not any(found.card["barred"][one.index] for one in placed)
    assert all(0 < one.propensity <= 1 + 1e-12 for one in placed)
    open_ = {
        (k, a) if k else i
        for i, (k, a) in enumerate(zip(found.card["kind"], found.card["about"], strict=True))
        if not found.card["barred"][i]
    }
    assert len(placed) == min(40, len(open_))


def six() -> Cards:
    """Four cards for her goals, one for the company, one lesson."""
    return listed(
        [0.45, 0.40, 0.30, 0.20, 0.0, 0.0], company=[0, 0, 0, 0, 0.2, 0.1], learning=[0, 0, 0, 0, 0, 1]
    )  # fmt: skip


def test_a_hundred_thousand_draws_match_the_propensities() -> None:
    """First slot by w; second slot by w over those remaining: what is logged is what happens."""
    found = six()
    weights = np.array(Plain(found, None).weights(Slot.OWN, [0, 1, 2, 3]))
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    first, second, logged = np.zeros(4), np.zeros((4, 4)), np.zeros((4, 4))
    for person in range(DRAWS):
        one, two, *_rest = slate(found, seed=drawing.seed_of(person, DAY))
        first[one.index] += 1
        second[one.index, two.index] += 1
        logged[one.index, two.index] = two.propensity
    # Four standard errors.
    assert np.abs(first / DRAWS - weights).max() < 4 * np.sqrt(0.25 / DRAWS)
    for i in range(4):
        rates = second[i] / first[i]
        assert np.abs(rates - logged[i]).max() < 4 * np.sqrt(0.25 / first[i])
        assert logged[i].sum() == pytest.approx(1.0, abs=1e-9)


def test_company_slot_is_not_tainted_by_the_own_slots_draw() -> None:
    """Three cards left over from her own slots, equal to the company: each is drawn a third of the time.

    With one noise for both, the two that lost against their equals would be behind the one that hardly took part.
    """
    found, n = listed([0.6] * 5 + [0.01], company=[0.1] * 6), 4_000
    hardly_took_part = left_over = 0
    for person in range(n):
        placed = slate(found, seed=drawing.seed_of(person, DAY))
        assert [one.slot for one in placed[:4]] == [Slot.OWN, Slot.OWN, Slot.OWN, Slot.COMPANY]
        if 5 not in {one.index for one in placed[:3]}:
            left_over += 1
            hardly_took_part += placed[3].index == 5
            assert placed[3].propensity == pytest.approx(1 / 3)
    assert abs(hardly_took_part / left_over - 1 / 3) < 4 * np.sqrt(2 / 9 / left_over)


def test_noise_is_of_the_candidate_alone() -> None:
    """Who else is a candidate plays no part; person, day, activity, whom it is about and the kind of slot do."""
    seed = drawing.seed_of(5, DAY)
    asked = [
        (seed, 1, 0, 0, 0),
        (seed + 1, 1, 0, 0, 0),
        (seed, 2, 0, 0, 0),
        (seed, 1, 1, 3, 0),
        (seed, 1, 2, 3, 0),
        (seed, 1, 0, 0, 1),
    ]
    assert len({drawing.gumbel(*one) for one in asked}) == len(asked)
    noise = np.array([drawing.gumbel(seed, n, 1, n * 7, n % 8) for n in range(20_000)])
    # Mean and standard deviation of a standard Gumbel: Euler's constant and pi / sqrt 6.
    assert noise.mean() == pytest.approx(0.5772, abs=0.04)
    assert noise.std() == pytest.approx(math.pi / math.sqrt(6), abs=0.04)


def test_seed_is_stable_and_moves_with_person_and_day() -> None:
    assert drawing.seed_of(12345, DAY) == SEED
    assert len({drawing.seed_of(p, DAY + timedelta(days=d)) for p in (1, 2, -1) for d in range(10)}) == 30
    assert all(0 <= drawing.seed_of(p, DAY) < 2**63 for p in (-(2**63), -1, 0, 2**63 - 1))


SEED = 1461246175071264864


def test_empty_slots_fall_to_her_own_goals_first() -> None:
    placed = slate(listed([0.1, 0.2, 0.3, 0.4, 0.5]))
    assert [one.slot for one in placed] == [Slot.OWN] * 5
    assert [one.index for one in placed] == [4, 3, 2, 1, 0]


def test_a_long_list_is_drawn_eight_at_a_time() -> None:
    """The ninth best competes only when the first eight are placed."""
    found = listed(list(np.linspace(0.5, 0.1, 20)))
    for person in range(50):
        placed = slate(found, size=20, seed=drawing.seed_of(person, DAY))
        assert {one.index for one in placed[:8]} == set(range(8))
        assert {one.index for one in placed} == set(range(20))


def test_an_activity_comes_again_only_when_no_other_is_left() -> None:
    """Maria and Li could both get the video: the second card is the other thing to do, and only then the video again."""
    placed = slate(listed([0.5, 0.49, 0.1, 0.2], ["c1", "c2", "c1", "c2"], [0, 0, 1, 1]))
    assert [one.index for one in placed] == [0, 3]
    four = listed([0.5, 0.49, 0.1, 0.2], ["c1", "c2", "c3", "c4"], [0, 0, 0, 1])
    assert [one.index for one in slate(four)] == [0, 3, 1, 2]
    for person in range(30):
        placed = slate(four, seed=drawing.seed_of(person, DAY))
        assert 3 in {one.index for one in placed[:2]}
        assert {one.index for one in placed} == {0, 1, 2, 3}


def test_nothing_that_moves_anything_is_still_shown() -> None:
    assert [one.slot for one in slate(listed([0.0, 0.0]))] == [Slot.OTHER, Slot.OTHER]


def test_a_pin_comes_first_and_suppressed_cards_never() -> None:
    found = six()
    found.card["barred"][0] = 1
    placed = slate(found, seed=1, pin=4)
    assert (placed[0].index, placed[0].slot, placed[0].propensity) == (4, Slot.PIN, 1.0)
    assert 0 not in {one.index for one in placed}


def test_no_candidates_no_slate() -> None:
    assert slate(listed([]), seed=1) == []
