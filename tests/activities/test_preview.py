"""The preview's figures: what both lists of everybody say, to the card, and how far a sample may be off."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from activities import recommend
from activities.models import Action, Activity, ActivityText, MemoryMark, Slate
from activities.preview import concerns, sampling, trial
from activities.preview.trial import FEW, Figures, Lists, Preview
from activities.ranking.drawing import SLOTS
from activities.ranking.person import rank
from distributors import features
from distributors.models import Distributor, Feature, FeatureMark, Goal, Market, Segment
from kpis.models import KPI, Campaign, Policy
from kpis.proposals import Proposal
from tests import factories as f
from tests.activities.preview_field import TURNED, company, turned, weights_of
from tests.distributors.orders import order

pytestmark = pytest.mark.django_db

Card = tuple[int, str, str]


@pytest.fixture
def campaign() -> Campaign:
    return company()


def cards_of(found: Preview, lists: Lists) -> dict[int, list[Card]]:
    """By person: activity, about, slot."""
    letters = {0: "", 1: "c", 2: "r"}
    return {
        pk: [
            (card["activity"], f"{letters[int(card['kind'])]}{card['about'] or ''}", str(SLOTS[card["slot"]]))
            for card in lists.cards[i, : lists.many[i]]
        ]
        for i, pk in enumerate(found.crowd.people.ids.tolist())
    }


def shown(person: Distributor, **options: Any) -> list[Card]:
    """As her page would show it."""
    ranking = rank(person, as_of=f.NOW, **options)
    return [
        (ranking.activity(one.index).pk, ranking.about[one.index], str(one.slot)) for one in recommend.slate(ranking)
    ]


def look(proposal: Proposal, as_of: datetime = f.NOW) -> Preview:
    return trial.of(proposal, as_of)


def changed_lists(figures: Figures) -> int:
    return int(figures.counted.changed[1:].sum())


def test_it_works(campaign: Campaign) -> None:
    found = look(turned(campaign))
    figures = found.figures
    assert (figures.total, figures.seen, figures.waiting, figures.whole) == (40, 40, 0, True)
    assert figures.first.people <= changed_lists(figures) <= 40
    assert changed_lists(figures) > 10 and figures.median <= 4
    assert figures.first.share == figures.first.people / 40
    assert figures.messages.before > 0
    assert figures.rising and figures.falling
    assert {one.error for one in (figures.first, figures.few, figures.messages)} == {0}


def test_both_lists_are_those_of_the_page(campaign: Campaign) -> None:
    """Of everybody, to the card and its slot: nothing in a preview is estimated."""
    proposal = turned(campaign, share="0.50")
    found = look(proposal)
    before, after = cards_of(found, found.found.before), cards_of(found, found.found.after)
    assert len(before) == 40
    for person in Distributor.objects.with_market():
        assert before[person.pk] == shown(person), person.pk
        assert after[person.pk] == shown(person, board=proposal.board()), person.pk
    assert before != after
    assert {slot for cards in after.values() for _a, _b, slot in cards} >= {"own", "company", "learning"}


def test_the_lists_are_those_of_the_page_with_other_segments_and_widths(campaign: Campaign) -> None:
    """A draft with one KPI of a segment, beside four of everybody: other columns, other rows."""
    new = Segment.objects.create(name="New", days_to=60)
    KPI.objects.filter(metric="enrolments").update(segment=new)
    proposal = turned(campaign, order_size=70, enrolments=30)
    found = look(proposal)
    before, after = cards_of(found, found.found.before), cards_of(found, found.found.after)
    for person in Distributor.objects.with_market():
        assert before[person.pk] == shown(person), person.pk
        assert after[person.pk] == shown(person, board=proposal.board()), person.pk


def test_what_counts_now_changes_nothing(campaign: Campaign) -> None:
    found = look(weights_of(campaign))
    assert cards_of(found, found.found.before) == cards_of(found, found.found.after)
    figures = found.figures
    assert (figures.first.people, figures.median, figures.messages.more) == (0, 0, 0)
    assert figures.rising == figures.falling == []
    assert figures.few == figures.few_before


def test_figures_are_those_of_a_naive_recount(campaign: Campaign) -> None:
    Goal.objects.all().delete()
    proposal = turned(campaign)
    found = look(proposal)
    before, after = cards_of(found, found.found.before), cards_of(found, found.found.after)
    pairs = [([(a, who) for a, who, _slot in before[pk]], [(a, who) for a, who, _slot in after[pk]]) for pk in before]
    form = dict(Activity.objects.values_list("pk", "form"))
    figures = found.figures
    assert figures.first.people == sum(old[:1] != new[:1] for old, new in pairs)
    differing = [max(len(old), len(new)) - len({*old} & {*new}) for old, new in pairs]
    assert figures.median == statistics.median_low(differing)
    assert figures.counted.changed.tolist() == [differing.count(n) for n in range(6)]
    messages = [sum(form[a] == "message" for cards in side for a, _who in cards) for side in zip(*pairs, strict=True)]
    assert [figures.messages.before, figures.messages.after] == messages
    assert figures.few.people == sum(len(new) < FEW for _old, new in pairs)
    lists = [Counter(a for cards in side for a in {a for a, _who in cards}) for side in zip(*pairs, strict=True)]
    rise = sorted(form, key=lambda pk: lists[1][pk] - lists[0][pk])
    assert [lists[1][one.activity.pk] - lists[0][one.activity.pk] for one in figures.falling] == [
        lists[1][pk] - lists[0][pk] for pk in rise[: len(figures.falling)]
    ]
    for one in [*figures.rising, *figures.falling]:
        assert (one.before, one.after) == (lists[0][one.activity.pk] / 40, lists[1][one.activity.pk] / 40)


def test_nothing_is_written_about_anybody(campaign: Campaign) -> None:
    """Compact rows are made again, which says nothing new; to-dos are not closed, so marks of events stay."""
    features.refresh(Distributor.objects.values_list("pk", flat=True))
    person = Distributor.objects.order_by("pk")[0]
    recommend.feed(person, as_of=f.NOW - timedelta(days=1))
    Slate.objects.all().delete()
    marks = MemoryMark.objects.count()
    look(turned(campaign))
    assert (Slate.objects.count(), Action.objects.count()) == (0, 0)
    assert MemoryMark.objects.count() == marks > 0


# Whom it is for


def test_people_of_other_markets_are_left_as_they_are(campaign: Campaign) -> None:
    local = f.campaign(name="Mexico")
    local.markets.add(f.market("mx"))
    proposal = turned(local)
    found = look(proposal)
    mexicans = set(Distributor.objects.filter(market__code="mx").values_list("pk", flat=True))
    assert set(found.crowd.people.ids.tolist()) == mexicans
    assert changed_lists(found.figures) > 0
    everyone = everybody_of(proposal)
    assert changed_in(everyone) <= mexicans


def test_people_outside_the_segment_are_left_as_they_are(campaign: Campaign) -> None:
    new = Segment.objects.create(name="New", days_to=60)
    local = f.campaign(name="Newcomers", segment=new)
    proposal = turned(local)
    newcomers = set(
        Distributor.objects.filter(joined_on__gte=f.TODAY - timedelta(days=60)).values_list("pk", flat=True)
    )
    found = look(proposal)
    assert set(found.crowd.people.ids.tolist()) == newcomers
    assert changed_lists(found.figures) > 0
    assert changed_in(everybody_of(proposal)) <= newcomers


def everybody_of(proposal: Proposal) -> Preview:
    """The whole company, whoever the campaign is for."""
    given = trial.change(proposal, f.NOW)
    ids = list(Distributor.objects.order_by("pk").values_list("pk", flat=True))
    sampling.brought_up_to_date(ids)
    people = sampling.people_of(ids, given.shelf)
    crowd = sampling.Crowd(len(ids), people, 0, {}, [])
    return Preview(given, crowd, trial.pair(people, given))


def changed_in(found: Preview) -> set[int]:
    before, after = cards_of(found, found.found.before), cards_of(found, found.found.after)
    return {pk for pk in before if before[pk] != after[pk]}


def test_an_audience_of_nobody(campaign: Campaign) -> None:
    nobody = f.campaign(segment=Segment.objects.create(name="Old", days_from=9000))
    figures = look(turned(nobody)).figures
    assert (figures.total, figures.seen, figures.first.people, figures.median) == (0, 0, 0, 0)
    assert trial.everybody(trial.change(turned(nobody), f.NOW)).total == 0


# Counted for everybody


def test_block_by_block_is_the_same(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = turned(campaign)
    whole = look(proposal).figures
    monkeypatch.setattr(sampling, "BLOCK", 7)
    assert said(trial.everybody(trial.change(proposal, f.NOW))) == said(whole)


def test_everybody_is_counted_where_the_preview_takes_a_sample(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = turned(campaign)
    whole = look(proposal).figures
    monkeypatch.setattr(sampling, "SAMPLE", 15)
    sampling.KEPT.results.clear()
    assert look(proposal).figures.seen == 15
    assert said(trial.everybody(trial.change(proposal, f.NOW))) == said(whole)


def said(figures: Figures) -> dict[str, Any]:
    return {name: value for name, value in vars(figures).items() if name != "counted"}


# Samples


@pytest.fixture
def sampled(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    monkeypatch.setattr(sampling, "SAMPLE", 15)
    return campaign


def test_a_sample_says_how_far_it_may_be_off(sampled: Campaign) -> None:
    figures = look(turned(sampled)).figures
    assert (figures.total, figures.seen, figures.whole) == (40, 15, False)
    n = round(figures.first.share * 15)
    assert figures.first.people == round(n * 40 / 15)
    assert figures.first.error == pytest.approx(trial.wilson(n / 15, 15, 40))
    assert 0 < figures.messages.error < figures.messages.before


def test_the_same_people_all_day_and_others_tomorrow(sampled: Campaign) -> None:
    def ids(as_of: datetime, of: Campaign = sampled) -> set[int]:
        sampling.KEPT.results.clear()
        return set(look(turned(of), as_of).crowd.people.ids.tolist())

    today = ids(f.NOW)
    assert ids(f.NOW + timedelta(hours=5)) == today
    assert ids(f.NOW + timedelta(days=1)) != today
    other = f.campaign()
    assert ids(f.NOW, other) != today


def test_who_joins_changes_nobody_elses_place(sampled: Campaign) -> None:
    audience = Distributor.objects.all()
    before, total = sampling.by_chance(audience, 7)
    for _ in range(4):
        f.distributor()
    after, more = sampling.by_chance(audience, 7)
    assert (total, more) == (40, 44)
    new = [pk for pk in after if pk not in before]
    assert [pk for pk in after if pk not in new] == before[: 15 - len(new)]


def test_the_whole_is_within_the_error_of_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 100 samples of 60 of 200 people it is in 95 or more, less what chance makes of that (4.5 standard errors)."""
    campaign = company(people=200)
    proposal = turned(campaign)
    found = look(proposal)
    whole = found.figures
    monkeypatch.setattr(sampling, "SAMPLE", 60)
    place = {pk: i for i, pk in enumerate(found.crowd.people.ids.tolist())}
    within, messages = 0, 0
    for seed in range(100):
        ids, total = sampling.by_chance(Distributor.objects.all(), seed)
        assert (len(ids), total) == (60, 200)
        people = sampling.people_of(ids, found.given.shelf)
        at = [place[pk] for pk in people.ids.tolist()]
        pair = trial.Pair(*(Lists(lists.cards[at], lists.many[at]) for lists in found.found))
        sample = trial.figures(trial.tally(pair, people, found.given), 200, 0, found.given)
        within += abs(sample.first.share - whole.first.share) <= sample.first.error
        messages += abs(sample.messages.more - whole.messages.more) <= sample.messages.error + 1
    assert within >= 85
    assert messages >= 85


@pytest.mark.parametrize(
    ("share", "seen", "total", "error"),
    [
        (0.5, 5000, 10**9, 0.01385),
        (0.5, 5000, 100_000, 0.01350),
        (0.5, 5000, 10_000, 0.00980),
        (0.0, 5000, 10**9, 0.00077),
        (0.3, 5000, 5000, 0.0),
        (0.0, 0, 0, 0.0),
        (0.0, 0, 9, 0.0),
    ],
)
def test_errors_by_hand(share: float, seen: int, total: int, error: float) -> None:
    assert trial.wilson(share, seen, total) == pytest.approx(error, abs=0.00001)


# Kept for a minute


def test_the_next_move_loads_nobody(campaign: Campaign, django_assert_num_queries: Any) -> None:
    first, other = look(turned(campaign)), turned(campaign, order_size=100)
    with django_assert_num_queries(6):  # numbers, newest version, KPIs, the campaign's markets, scales, pools
        second = look(other)
    assert second.crowd is first.crowd
    assert second.figures.counted.changed.tolist() != first.figures.counted.changed.tolist()
    assert look(turned(campaign), f.NOW + timedelta(minutes=1)).crowd is not first.crowd


CHANGES: dict[str, Callable[[Campaign], object]] = {
    "published": lambda campaign: f.priority_version(campaign, {KPI.objects.get(metric="order_size"): 100}),
    "another market": lambda campaign: campaign.markets.add(Market.objects.get(code="us")),
    "a new activity": lambda _campaign: f.activity("new", impacts={"order_size": 90}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_hq_changes_is_seen_at_once(campaign: Campaign, change: Callable[[Campaign], object]) -> None:
    first = look(turned(campaign))
    change(campaign)
    second = look(turned(campaign))
    assert said(second.figures) != said(first.figures)
    sampling.KEPT.results.clear()
    assert said(look(turned(campaign)).figures) == said(second.figures)


def test_facts_are_those_of_now(campaign: Campaign) -> None:
    """Rows that wait for a refresh are made again, of a few people at a time."""
    look(turned(campaign))
    person = Distributor.objects.order_by("pk")[0]
    f.customer(person, kind="prospect", hotness="hot", added_at=f.NOW - timedelta(days=30))
    assert FeatureMark.objects.exists()
    later = f.NOW + timedelta(minutes=1)
    found = look(turned(campaign), later)
    ranking = rank(person, as_of=later)
    assert cards_of(found, found.found.before)[person.pk] == [
        (ranking.activity(one.index).pk, ranking.about[one.index], str(one.slot)) for one in recommend.slate(ranking)
    ]


def test_not_everybody_is_refreshed_at_once(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "REFRESH", 12)
    Feature.objects.all().delete()
    figures = look(turned(campaign)).figures
    # Whose row was never made cannot be ranked yet: they come with the next minutes, by lot as all of a sample.
    assert (figures.seen, figures.waiting, figures.whole) == (12, 28, False)
    assert look(turned(campaign), f.NOW + timedelta(minutes=1)).figures.seen == 24
    assert look(turned(campaign), f.NOW + timedelta(minutes=2)).figures.waiting == 4


# Contacts


def contacted() -> tuple[Campaign, Distributor]:
    """Somebody who wrote to a customer yesterday, and to one who then left a basket open."""
    person = f.distributor()
    yesterday = f.NOW - timedelta(days=1)
    facts = {"orders": 3, "spent": 90, "last_order_on": f.TODAY - timedelta(days=150), "last_contact_at": yesterday}
    quiet = f.customer(person, **facts)
    open_one = f.customer(person, last_contact_at=yesterday)
    f.event(open_one.distributor, type="basket.opened", customer=open_one, time=yesterday + timedelta(hours=1))
    for about in ("lapsed", "open_basket"):
        f.activity(about, about=about, form="message", impacts={"order_size": 9})
    campaign = f.campaign()
    f.priority_version(campaign, {f.kpi(name="Order size", metric="order_size"): 100})
    assert quiet.pk != open_one.pk
    return campaign, person


def test_nobody_is_over_the_cap_but_for_open_baskets() -> None:
    campaign, _person = contacted()
    figures = look(turned(campaign, order_size=100)).figures
    assert (figures.over_cap.before, figures.over_cap.after) == (0, 0)
    assert (figures.baskets.before, figures.baskets.after) == (1, 1)


def test_who_waits_because_of_the_caps_is_counted() -> None:
    """One is worth a message, were it not for yesterday's; one may hear again; one who was written to is not due at all."""
    campaign, person = contacted()
    yesterday = f.NOW - timedelta(days=1)
    f.customer(person, orders=1, last_order_on=f.TODAY - timedelta(days=40), last_contact_at=yesterday)
    figures = look(turned(campaign, order_size=100)).figures
    assert (figures.held.customers, figures.held.error) == (1, 0)
    often = [f.NOW - timedelta(days=days) for days in (6, 10, 14, 18)]
    facts = {"last_order_on": f.TODAY - timedelta(days=150), "orders": 3, "last_contact_at": often[0]}
    f.customer(person, **facts, recent_contacts=often)
    f.customer(f.distributor(), **facts, recent_contacts=often)
    f.customer(person, **facts, recent_contacts=often[:3])
    later = look(turned(campaign, order_size=100), f.NOW + timedelta(minutes=1))
    assert (later.figures.held.customers, later.figures.total) == (3, 2)


def test_who_waits_is_scaled_with_its_error() -> None:
    campaign, person = contacted()
    f.distributor()
    found = look(turned(campaign, order_size=100))
    assert found.figures.counted.held.tolist() == [1, 1] and found.figures.seen == 2
    figures = trial.figures(found.figures.counted, 100, 0, found.given)
    assert figures.held.customers == 50 and figures.held.error == round(1.96 * 100 * (0.5 / 2 * 0.98) ** 0.5)
    assert person.pk


def test_lines_of_who_waits_count_too() -> None:
    """A product that is used up, of clones whose customers' ids are the same."""
    campaign, person = contacted()
    yesterday = f.NOW - timedelta(days=1)
    used_up = f.customer(person, last_contact_at=yesterday)
    order(used_up, f.TODAY - timedelta(days=54), f.product("EYE-1", lasts_days=56))
    found = look(turned(campaign, order_size=100))
    assert found.figures.held.customers == 2
    people, at = found.crowd.people, dict[str, Any]()
    for name in ("customers", "lines"):
        records, ends = getattr(people, name), getattr(people, f"{name}_at")
        at |= {name: np.concatenate([records, records]), f"{name}_at": np.concatenate([ends, ends[1:] + ends[-1]])}
    twins = {name: np.repeat(getattr(people, name), 2) for name in ("ids", "market")}
    assert trial.held_back(people._replace(**at, **twins), found.given).tolist() == [2, 2]


def test_a_card_over_the_cap_would_be_counted() -> None:
    """The figure checks the kernel: it does not take its word for it."""
    campaign, person = contacted()
    found = look(turned(campaign, order_size=100))
    lapsed = Activity.objects.get(key="lapsed")
    cards, many = found.found.after.cards.copy(), found.found.after.many.copy()
    cards[0, 0]["activity"], cards[0, 0]["kind"] = lapsed.pk, 1
    cards[0, 0]["about"], many[0] = person.customers.order_by("pk")[0].pk, 1
    pair = trial.Pair(found.found.before, Lists(cards, many))
    figures = trial.figures(trial.tally(pair, found.crowd.people, found.given), 1, 0, found.given)
    assert (figures.over_cap.after, figures.baskets.after) == (1, 0)
    Activity.objects.update(form="todo")
    found = look(turned(campaign, order_size=100))
    figures = trial.figures(trial.tally(pair, found.crowd.people, found.given), 1, 0, found.given)
    assert figures.over_cap.after == 0


# Sample people


def test_sample_people_are_hqs_own_then_of_every_market_and_kind(campaign: Campaign) -> None:
    policy = Policy.objects.create()
    named = list(Distributor.objects.order_by("pk")[30:32])
    gone = f.distributor(left_on=f.TODAY)
    policy.samples.set([*named, gone])
    crowd = look(turned(campaign)).crowd
    assert len(crowd.examples) == len(set(crowd.examples)) == 12
    assert crowd.examples[:2] == [one.pk for one in sorted(named, key=lambda one: (one.name, one.pk))]
    drawn = Distributor.objects.filter(pk__in=crowd.examples[2:])
    assert {one.market.code for one in drawn.with_market()} == {"us", "de", "mx"}
    assert any(one.recruits.exists() for one in drawn)
    assert any(one.joined_on > f.TODAY - timedelta(days=90) for one in drawn)
    sampling.KEPT.results.clear()
    assert look(turned(campaign)).crowd.examples == crowd.examples


def test_who_is_not_reached_is_no_sample(campaign: Campaign) -> None:
    local = f.campaign()
    local.markets.add(f.market("mx"))
    german = Distributor.objects.filter(market__code="de")[0]
    Policy.objects.create().samples.set([german])
    assert german.pk not in look(turned(local)).crowd.examples


# Warnings


def warnings(proposal: Proposal) -> list[str]:
    found = look(proposal)
    return concerns.of(found.given, found.figures, found.crowd.spoken)


def test_no_warning_where_nothing_is_wrong(campaign: Campaign) -> None:
    assert [one for one in warnings(turned(campaign)) if "fewer" not in one] == []


def test_too_few_activities(campaign: Campaign) -> None:
    Activity.objects.exclude(about__in=["lapsed", "prospect"]).update(status="retired")
    found = look(turned(campaign))
    n = int((found.found.after.many < FEW).sum())
    assert f"{n} people would get fewer than three activities, as many as now." in warnings(turned(campaign))
    assert len(found.few) == n > 5
    many = dict(zip(found.crowd.people.ids.tolist(), found.found.after.many.tolist(), strict=True))
    assert [many[pk] for pk in found.few] == sorted(many[pk] for pk in found.few)


def test_a_language_without_content_of_its_own(campaign: Campaign) -> None:
    ActivityText.objects.filter(language="es", activity__impacts__has_key="order_size").delete()
    assert "Spanish has no content for Order size." in warnings(turned(campaign))
    assert "Spanish" not in " ".join(warnings(turned(campaign, repeat_orders=100)))


def test_content_that_her_market_does_not_have_is_none(campaign: Campaign) -> None:
    us = Market.objects.get(code="us")
    Distributor.objects.filter(market=us).update(language="")
    for one in Activity.objects.filter(impacts__has_key="order_size"):
        one.markets.add(us)
    found = warnings(turned(campaign))
    assert "German has no content for Order size." in found
    assert not any("English" in one for one in found)


def test_a_kpi_that_nothing_moves(campaign: Campaign) -> None:
    kpi = f.kpi(name="Contacts", metric="contacts_added")
    proposal = Proposal(campaign, {kpi.pk: 100}, Decimal("0.60"))
    assert warnings(proposal)[-1] == "No published activity moves Contacts."
    f.activity("adds", impacts={"contacts_added": -1})
    assert warnings(proposal)[-1] == "No published activity moves Contacts."


def test_a_kpi_for_nobody_here(campaign: Campaign) -> None:
    campaign.markets.add(Market.objects.get(code="us"))
    old = Segment.objects.create(name="Veterans", days_from=9000)
    mexican = f.kpi(name="Mexican", metric="sales", market=Market.objects.get(code="mx"))
    veteran = f.kpi(name="Old hands", metric="sales", segment=old)
    found = warnings(Proposal(campaign, {mexican.pk: 20, veteran.pk: 30}, Decimal("0.60")))
    assert "Mexican counts for nobody here: it is for MX." in found
    assert "Old hands counts for nobody here: it is for “Veterans”." in found
    n = Distributor.objects.filter(market__code="us").count()
    assert f"For {n} people none of these weights counts." in found


def test_another_campaign_counts_for_some(campaign: Campaign) -> None:
    local = f.campaign(name="Mexico spring")
    local.markets.add(Market.objects.get(code="mx"))
    f.priority_version(local, {KPI.objects.get(metric="order_size"): 100})
    n = Distributor.objects.filter(market__code="mx").count()
    assert f"For {n} people another campaign counts: Mexico spring." in warnings(turned(campaign))


def test_without_weights_it_counts_for_nobody(campaign: Campaign) -> None:
    assert "Without weights this campaign counts for nobody." in warnings(Proposal(campaign, {}, Decimal("0.60")))


def test_counts_are_exact_where_the_engine_is_asked_by_columns() -> None:
    """Without any activity there is no card, and nothing to divide by."""
    f.distributor()
    campaign = f.campaign()
    f.kpi(name="Order size", metric="order_size")
    found = look(turned(campaign, order_size=100))
    assert found.figures.few.people == 1
    assert found.figures.rising == found.figures.falling == []
    assert np.array_equal(found.found.after.many, [0])


assert TURNED
