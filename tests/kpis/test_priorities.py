from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from threading import Thread

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from distributors.models import Distributor, Role
from kpis.board import MOST_SEGMENTS
from kpis.models import KPI, Campaign, PriorityVersion
from kpis.priorities import EditConflict, Priorities, for_market, publish, with_her_share
from tests import factories as make

pytestmark = pytest.mark.django_db

THURSDAY = datetime(2026, 8, 27, 15, 0, tzinfo=UTC)
TODAY = date(2026, 8, 27)


@pytest.fixture
def repeat() -> KPI:
    return make.kpi(name="Repeat", metric="repeat_orders", scope="eye", focus="repeat orders of the eye line")


@pytest.fixture
def size() -> KPI:
    return make.kpi(name="Order size", metric="order_size", focus="larger orders")


def put(campaign: Campaign, weights: dict[KPI, int], **fields: object) -> PriorityVersion:
    defaults = {"own_goal_share": Decimal("0.60"), "reason": "Quarter start", "by": None, "as_of": THURSDAY}
    return publish(campaign=campaign, weights={kpi.pk: n for kpi, n in weights.items()}, **defaults | fields)


def hers(seller: Distributor, as_of: datetime = THURSDAY) -> Priorities:
    return with_her_share(for_market(seller.market, as_of, language=seller.speaks), seller)


def test_it_works(repeat: KPI, size: KPI) -> None:
    campaign = make.campaign()
    put(campaign, {repeat: 75, size: 25})
    found = hers(make.distributor())
    assert found.version == f"{campaign.pk}.1"
    assert found.weights == {"repeat_orders:eye": 0.75, "order_size": 0.25}
    assert found.directions == {"repeat_orders:eye": 1, "order_size": 1}
    assert (found.own_goal_share, found.focus) == (0.6, "repeat orders of the eye line")
    assert found.until == date(2026, 9, 30)


def test_the_next_read_sees_the_next_version(repeat: KPI, size: KPI) -> None:
    campaign, seller = make.campaign(), make.distributor()
    put(campaign, {repeat: 75, size: 25})
    assert hers(seller).focus == "repeat orders of the eye line"
    put(campaign, {repeat: 25, size: 75})
    found = hers(seller)
    assert (found.version, found.focus) == (f"{campaign.pk}.2", "larger orders")


def test_a_figure_that_should_fall(repeat: KPI) -> None:
    falling = make.kpi(metric="orders", direction=KPI.Direction.DOWN)
    put(make.campaign(), {repeat: 60, falling: 40})
    assert for_market(make.market(), THURSDAY).directions == {"repeat_orders:eye": 1, "orders": -1}


def test_without_a_live_campaign_the_ranking_is_hers_alone(repeat: KPI) -> None:
    make.priority_version(make.campaign(status=Campaign.Status.DRAFT), {repeat: 100})
    make.priority_version(make.campaign(status=Campaign.Status.ENDED), {repeat: 100})
    put(make.campaign(starts_on=TODAY + timedelta(days=1)), {repeat: 100})
    put(make.campaign(ends_on=TODAY - timedelta(days=1)), {repeat: 100})
    put(make.campaign(), {repeat: 100}).campaign.markets.add(make.market("de", currency="EUR"))
    make.campaign()  # live, but nothing published
    found = hers(make.distributor())
    assert (found.version, found.weights, found.focus, found.until, found.campaign) == ("", {}, "", None, None)
    assert found.own_goal_share == 1.0


def test_one_that_names_the_market_beats_one_for_all_then_the_latest_start(repeat: KPI, size: KPI) -> None:
    market = make.market()
    everywhere = make.campaign(starts_on=date(2026, 8, 20))
    older = make.campaign(starts_on=date(2026, 7, 1))
    newer = make.campaign(starts_on=date(2026, 8, 1))
    for campaign in (everywhere, older, newer):
        put(campaign, {repeat: 100})
    assert for_market(market, THURSDAY).campaign == everywhere
    older.markets.add(market)
    assert for_market(market, THURSDAY).campaign == older
    newer.markets.add(market)
    assert for_market(market, THURSDAY).campaign == newer


def test_the_first_and_last_day_are_local(repeat: KPI) -> None:
    put(make.campaign(ends_on=TODAY), {repeat: 100})
    seller = make.distributor()
    assert hers(seller, datetime(2026, 8, 28, 3, 59, tzinfo=UTC)).version
    assert not hers(seller, datetime(2026, 8, 28, 4, 0, tzinfo=UTC)).version


@pytest.mark.parametrize(("own", "effective"), [(None, 0.6), (Decimal("0.50"), 0.6), (Decimal("0.80"), 0.8)])
def test_only_she_can_raise_her_own_share(repeat: KPI, own: Decimal | None, effective: float) -> None:
    put(make.campaign(), {repeat: 100})
    assert hers(make.distributor(own_goal_share=own)).own_goal_share == effective


def test_two_kpis_that_the_same_activities_move_add_up(repeat: KPI, size: KPI) -> None:
    rate = make.kpi(name="Repeat rate", metric="repeat_rate", scope="eye", focus="customers who come back")
    put(make.campaign(), {repeat: 30, rate: 40, size: 30})
    found = for_market(make.market(), THURSDAY)
    assert found.weights == {"repeat_orders:eye": pytest.approx(0.7), "order_size": 0.3}
    assert (found.focus, len(found.words)) == ("customers who come back", 2)


def test_the_board_takes_four_queries_however_many_versions(
    repeat: KPI, size: KPI, django_assert_num_queries: Callable
) -> None:
    market = make.market()
    for _ in range(3):
        campaign = make.campaign()
        campaign.markets.add(market)
        for _ in range(5):
            put(campaign, {repeat: 60, size: 40})
    with django_assert_num_queries(4):
        assert for_market(market, THURSDAY).campaign == campaign


@pytest.mark.parametrize(
    ("weights", "fields", "sentence"),
    [
        ((60, 30), {}, "The weights add up to 90. They must add up to 100."),
        ((60, 50), {}, "The weights add up to 110. They must add up to 100."),
        ((120, -20), {}, "Each weight is a whole number from 0 to 100."),
        ((50.5, 49.5), {}, "Each weight is a whole number from 0 to 100."),
        ((60, 40), {"own_goal_share": Decimal("0.49")}, "Own goals keep between half and all of the ranking."),
        ((60, 40), {"own_goal_share": Decimal("1.01")}, "Own goals keep between half and all of the ranking."),
        ((60, 40), {"own_goal_share": Decimal("NaN")}, "Own goals keep between half and all of the ranking."),
        ((60, 40), {"reason": "  "}, "Say in a sentence why the priorities change."),
        ((60, 40), {"reason": "x" * 301}, "Keep the reason within 300 characters."),
    ],
)
def test_refused_in_one_sentence(repeat: KPI, size: KPI, weights: tuple, fields: dict, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        put(make.campaign(), dict(zip((repeat, size), weights, strict=True)), **fields)
    assert refused.value.messages == [sentence]
    assert not PriorityVersion.objects.exists()


def test_the_same_figure_twice_is_refused_and_another_scope_is_not(repeat: KPI) -> None:
    campaign = make.campaign()
    twin = make.kpi(name="Twin", metric="repeat_orders", scope="eye")
    with pytest.raises(ValidationError) as refused:
        put(campaign, {repeat: 50, twin: 50})
    assert refused.value.messages == ["Repeat and Twin weigh the same figure. Give the points to one of them."]
    assert put(campaign, {repeat: 100, twin: 0}).number == 1
    other_line = make.kpi(metric="repeat_orders", scope="lip")
    other_market = make.kpi(metric="repeat_orders", scope="eye", market=make.market())
    other_people = make.kpi(metric="repeat_orders", scope="eye", segment=make.segment())
    put(campaign, {repeat: 40, other_line: 20, other_market: 20, other_people: 20})


def test_two_kpis_that_pull_apart_are_refused(repeat: KPI) -> None:
    falling = make.kpi(name="Falling", metric="repeat_rate", scope="eye", direction=KPI.Direction.DOWN)
    for weights in ({repeat: 50, falling: 50}, {falling: 50, repeat: 50}):
        with pytest.raises(ValidationError) as refused:
            put(make.campaign(), weights)
        assert refused.value.messages == [
            "Repeat should rise and Falling should fall, by the same activities. Keep one of them."
        ]


def test_one_segment_too_many_is_refused(repeat: KPI) -> None:
    segments = [make.segment() for _ in range(MOST_SEGMENTS + 1)]
    narrow = [make.kpi(metric="sales", segment=one) for one in segments]
    campaign = make.campaign()
    put(campaign, dict.fromkeys(narrow[:-1], 16) | {repeat: 4})
    elsewhere = make.campaign()
    with pytest.raises(ValidationError, match="may name 6 segments at a time"):
        put(elsewhere, {narrow[-1]: 100})
    with pytest.raises(ValidationError, match="may name 6 segments at a time"):
        put(make.campaign(segment=segments[-1]), {repeat: 100})
    assert not elsewhere.versions.exists()
    # What is not weighed any more makes room, but not while it still waits for its turn.
    with pytest.raises(ValidationError, match="may name 6 segments at a time"):
        put(campaign, {narrow[-1]: 100}, starts=(date(2026, 9, 1), time(9)))
    assert put(campaign, {narrow[-1]: 100}).number == 2
    assert put(elsewhere, {narrow[0]: 100}).number == 1


def test_unknown_kpi_and_ended_campaign_are_refused(repeat: KPI) -> None:
    campaign = make.campaign()
    with pytest.raises(ValidationError, match="no longer exists"):
        publish(
            campaign=campaign, weights={repeat.pk + 1000: 100}, own_goal_share=Decimal("0.6"), reason="x", by=None,
            as_of=THURSDAY,
        )  # fmt: skip
    with pytest.raises(ValidationError, match="add up to 0"):
        put(campaign, {})
    with pytest.raises(ValidationError, match="has ended"):
        put(make.campaign(status=Campaign.Status.ENDED), {repeat: 100})


def test_a_second_editor_is_told_who_was_first(repeat: KPI) -> None:
    campaign, kim = make.campaign(), make.user(Role.HQ_EDITOR, name="Kim Ito")
    put(campaign, {repeat: 100}, by=kim, reason="Eye line", expected_version=0)
    with pytest.raises(EditConflict) as conflict:
        put(campaign, {repeat: 100}, expected_version=0)
    [sentence] = conflict.value.messages
    assert "Kim Ito published version 1" in sentence
    assert "27 August 2026, 15:00 UTC" in sentence
    assert "Eye line" in sentence
    assert put(campaign, {repeat: 100}, expected_version=1).number == 2
    with pytest.raises(EditConflict):
        put(make.campaign(), {repeat: 100}, expected_version=3)


@pytest.mark.django_db(transaction=True)
def test_ten_editors_at_once_no_silent_overwrite() -> None:
    campaign, kpi, outcomes = make.campaign(), make.kpi(), []

    def edit() -> None:
        try:
            outcomes.append(put(campaign, {kpi: 100}, expected_version=0).number)
        except EditConflict:
            outcomes.append("conflict")
        finally:
            connection.close()

    threads = [Thread(target=edit) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == ["1"] + ["conflict"] * 9


def test_the_focus_is_said_in_the_readers_language(repeat: KPI) -> None:
    KPI.objects.filter(pk=repeat.pk).update(focus_by_language={"de": "Folgebestellungen der Augenlinie"})
    put(make.campaign(), {repeat: 100})
    assert hers(make.distributor(language="de-at")).focus == "Folgebestellungen der Augenlinie"
    assert hers(make.distributor(language="es")).focus == "repeat orders of the eye line"
