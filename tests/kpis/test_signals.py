"""The ready-made signals: readable, calm, complete in each language, HQ's to publish; and each finds whom it should."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from activities import catalogue, recommend
from activities.rules import sweep
from distributors import demo, ingest
from distributors.conditions import Known
from distributors.models import Distributor, Goal, Role
from kpis import definitions, signals
from kpis import demo as plans
from kpis.models import Call, Firing, Policy, Rule
from tests import factories as make
from tests.activities.test_catalogue import BANNED, LOUD

pytestmark = pytest.mark.django_db

NOW = make.NOW
KEYS = [signal.key for signal in signals.SIGNALS]
BY_KEY = {signal.key: signal for signal in signals.SIGNALS}


def notices() -> list[tuple[str, str, dict[str, str]]]:
    return [
        (signal.key, part, effect[part])
        for signal in signals.SIGNALS
        for effect in signal.definition["then"]
        if effect["effect"] == "notice"
        for part in ("title", "text")
    ]


def test_it_works() -> None:
    made = signals.add_missing(make.user(Role.HQ_EDITOR), NOW)
    assert [rule.signal for rule in made] == KEYS
    assert {rule.state for rule in Rule.objects.all()} == {Rule.State.DRAFT}
    falling = Rule.objects.get(signal="falling-sales")
    assert falling.name == "Falling sales: former customers"
    assert falling.draft.definition == BY_KEY["falling-sales"].definition


@pytest.mark.parametrize("key", KEYS)
def test_each_reads_and_asks_for_what_the_catalogue_has(key: str) -> None:
    content = catalogue.read()
    titles = {name: told["title"] for name, told in content.words["en"].items()}
    known = Known(segments={}, lines={}, activities=titles, campaigns={}, incentives={}, markets={}, ranks=())
    definition = definitions.read(BY_KEY[key].definition, known, today=make.TODAY)
    assert definitions.read(definitions.written(definition)) == definition
    said = definitions.sentence(definition, known)
    assert said.startswith("If ") and said.endswith(".")
    for effect in BY_KEY[key].definition["then"]:
        if effect["effect"] == "trigger" and effect["for"] == "leader":
            assert content.facts[effect["activity"]]["about"] in {"new_recruit", "quiet_recruit"}


def test_words_are_complete_calm_and_claim_nothing() -> None:
    for key, part, words in notices():
        assert words.keys() == {"en", "de", "es"}, key
        blanks = {tuple(sorted({b for _t, b, _s, _c in string.Formatter().parse(one) if b})) for one in words.values()}
        if part == "title":
            assert len(blanks) == 1, f"{key}: the same names in each language"
        for language, said in words.items():
            assert not LOUD.search(said), (key, said)
            assert not re.search(BANNED[language], said, re.IGNORECASE), (key, said)
            assert said.endswith(".") == (part == "text"), (key, said)
            assert len(said) <= (70 if part == "title" else 240), (key, said)
    for signal in signals.SIGNALS:
        assert not LOUD.search(signal.name + signal.reason)
        assert len(signal.name) <= 76 and len(signal.reason) <= 300


# HQ's


def test_again_adds_nothing_and_what_hq_discarded_comes_again() -> None:
    editor = make.user(Role.HQ_EDITOR)
    signals.add_missing(editor, NOW)
    assert signals.missing() == [] == signals.add_missing(editor, NOW)
    Rule.objects.get(signal="quiet").delete()
    assert [rule.signal for rule in signals.add_missing(editor, NOW)] == ["quiet"]


def test_a_name_that_is_taken_gets_a_number() -> None:
    Rule.objects.create(name="Anniversary", created_at=NOW)
    signals.add_missing(make.user(Role.HQ_EDITOR), NOW)
    assert Rule.objects.get(signal="anniversary").name == "Anniversary 2"


def test_published_at_once_with_its_own_reason() -> None:
    editor = make.user(Role.HQ_EDITOR)
    signals.add_missing(editor, NOW, publish=True)
    assert set(Rule.objects.live().values_list("signal", flat=True)) == set(KEYS)
    version = Rule.objects.get(signal="quiet").versions.get()
    assert (version.reason, version.by, version.approved_by) == (BY_KEY["quiet"].reason, editor, None)


def test_in_a_large_field_it_takes_two() -> None:
    editor, approver = make.user(Role.HQ_EDITOR), make.user(Role.HQ_APPROVER)
    Policy.objects.create(approval_above=1)
    for _two in range(2):
        make.distributor()
    with pytest.raises(ValidationError):
        signals.add_missing(editor, NOW, publish=True)
    assert not Rule.objects.exists(), "all or none"
    signals.add_missing(editor, NOW, publish=True, approved_by=approver)
    version = Rule.objects.get(signal="quiet").versions.get()
    assert (version.by, version.approved_by) == (editor, approver)


def test_nobody_else_adds_them() -> None:
    with pytest.raises(ValidationError):
        signals.add_missing(make.user(Role.HQ_VIEWER), NOW)


# Whom each finds, through the engine that runs it


def at(days_ago: float) -> datetime:
    return NOW - timedelta(days=days_ago)


def order(of: Distributor, days_ago: float, amount: int = 100, customer: str = "carla") -> None:
    ingest.record(
        type="order.placed", distributor=of, time=at(days_ago), source="shop", external_id=f"o-{make.number()}",
        data={"customer": customer, "currency": "USD", "amount": amount, "lines": []},
    )  # fmt: skip


def steady(of: Distributor, until: int) -> None:
    """An order a week by the same customer, back to where four stretches of 28 days end."""
    for days_ago in range(until, 150, 7):
        order(of, days_ago)


def falling(of: Distributor) -> None:
    steady(of, 34)
    order(of, 6, 20)


def with_former_customers(of: Distributor) -> None:
    falling(of)
    order(of, 140, customer="tom")


def near_a_prize(of: Distributor) -> None:
    falling(of)
    make.incentive({1500: "A watch"}, starts_on=date(2026, 5, 1), ends_on=date(2026, 12, 31))


def without_an_order(of: Distributor) -> None:
    Distributor.objects.filter(pk=of.pk).update(joined_on=make.TODAY - timedelta(days=32))


def with_a_first_recruit(of: Distributor) -> None:
    data = {"name": "Nina New", "sponsor": of.external_id}
    event = {
        "specversion": "1.0", "source": "office", "id": "n-1", "type": "distributor.enrolled", "subject": "nina",
        "time": at(0.1).isoformat(), "data": data,
    }  # fmt: skip
    assert not ingest.bulk([event], received_at=NOW).failed


def weekly_goal(of: Distributor) -> None:
    make.goal(of, target=Decimal(100), period=Goal.Period.WEEK, created_at=at(60))


def monthly_goal(of: Distributor) -> None:
    make.goal(of, target=Decimal(1000), period=Goal.Period.MONTH, created_at=at(90))


def after_a_missed_month(of: Distributor) -> None:
    monthly_goal(of)
    order(of, 6, 400)


def at_85_percent_of_the_month(of: Distributor) -> None:
    monthly_goal(of)
    order(of, 1, 850)


def at_her_goal_of_the_month(of: Distributor) -> None:
    monthly_goal(of)
    order(of, 1, 1200)


def after_a_missed_week(of: Distributor) -> None:
    weekly_goal(of)
    order(of, 6, 40)  # Friday of last week


def at_85_percent(of: Distributor) -> None:
    weekly_goal(of)
    order(of, 1, 85)


def at_her_goal(of: Distributor) -> None:
    weekly_goal(of)
    order(of, 1, 120)


def almost_at_a_prize(of: Distributor) -> None:
    order(of, 20, 900)
    make.incentive({1000: "A watch"}, starts_on=date(2026, 7, 1), ends_on=date(2026, 9, 20))


def quiet(of: Distributor) -> None:
    order(of, 33)
    ingest.record(type="distributor.signed_in", distributor=of, time=at(9), data={}, source="shop", external_id="s-1")


def two_years_here(of: Distributor) -> None:
    Distributor.objects.filter(pk=of.pk).update(joined_on=date(2024, 8, 27))


HER, LEADER, NOTICE = "her", "leader", "notice"
SATURDAY = timedelta(days=2)
#: What happened to her; who is asked for what; how much later it is looked at.
CASES: dict[str, tuple[Callable[[Distributor], None], set[tuple[str, str]], timedelta]] = {
    "falling-sales": (with_former_customers, {(HER, "win-back-lapsed"), (HER, NOTICE)}, timedelta(0)),
    "falling-sales-prize": (near_a_prize, {(HER, "next-tier-arithmetic")}, timedelta(0)),
    "falling-sales-new-line": (falling, {(HER, "lesson-a-line-that-is-new")}, timedelta(0)),
    "no-first-order": (
        without_an_order, {(HER, "plan-one-order"), (LEADER, "check-in-no-first-order")}, timedelta(0)
    ),
    "first-order": (
        lambda of: order(of, 0.1), {(HER, NOTICE), (LEADER, NOTICE), (LEADER, "say-well-done")}, timedelta(0)
    ),
    "first-enrolment": (
        with_a_first_recruit, {(HER, NOTICE), (LEADER, NOTICE), (HER, "thirty-day-plan")}, timedelta(0)
    ),
    "missed-goal": (after_a_missed_week, {(HER, "one-step-this-week")}, timedelta(0)),
    "goal-nearly-reached": (at_85_percent, {(HER, NOTICE), (HER, "close-the-gap-list")}, SATURDAY),
    "reached-goal": (at_her_goal, {(HER, "add-someone-you-met")}, timedelta(0)),
    "missed-goal-month": (after_a_missed_month, {(HER, "one-step-this-week")}, timedelta(days=14)),
    "goal-nearly-reached-month": (
        at_85_percent_of_the_month, {(HER, NOTICE), (HER, "close-the-gap-list")}, timedelta(0)
    ),
    "reached-goal-month": (at_her_goal_of_the_month, {(HER, "add-someone-you-met")}, timedelta(0)),
    "prize-within-reach": (almost_at_a_prize, {(HER, NOTICE)}, timedelta(0)),
    "quiet": (quiet, {(LEADER, "quiet-recruit-call")}, timedelta(0)),
    "anniversary": (two_years_here, {(HER, NOTICE), (LEADER, NOTICE)}, timedelta(0)),
}  # fmt: skip


def asked(key: str, her: Distributor) -> set[tuple[str, str]]:
    """By the firings of one signal about her."""
    calls = Call.objects.filter(firing__rule__signal=key, firing__distributor=her)
    return {(HER if call.to_id == her.pk else LEADER, call.activity or NOTICE) for call in calls}


@pytest.fixture
def her() -> Distributor:
    """With a leader, among others with whom nothing is the matter, and every signal live for everybody."""
    for code in ("eye", "lip", "skin", "body", "fragrance"):
        make.product_line(code)
    catalogue.load()
    signals.add_missing(make.user(Role.HQ_EDITOR), NOW, publish=True)
    # What is held back is not what is looked at here.
    for rule in Rule.objects.all():
        version = rule.versions.get()
        if version.definition["held_back"]:
            version.pk, version.number, version.definition = None, 2, version.definition | {"held_back": 0}
            version.save()
    plain = make.distributor()
    order(plain, 12), order(plain, 40)
    return make.distributor(sponsor=make.distributor(name="Ada Leader"), joined_on=date(2025, 1, 6))


@pytest.mark.parametrize("key", KEYS)
def test_it_finds_her_and_asks_for_its_remedy(her: Distributor, key: str) -> None:
    happened, wanted, later = CASES[key]
    happened(her)
    sweep.sweep(NOW + later)
    assert asked(key, her) == wanted
    assert set(Firing.objects.filter(rule__signal=key).values_list("distributor", flat=True)) == {her.pk}
    told = len(Firing.objects.all())
    sweep.sweep(NOW + later)
    assert len(Firing.objects.all()) == told


def test_falling_sales_have_one_remedy_at_a_time(her: Distributor) -> None:
    with_former_customers(her)
    make.incentive({1500: "A watch"}, starts_on=date(2026, 5, 1), ends_on=date(2026, 12, 31))
    sweep.sweep(NOW)
    fired = set(Firing.objects.filter(distributor=her).values_list("rule__signal", flat=True))
    assert fired & {signal.key for signal in signals.FALLING_SALES} == {"falling-sales"}


def test_the_remedy_names_a_former_customer(her: Distributor) -> None:
    with_former_customers(her)
    first = recommend.feed(her, as_of=NOW).cards[0]
    assert first.candidate.activity.key == "win-back-lapsed"
    assert first.candidate.customer is not None and first.candidate.customer.external_id == "tom"


def test_what_only_helps_where_a_rule_asks_for_it_is_in_nobody_elses_list(her: Distributor) -> None:
    without_an_order(her)
    sweep.sweep(NOW)
    feed = recommend.feed(make.distributor(), as_of=NOW, size=60, noise=False)
    keys = {card.candidate.activity.key for card in feed.cards}
    assert keys and not keys & {"plan-one-order", "one-step-this-week", "lesson-a-line-that-is-new"}
    her.refresh_from_db()
    assert recommend.feed(her, as_of=NOW).cards[0].candidate.activity.key == "plan-one-order"


# The worked example stays what it is


@pytest.mark.parametrize(
    "as_of",
    [
        datetime(2026, 8, 27, 15, tzinfo=UTC),
        datetime(2026, 8, 24, 5, 1, tzinfo=UTC),
        datetime(2026, 8, 31, 4, 58, tzinfo=UTC),
        datetime(2026, 9, 26, 18, tzinfo=UTC),
        datetime(2026, 12, 31, 23, 30, tzinfo=UTC),
    ],
    ids=["Thursday", "a minute into the week", "the last minutes of a week", "the 26th, when Dana counts", "New Year"],
)
def test_no_signal_puts_anything_on_jennas_page(as_of: datetime) -> None:
    assert not demo.load(seed=1, distributors=demo.CAST, as_of=as_of).failed
    demo.set_goals(as_of=as_of)
    editor, approver = make.user(Role.HQ_EDITOR), make.user(Role.HQ_APPROVER)
    plans.load(as_of=as_of, by=editor, approved_by=approver)
    catalogue.load()
    jenna = Distributor.objects.with_market().get(external_id="jenna")
    before = recommend.feed(jenna, as_of=as_of, log=False)
    live = plans.rules(as_of=as_of, by=editor, approved_by=approver)
    assert len(live) >= 10
    sweep.sweep(as_of)
    assert not Call.objects.filter(to=jenna, what=Call.What.ACTIVITY).exists()
    after = recommend.feed(jenna, as_of=as_of, log=False)
    assert [(card.key, card.slot, card.terms) for card in after.cards] == [
        (card.key, card.slot, card.terms) for card in before.cards
    ]
    assert Firing.objects.filter(distributor=jenna, rule__signal="prize-within-reach").exists()
