"""What logged lists say of other weights: simulated worlds where the truth is known, then the log of the real ranking."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from activities import recommend
from activities.evidence import off_policy, off_policy_log, redrawing, replay
from activities.evidence.off_policy_log import KEPT, PLACES, CannotSay, answer, read
from activities.evidence.redrawing import LISTED, Lists
from activities.evidence.replay import Log
from activities.models import Action, Slate
from activities.ranking import drawing, scoring
from activities.ranking.blocks import ACTIVITY
from distributors.models import Distributor, Segment
from kpis.models import Campaign
from kpis.proposals import Proposal, of_version
from tests import factories as f
from tests.activities.stage import stage
from tests.activities.test_replay import company

# Worlds


@dataclass
class World:
    """Eight activities that compete for five places; what is done of one hangs on whom it is shown to and what is above it."""

    people: int = 80
    days: int = 5

    def cards(self, own: np.ndarray, by: np.ndarray) -> scoring.Cards:
        found = scoring.cards(8, 0, 0)
        found.card["activity"] = np.arange(8)
        found.card["own"] = own
        found.card["company"] = MOVES @ by
        found.card["score"] = found.card["own"] + found.card["company"]
        return found

    def shown(self, own: np.ndarray, by: np.ndarray, seed: int) -> list[drawing.Placed]:
        return drawing.slate(8, self.cards(own, by), ACTIVITIES, seed=seed)

    def done(self, cards: np.ndarray, mood: np.ndarray, chance: np.random.Generator) -> np.ndarray:
        """Lists x places. Below a card that is rarely done she is half as willing: rewards hang on what stands above."""
        p = LIKELY[cards] + mood[:, None]
        p[:, 1:] *= np.where(LIKELY[cards[:, :-1]] < 0.25, 0.5, 1.0)
        return (chance.random(cards.shape) < p).astype(float)

    def person(self, chance: np.random.Generator) -> tuple[np.ndarray, float]:
        return 0.3 + chance.normal(0, 0.05, 8), chance.uniform(-0.08, 0.08)

    def logged(self, seed: int) -> tuple[Lists, np.ndarray, np.ndarray, np.ndarray]:
        """Lists drawn with equal weights, the chances of their cards, what was done, and whose they are."""
        chance = np.random.default_rng(seed)
        rows, chances, moods, cards, parts = [], [], [], [], []
        for _ in range(self.people):
            own, mood = self.person(chance)
            for _ in range(self.days):
                placed = self.shown(own, EQUAL, int(chance.integers(1 << 60)))
                rows.append([one.index for one in placed])
                chances.append([one.propensity for one in placed])
                moods.append(mood)
                listed = np.zeros(8, LISTED)
                listed["activity"], listed["own"], listed["company"] = np.arange(8) + 1, own, MOVES @ EQUAL
                cards.append(listed)
                parts.append((MOVES * EQUAL).round(7))
        shown = np.array(rows)
        lists = Lists(
            np.arange(len(rows) + 1) * 8, np.concatenate(cards), np.concatenate(parts).astype(np.float32), shown,
            np.ones(shown.shape, bool),
        )  # fmt: skip
        reward = self.done(shown, np.array(moods), chance)
        return lists, np.array(chances), reward, np.repeat(np.arange(self.people), self.days)

    def truth(self, by: np.ndarray, lists: int = 12_000) -> float:
        chance = np.random.default_rng(99)
        shown, moods = [], []
        for n in range(lists):
            own, mood = self.person(chance)
            shown.append([one.index for one in self.shown(own, by, n)])
            moods.append(mood)
        return float(self.done(np.array(shown), np.array(moods), chance).sum(axis=1).mean())


#: What each activity does for two KPIs, and how likely it is done.
MOVES = np.array([[0.20, 0.18, 0.15, 0.10, 0.06, 0.04, 0.02, 0.02], [0.02, 0.02, 0.04, 0.06, 0.10, 0.15, 0.18, 0.20]]).T
LIKELY = np.array([0.1, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.7])
ACTIVITIES = np.zeros(8, ACTIVITY)
ACTIVITIES["id"] = np.arange(8) + 1
EQUAL, OTHER = np.array([0.5, 0.5]), np.array([0.2, 0.8])


def redrawn(lists: Lists, by: np.ndarray) -> redrawing.Chances:
    many = len(lists.shown)
    return redrawing.chances(lists, np.ones(many), np.tile(by / EQUAL, (many, 1)), np.ones(many, bool))


def test_the_range_holds_the_truth_as_often_as_it_says_and_the_naive_ones_do_not() -> None:
    world = World()
    truth = world.truth(OTHER) - world.truth(EQUAL)
    held, off, naive = 0, [], np.zeros(2)
    for seed in range(100):
        lists, logged, reward, person = world.logged(seed)
        found = redrawn(lists, OTHER)
        weights = off_policy.cumulative(found.now, logged)
        estimate = off_policy.estimate(weights, reward, person)
        assert estimate.effective > 150
        held += estimate.low <= truth <= estimate.high
        off.append((estimate.difference - truth) / estimate.error)
        # Places weighed each by itself, as if nothing hung on what is above; and lists that look like it against all.
        alone = off_policy.estimate(found.now / logged, reward, person)
        alike = off_policy.estimate(np.repeat((weights[:, -1:] > 1) * 1.0, PLACES, axis=1), reward, person)
        naive += [one.low <= truth <= one.high for one in (alone, alike)]
    assert 90 <= held <= 99
    assert abs(np.mean(off)) < 0.3
    assert 0.85 < np.std(off) < 1.15
    assert naive.max() < 80


# The estimator alone


def test_with_the_same_weights_it_is_the_plain_mean() -> None:
    chance = np.random.default_rng(1)
    logged, reward = chance.uniform(0.1, 1, (50, 5)), chance.integers(0, 2, (50, 5)).astype(float)
    found = off_policy.estimate(off_policy.cumulative(logged, logged), reward, np.arange(50) // 5)
    assert found.would_be == pytest.approx(reward.sum(axis=1).mean(), abs=1e-12)
    assert (found.effective, found.lists, found.people) == (pytest.approx(50), 50, 10)
    assert (found.difference, found.error) == (pytest.approx(0, abs=1e-12), pytest.approx(0, abs=1e-12))


def test_weights_that_are_all_too_large_change_nothing() -> None:
    chance = np.random.default_rng(1)
    weights, reward = chance.uniform(0.1, 3, (50, 5)), chance.integers(0, 2, (50, 5)).astype(float)
    one, other = (off_policy.estimate(w, reward, np.arange(50)) for w in (weights, 3 * weights))
    for name in ("was", "would_be", "error", "effective"):
        assert getattr(one, name) == pytest.approx(getattr(other, name))
    # An estimate never leaves what rewards can be.
    assert off_policy.estimate(weights, np.ones((50, 5)), np.arange(50)).would_be == pytest.approx(5)


def test_the_place_with_the_least_weight_says_how_many_lists_count() -> None:
    weights = np.ones((10, 2))
    weights[:, 1] = [5, 5, *[0] * 8]
    assert off_policy.effective_size(weights) == pytest.approx(2)
    assert off_policy.effective_size(np.zeros((10, 2))) == 0


def test_lists_of_one_person_are_one_witness() -> None:
    moves = np.tile([0.01, -0.01], 20)
    assert off_policy.clustered_error(moves, np.arange(40)) == pytest.approx(np.sqrt(40 / 39 * 40) * 0.01)
    assert off_policy.clustered_error(moves, np.repeat(np.arange(20), 2)) == pytest.approx(0)
    assert off_policy.clustered_error(moves, np.zeros(40)) == np.inf


# The log

LAST = off_policy_log.last_day(f.NOW)


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    KEPT.results.clear()
    yield
    KEPT.results.clear()


def shown_to(distributor: Distributor, as_of: datetime = f.NOW) -> Slate:
    recommend.feed(distributor, as_of=as_of)
    return Slate.objects.filter(distributor=distributor).latest("pk")


def at(day: date, hour: int = 15) -> datetime:
    return f.NOW.replace(hour=hour) - timedelta(days=(f.TODAY - day).days)


def copied(
    slate: Slate, *, of: Distributor, day: date, seed: int, pin: int = -1, log: Log | None = None, **fields: Any
) -> Slate:
    """The same candidates, drawn for another person and day. Not saved."""
    log = log or replay.read(slate)
    activities = np.zeros(len(log.ids), ACTIVITY)
    activities["id"] = log.ids
    placed = drawing.slate(len(log), log.cards, activities, seed=seed, pin=pin)
    cards = [
        {"key": log.keys[p.index], "activity": int(log.ids[log.cards.card["activity"][p.index]]), "slot": str(p.slot),
         "propensity": p.propensity, "score": float(log.terms.score[p.index])}
        for p in placed
    ]  # fmt: skip
    values = {
        "versions": slate.versions, "eligible": slate.eligible, "cards": cards, "shown_at": at(day), "seed": seed,
        "digest": seed.to_bytes(32),
    }  # fmt: skip
    return Slate(distributor=of, day=day, **values | fields)


def do(slate: Slate, place: int, *, on: date | None = None, hour: int = 18, **fields: Any) -> Action:
    card, day = slate.cards[place], on or slate.day
    return Action(
        distributor=slate.distributor, activity_id=card["activity"], about_key=card["key"].partition(".")[2],
        **{"kind": Action.Kind.DONE, "day": day, "at": at(day, hour)} | fields,
    )  # fmt: skip


def weeks_of_lists() -> Campaign:
    """Jenna's candidates on the lists of 40 people on seven days, three weeks apart; some of it was done."""
    jenna, chance = stage(), random.Random(5)
    proto = shown_to(jenna)
    proto.delete()
    people = [f.distributor(market=jenna.market) for _ in range(40)]
    days = [LAST - timedelta(days=3 * n) for n in range(7)]
    log = replay.read(proto)
    slates = [copied(proto, of=one, day=day, seed=chance.getrandbits(60), log=log) for one in people for day in days]
    Slate.objects.bulk_create(slates)
    Action.objects.bulk_create(
        do(slate, place) for slate in slates for place in range(len(slate.cards)) if chance.random() < 0.3
    )
    return Campaign.objects.get()


@pytest.fixture
def campaign() -> Campaign:
    return weeks_of_lists()


def proposal(campaign: Campaign, share: str = "0.60", **points: int) -> Proposal:
    """As published, with some points by metric changed."""
    found = of_version(campaign, campaign.versions.first())
    ids = dict(campaign.versions.first().priorities.values_list("kpi__metric", "kpi_id"))
    weights = found.weights | {ids[metric]: number for metric, number in points.items()}
    return Proposal(campaign, {pk: number for pk, number in weights.items() if number}, Decimal(share))


def refused(found: Proposal, as_of: datetime = f.NOW) -> str:
    with pytest.raises(CannotSay) as caught:
        answer(found, as_of)
    return str(caught.value)


@pytest.mark.django_db
def test_it_works(campaign: Campaign) -> None:
    found = answer(proposal(campaign), f.NOW)
    done = Action.objects.count() / 280
    assert found.found.was == pytest.approx(done)
    assert found.found.would_be == pytest.approx(done, abs=1e-9)
    assert (found.found.effective, found.found.lists, found.found.people) == (pytest.approx(280), 280, 40)
    assert (found.first, found.last) == (date(2026, 7, 27), date(2026, 8, 23))
    assert (found.possible, found.left_out, found.capped) == (pytest.approx(1), 0, False)


@pytest.mark.django_db
def test_with_other_weights(campaign: Campaign) -> None:
    found = answer(proposal(campaign, repeat_orders=30, order_size=35), f.NOW)
    assert found.found.would_be != found.found.was
    assert found.found.low < found.found.difference < found.found.high
    assert 200 < found.found.effective < 280


@pytest.mark.django_db
def test_the_logged_chances_come_out_with_the_weights_of_then() -> None:
    """Of real lists of many sorts of people, to the ninth digit, and of everybody."""
    people = company(20, seed=3)
    for one in people:
        for days in (0, 5, 13):
            recommend.feed(one, as_of=f.NOW + timedelta(days=days), size=random.Random(one.pk).choice([2, 5, 5, 10]))
    campaign, later = Campaign.objects.get(), f.NOW + timedelta(days=20)
    book = read(campaign, later)
    assert len(book.person) == Slate.objects.count() >= 50
    assert book.older == 0
    weighing = off_policy_log.weighed(book, campaign, proposal(campaign).board(), later)
    assert weighing.can.all()
    found = redrawing.chances(book.lists, weighing.own_by, weighing.company_by, weighing.can)
    assert np.abs(found.then - book.logged).max() < 1e-9
    assert np.abs(found.now - book.logged).max() < 1e-9
    assert (book.logged < 0.9).any()


@pytest.mark.django_db
def test_a_list_weighed_again_is_the_one_those_weights_would_have_ranked() -> None:
    """Every chance is that of the list which the real ranking makes with these weights, a falling KPI among them."""
    jenna = stage()
    jenna.own_goal_share = Decimal("0.65")
    jenna.save()
    campaign, when = Campaign.objects.get(), at(LAST)
    kpis = {one.kpi.metric: one.kpi for one in campaign.versions.get().priorities.select_related("kpi")}
    kpis["sales"] = f.kpi(metric="sales", direction=-1, focus="fewer sales")

    def version(**points: int) -> None:
        weights = {kpis[metric]: number for metric, number in points.items()}
        f.priority_version(campaign, weights, own_goal_share=Decimal("0.50" if "lessons_done" in points else "0.70"))

    version(repeat_orders=30, enrolments=20, retained_recruits=15, order_size=25, sales=10)
    shown_to(jenna, when)
    book = read(campaign, f.NOW)
    new = {kpis[metric].pk: number for metric, number in (("repeat_orders", 10), ("order_size", 60), ("sales", 30))}
    for share in ("0.60", "0.80", "1.00"):
        considered = Proposal(campaign, new, Decimal(share))
        weighing = off_policy_log.weighed(book, campaign, considered.board(), f.NOW)
        card, other = np.zeros(len(book.lists.card), scoring.CARD), np.zeros(len(book.lists.card), scoring.CARD)
        redrawing.fill(book.lists, 0, weighing.own_by[0], weighing.company_by[0], card, other)
        ranking = recommend.rank(jenna, as_of=when, board=considered.board())
        assert np.abs(other["own"] - ranking.terms.own).max() < 1e-12
        assert np.abs(other["company"] - ranking.terms.company).max() < 1e-6
        assert ((other["company"] > 0) == (ranking.terms.company > 0)).all()
        assert ranking.own_share == max(0.65, float(share))


@pytest.mark.django_db
def test_what_counts_as_done(campaign: Campaign) -> None:
    Action.objects.all().delete()
    first, *others = list(Slate.objects.filter(day=LAST).order_by("pk"))
    two_days = LAST + timedelta(days=2)
    made = [
        do(first, 0, hour=14), do(first, 1, on=two_days), do(first, 2, on=two_days + timedelta(days=1)),
        do(first, 3, undone_at=f.NOW), do(first, 4, kind=Action.Kind.START), do(others[0], 0),
    ]  # fmt: skip
    Action.objects.bulk_create(made)
    book = read(campaign, f.NOW)
    mine = book.reward[(book.person == first.distributor_id)]
    # Done before it was shown · in time · too late · taken back · only started.
    assert mine.sum(axis=0).tolist() == [0, 1, 0, 0, 0]
    assert book.reward.sum() == 2


@pytest.mark.django_db
def test_of_several_lists_of_a_day_the_first_counts(campaign: Campaign) -> None:
    first = Slate.objects.filter(day=LAST).earliest("pk")
    copied(first, of=first.distributor, day=LAST, seed=77, shown_at=at(LAST, 20)).save()
    early = copied(first, of=first.distributor, day=LAST, seed=78, shown_at=at(LAST, 6))
    early.save()
    book = read(campaign, f.NOW)
    mine = book.logged[book.person == first.distributor_id]
    assert len(book.person) == 280
    assert [card["propensity"] for card in early.cards] in mine.tolist()


@pytest.mark.django_db
def test_a_pin_is_no_draw_and_what_is_done_of_it_does_not_count(campaign: Campaign) -> None:
    slate = Slate.objects.filter(day=LAST).earliest("pk")
    pinned = copied(slate, of=slate.distributor, day=LAST - timedelta(days=1), seed=9, pin=2)
    pinned.save()
    assert pinned.cards[0]["slot"] == "pin"
    do(pinned, 0).save()
    book = read(campaign, f.NOW)
    (at_pin,) = np.flatnonzero(~book.lists.drawn[:, 0])
    assert (book.logged[at_pin, 0], book.reward[at_pin, 0]) == (1, 0)
    found = answer(proposal(campaign, repeat_orders=30, order_size=35), f.NOW)
    assert (found.found.lists, found.left_out) == (281, 0)
    assert found.cards == sum(len(one.cards) for one in Slate.objects.all()) - 1
    weighing = off_policy_log.weighed(book, campaign, proposal(campaign, order_size=90).board(), f.NOW)
    chances = redrawing.chances(book.lists, weighing.own_by, weighing.company_by, weighing.can)
    assert (chances.then[at_pin, 0], chances.now[at_pin, 0]) == (1, 1)
    assert chances.then[at_pin] == pytest.approx(book.logged[at_pin], abs=1e-9)


@pytest.mark.django_db
def test_a_list_that_its_log_does_not_explain_is_left_out(campaign: Campaign) -> None:
    one = Slate.objects.latest("pk")
    one.cards[0]["propensity"] *= 0.9
    one.save()
    found = answer(proposal(campaign), f.NOW)
    assert (found.found.lists, found.left_out) == (279, 1)


@pytest.mark.django_db
def test_only_the_newest_are_read(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(off_policy_log, "MOST", 250)
    found = answer(proposal(campaign), f.NOW)
    assert (found.found.lists, found.capped) == (250, True)


@pytest.mark.django_db
def test_lists_from_before_a_kpi_was_weighed_are_left_out(campaign: Campaign) -> None:
    some = Slate.objects.order_by("pk")[:10]
    for slate in some:
        slate.versions["kpis"][0] = "lessons_done"
        slate.save()
    found = answer(proposal(campaign), f.NOW)
    assert (found.found.lists, found.left_out) == (270, 10)


def rewritten(**versions: Any) -> None:
    for slate in Slate.objects.all():
        slate.versions = {**slate.versions, **versions}
        slate.save()


# Refusals: a sentence and no figure


@pytest.mark.django_db
def test_nothing_weighed(campaign: Campaign) -> None:
    assert "some points" in refused(Proposal(campaign, {}, Decimal("0.60")))


@pytest.mark.django_db
def test_a_kpi_that_was_not_weighed(campaign: Campaign) -> None:
    new = f.kpi(name="Lessons", metric="lessons_done")
    considered = proposal(campaign)
    weights = considered.weights | {new.pk: 10}
    assert refused(Proposal(campaign, weights, Decimal("0.60"))) == (
        "Lessons was not weighed in the lists of the last weeks, so the log cannot say."
    )
    # Unless their own goals keep everything: then no KPI counts, and there is nothing to ask of the log.
    with pytest.raises(CannotSay, match="say as much as|could not be on the lists"):
        answer(Proposal(campaign, weights, Decimal("1.00")), f.NOW)


@pytest.mark.django_db
def test_too_few_effective_lists(campaign: Campaign) -> None:
    sentence = refused(proposal(campaign, repeat_orders=0, enrolments=0, retained_recruits=0, order_size=100))
    assert sentence.startswith("For these weights the 280 lists that were shown say as much as ")


@pytest.mark.django_db
def test_two_hundred_lists_are_enough_and_one_less_is_not(campaign: Campaign) -> None:
    Slate.objects.filter(day__lt=LAST - timedelta(days=12)).delete()
    assert answer(proposal(campaign), f.NOW).found.lists == 200
    Slate.objects.earliest("pk").delete()
    KEPT.results.clear()
    assert refused(proposal(campaign)).startswith("For these weights the 199 lists that were shown say as much as 199")


@pytest.mark.django_db
def test_too_few_people(campaign: Campaign) -> None:
    few = sorted(Slate.objects.values_list("distributor", flat=True).distinct())[:29]
    Slate.objects.exclude(distributor__in=few).delete()
    assert refused(proposal(campaign)) == "Lists of 29 people can be weighed again; an estimate takes 30."


@pytest.mark.django_db
def test_cards_that_could_not_be_drawn_then(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(off_policy_log, "could_be_drawn", lambda *_given: 0.89)
    assert "could not be on the lists" in refused(proposal(campaign))


def test_what_share_could_be_drawn() -> None:
    weights = np.array([[1.0, 1.0], [3.0, 1.0]])
    possible = np.array([[1.0, 0.5], [0.5, 1.0]])
    # First place (1 + .5) / 2, second (1 x .5 + 3 x 1) / 4.
    drawn = np.ones((2, 2), bool)
    assert off_policy_log.could_be_drawn(weights, possible, drawn) == pytest.approx((0.75 + 0.875) / 2)


def test_who_was_not_in_the_pool_could_not_be_drawn() -> None:
    """Ten compete for a slot of eight: what the other two get with other weights is what the log knows nothing of."""
    card = np.zeros(10, LISTED)
    card["activity"], card["own"] = np.arange(10) + 1, np.linspace(0.5, 0.3, 10)
    parts = np.zeros((10, 1), np.float32)
    parts[9] = 0.1
    card["company"] = parts[:, 0]
    card["own"][9] -= 0.1
    lists = Lists(np.array([0, 10]), card, parts, np.array([[0]]), np.ones((1, 1), bool))
    same = redrawing.chances(lists, np.ones(1), np.ones((1, 1)), np.ones(1, bool))
    more = redrawing.chances(lists, np.ones(1), np.full((1, 1), 3.0), np.ones(1, bool))
    assert same.possible[0, 0] == pytest.approx(1)
    assert 0.5 < more.possible[0, 0] < 0.95


@pytest.mark.django_db
def test_no_lists(campaign: Campaign) -> None:
    Slate.objects.all().delete()
    assert refused(proposal(campaign)) == "None of these people has been shown a list yet."


@pytest.mark.django_db
def test_lists_that_are_too_old_or_too_fresh(campaign: Campaign) -> None:
    later = f.NOW + timedelta(days=29)
    assert (
        refused(proposal(campaign), later)
        == "The newest list of these people is of 23 August, which is too long ago to say."
    )
    earlier = f.NOW - timedelta(days=19)
    Slate.objects.filter(day__lt=earlier.date()).delete()
    assert refused(proposal(campaign), earlier).startswith("The lists shown so far are too fresh")


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["weights", "own_goal_share", "her_share"])
def test_logs_from_before_weights_were_noted(campaign: Campaign, missing: str) -> None:
    for slate in Slate.objects.all():
        del slate.versions[missing]
        slate.save()
    assert refused(proposal(campaign)).startswith(
        "The lists of the last weeks are from before their weights were noted"
    )


@pytest.mark.django_db
@pytest.mark.parametrize("versions", [{"drawing": 0}, {"noise": False}, {"columns": ["key", "own"]}])
def test_lists_that_were_drawn_in_another_way(campaign: Campaign, versions: dict[str, Any]) -> None:
    rewritten(**versions)
    assert refused(proposal(campaign)).startswith(
        "The lists of the last weeks are from before their weights were noted"
    )


@pytest.mark.django_db
def test_nobody_in_the_audience(campaign: Campaign) -> None:
    campaign.segment = Segment.objects.create(name="Long with us", days_from=9000)
    campaign.save()
    assert refused(proposal(campaign)) == "This campaign is for nobody now."


@pytest.mark.django_db
def test_another_campaign_counts_for_them(campaign: Campaign) -> None:
    narrower = f.campaign()
    narrower.markets.set([f.market()])
    f.priority_version(narrower, {f.kpi(metric="lessons_done"): 100})
    assert refused(proposal(campaign)).startswith("Other campaigns count for all of these people now")


@pytest.mark.django_db
def test_only_lists_of_the_audience(campaign: Campaign) -> None:
    campaign.markets.set([f.market()])
    mine = sorted(Slate.objects.values_list("distributor", flat=True).distinct())
    Distributor.objects.filter(pk=mine[0]).update(market=f.market("de"))
    Distributor.objects.filter(pk=mine[1]).update(left_on=f.TODAY)
    assert answer(proposal(campaign), f.NOW).found.people == 38


@pytest.mark.django_db
def test_a_kpi_of_a_segment_counts_for_those_who_belong_to_it(campaign: Campaign) -> None:
    """Whoever does not belong is ranked by the other KPIs alone, and her lists are weighed so."""
    half = sorted(Slate.objects.values_list("distributor", flat=True).distinct())[:20]
    Distributor.objects.filter(pk__in=half).update(joined_on=f.TODAY - timedelta(days=10))
    new = f.kpi(name="New ones", metric="new_customers", segment=Segment.objects.create(name="New", days_to=30))
    considered = Proposal(campaign, proposal(campaign).weights | {new.pk: 10}, Decimal("0.60"))
    book = read(campaign, f.NOW)
    weighing = off_policy_log.weighed(book, campaign, considered.board(), f.NOW)
    assert weighing.reached.all()
    assert (weighing.can == ~np.isin(book.person, half)).all()
    assert weighing.company_by[weighing.can] == pytest.approx(1)


@pytest.mark.django_db
def test_queries_do_not_grow_with_the_lists(campaign: Campaign, django_assert_num_queries: Any) -> None:
    answer(proposal(campaign), f.NOW)
    considered = proposal(campaign, repeat_orders=30, order_size=35)
    with django_assert_num_queries(9):
        answer(considered, f.NOW)
