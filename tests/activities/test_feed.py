"""Today's feed, from facts in the database to sentences."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activities import recommend
from activities.cards import Feed
from activities.models import Action, Activity, Slate
from activities.ranking import candidates
from activities.ranking.drawing import Slot
from activities.ranking.person import rank
from distributors import ingest
from distributors.models import Distributor
from kpis import priorities
from kpis.models import KPI, Campaign
from tests import factories as f
from tests.activities.stage import order, stage

pytestmark = pytest.mark.django_db


def best(of: Distributor, **options: object) -> Feed:
    return recommend.feed(of, as_of=options.pop("as_of", f.NOW), noise=False, log=False, **options)


def names(feed: Feed) -> list[str]:
    return [card.key.split(".")[0] for card in feed.cards]


def test_it_works() -> None:
    feed = best(stage())
    assert names(feed) == ["eye-refill-video", "basket-add-on", "nurture", "check-recruit", "reorder-talk"]
    assert [card.slot for card in feed.cards] == [Slot.OWN, Slot.OWN, Slot.OWN, Slot.COMPANY, Slot.LEARNING]
    maria = feed.cards[0]
    assert maria.title == "Send Maria the Lumen Palette refill video"
    assert maria.why == "Maria bought Lumen Palette once, 34 days ago. Most customers finish one in about 6 weeks."
    assert maria.worth == "A reorder of Lumen Palette ($34) would take you from 75% to 88% of your $250."
    assert [state.percent for state in feed.goals] == [75, 66]
    assert feed.focus == "repeat orders of the eye line"


def test_the_company_part_is_disclosed_with_its_end() -> None:
    company = next(reason for reason in best(stage()).cards[0].reasons if reason.source == "company")
    assert company.heading == "YouSystem’s focus to 30 September"
    assert company.sentence == (
        "Repeat orders of the eye line. Of this card’s points 31% come from this focus and 68% from your goals."
    )


def test_terms_are_the_score() -> None:
    for card in best(stage()).cards:
        terms = card.terms
        total = terms.own + terms.company + terms.learning + terms.fatigue + terms.rules
        assert abs(terms.score - total) < 1e-9


def test_a_reload_shows_the_same_and_writes_one_slate() -> None:
    jenna = stage()
    first = recommend.feed(jenna, as_of=f.NOW)
    again = recommend.feed(jenna, as_of=f.NOW + timedelta(minutes=5))
    assert [card.key for card in first.cards] == [card.key for card in again.cards]
    slate = Slate.objects.get()
    assert [card["key"] for card in slate.cards] == [card.key for card in first.cards]
    assert [card["propensity"] for card in slate.cards] == [card.propensity for card in first.cards]
    assert len(slate.eligible) >= 6
    assert len(slate.eligible[0]) == len(slate.versions["columns"]) + len(slate.versions["kpis"])
    assert set(slate.versions) >= {"kpi", "scales", "catalogue", "rules"}


def test_a_preview_writes_nothing() -> None:
    jenna = stage()
    for _ in range(2):  # settles, and makes her rows
        recommend.feed(jenna, as_of=f.NOW)
    before = Slate.objects.count()
    with CaptureQueriesContext(connection) as seen:
        recommend.feed(jenna, as_of=f.NOW, log=False)
    assert not [q["sql"] for q in seen.captured_queries if not q["sql"].lstrip().upper().startswith(("SELECT", "WITH"))]
    assert Slate.objects.count() == before


def test_a_preview_of_somebody_new_logs_no_slate() -> None:
    best(stage())
    assert not Slate.objects.exists()


def test_hq_moves_a_weight_and_the_next_read_shows_it() -> None:
    jenna = stage()
    before = best(jenna)
    weights = {kpi.pk: 0 for kpi in KPI.objects.all()}
    weights[KPI.objects.get(metric="order_size").pk] = 100
    priorities.publish(
        campaign=Campaign.objects.get(), weights=weights, own_goal_share=Decimal("0.60"), reason="Larger orders",
        by=None, as_of=f.NOW,
    )  # fmt: skip
    after = best(jenna)
    assert names(before)[0] == "eye-refill-video"
    assert names(after)[0] == "basket-add-on"
    assert after.versions["kpi"] != before.versions["kpi"]


def test_an_order_changes_the_next_read() -> None:
    jenna = stage()
    order(jenna, jenna.customers.get(name="Maria Ruiz"), 0, "62.50", time=f.NOW)
    feed = best(jenna, as_of=f.NOW + timedelta(minutes=1))
    assert feed.goals[0].reached
    assert "eye-refill-video" not in names(feed)
    # A goal that is reached is not pressed.
    assert all("$250" not in card.worth for card in feed.cards)


def test_text_in_her_language_else_english() -> None:
    jenna = stage()
    jenna.language = "de"
    jenna.save()
    Activity.objects.get(key="eye-refill-video").texts.create(language="de", title="Schick {name} das Video")
    titles = [card.title for card in best(jenna).cards]
    assert titles[0] == "Schick Maria das Video"
    assert "Offer Li an add-on" in titles


def test_unpublished_and_other_markets_activities_are_not_shown() -> None:
    jenna = stage()
    Activity.objects.filter(key="basket-add-on").update(status=Activity.Status.RETIRED)
    Activity.objects.get(key="nurture").markets.add(f.market("de", currency="EUR", time_zone="Europe/Berlin"))
    assert not {"basket-add-on", "nurture"} & set(names(best(jenna)))


def test_somebody_who_does_not_want_to_be_contacted_is_never_shown() -> None:
    jenna = stage()
    jenna.customers.filter(name="Maria Ruiz").update(do_not_contact=True)
    assert "eye-refill-video" not in names(best(jenna))


def test_nobody_elses_customers() -> None:
    jenna = stage()
    other = f.distributor()
    order(other, f.customer(other, name="Somebody Else"), 34)
    hers = set(jenna.customers.values_list("pk", flat=True))
    assert {card.candidate.customer.pk for card in best(jenna, size=50).cards if card.candidate.customer} <= hers


def test_one_card_a_customer_however_long_the_list() -> None:
    jenna = stage()
    f.activity("eye-call", "Call {name}", about="one_time")
    f.activity("eye-note", "Write {name}", about="one_time")
    people = [card.candidate.about_key for card in best(jenna, size=50).cards if card.candidate.about_key]
    assert len(people) == len(set(people))


def test_never_empty_while_goals_are_open_and_there_is_something_to_do() -> None:
    jenna = f.distributor()
    f.goal(jenna)
    f.activity("plan", "Plan your week", impacts={})
    feed = best(jenna)
    assert names(feed) == ["plan"]
    assert feed.cards[0].why


def test_money_effects_are_in_the_markets_own_money() -> None:
    mexico = f.market("mx", currency="MXN", price_level=Decimal(18), time_zone="America/Mexico_City")
    jenna = f.distributor(market=mexico)
    f.goal(jenna, target=Decimal(2000))
    f.activity("call", "Call", impacts={"sales": 10, "orders": 0.5}, p_done=0.5)
    ranking = rank(jenna, as_of=f.NOW)
    effects = candidates.load(ranking, [0]).candidates[0].effects
    assert (effects["sales"], effects["orders"]) == (180, 0.5)


def test_cards_shown_for_days_tire() -> None:
    jenna = stage()
    for days in range(1, 8):
        recommend.feed(jenna, as_of=f.NOW - timedelta(days=days))
    terms = rank(jenna, as_of=f.NOW).terms
    assert (terms.fatigue < 0).any()
    assert (terms.fatigue <= 0).all()


def pages_queries(jenna: Distributor) -> int:
    for _ in range(2):
        recommend.feed(jenna, as_of=f.NOW)
    with CaptureQueriesContext(connection) as seen:
        recommend.feed(jenna, as_of=f.NOW)
    return len(seen)


def test_queries_do_not_grow_with_history() -> None:
    jenna = stage()
    few = pages_queries(jenna)
    for n in range(40):
        customer = f.customer(jenna, name=f"Cara {n}")
        order(jenna, customer, 34 + n)
        order(jenna, customer, 80 + n, sku="LIP-1")
        f.distributor(sponsor=jenna, joined_on=f.TODAY - timedelta(days=10))
    assert pages_queries(jenna) == few
    assert few <= QUERIES


#: Settling 5, her past 2, goals 3, priorities 1, scales 1, customers and what they bought 4, recruits 2, catalogue 2,
#: mastery 1, done today 1.
QUERIES = 22


@pytest.mark.django_db(transaction=True)
def test_loads_at_the_same_time_do_not_collide() -> None:
    jenna = stage()

    def load(_n: int) -> list[str]:
        try:
            return [card.key for card in recommend.feed(jenna, as_of=f.NOW).cards]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        lists = list(pool.map(load, range(16)))
    assert all(one == lists[0] for one in lists)
    assert Slate.objects.count() == 1


def test_signed_up_today_without_anything() -> None:
    feed = best(f.distributor())
    assert (feed.cards, feed.goals, feed.done, feed.focus) == ([], [], [], "")


def test_rebuilding_changes_no_rank() -> None:
    jenna = stage()
    before = [(card.key, card.terms) for card in best(jenna).cards]
    ingest.rebuild()
    assert [(card.key, card.terms) for card in best(jenna).cards] == before
    assert not Action.objects.exists()
