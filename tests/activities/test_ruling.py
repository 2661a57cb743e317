"""Rules in the ranking: what holds at each read, what fires with the page, and that no rule takes a page down."""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activities import actions, recommend
from activities.evidence.replay import replayed
from activities.models import Activity, Slate
from activities.preview import trial
from activities.preview.sampling import people_of
from activities.ranking import dayslates
from activities.ranking.drawing import Slot
from activities.ranking.person import Ranking, rank
from activities.rules import activity_facts, failing, ruling
from distributors import features
from distributors.conditions import checks
from distributors.models import Distributor
from kpis import firing, proposals, rules
from kpis.models import Call, Campaign, Firing, Rule
from kpis.rule_effects import Boost
from tests import factories as make
from tests.activities.stage import order, stage
from tests.kpis.test_firing import for_leader
from tests.pages import now as clock
from tests.pages import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
assert clock

DAY = timedelta(days=1)
ANYBODY = {"fact": "joined_days", "is": "at_least", "value": 1}
NOBODY = {"fact": "joined_days", "is": "at_least", "value": 100_000}


@pytest.fixture
def jenna() -> Distributor:
    return Distributor.objects.with_market().get(pk=stage().pk)


def rule(*then: dict[str, Any], when: dict[str, Any] = ANYBODY, state: str = "live", **fields: Any) -> Rule:
    return make.rule({"if": when, "then": list(then), **fields}, state=state)


def trigger(activity: str = "win-back", to: str = "her", days: int = 7) -> dict[str, Any]:
    return {"effect": "trigger", "activity": activity, "for": to, "days": days}


def pin(activity: str = "nurture", until: date = make.TODAY + 5 * DAY) -> dict[str, Any]:
    return {"effect": "pin", "target": {"activity": activity}, "until": until.isoformat()}


def on(effect: str, activity: str = "win-back", **fields: Any) -> dict[str, Any]:
    return {"effect": effect, "target": {"activity": activity}, **fields}


def listed(ranking: Ranking) -> list[tuple[str, str]]:
    """Activities with their slots."""
    return [(ranking.activity(one.index).key, one.slot.value) for one in recommend.slate(ranking)]


def offered(ranking: Ranking) -> set[str]:
    """Activities that she has a card of and that no rule keeps from her, on the list or not."""
    cards = {ranking.activity(place) for place in range(len(ranking))}
    return {one.key for one in cards if not ranking.ruling.is_barred(0, ranking.shelf.index[one.pk])}


def term(ranking: Ranking, activity: str) -> float:
    return next(float(ranking.terms.rules[i]) for i in range(len(ranking)) if ranking.activity(i).key == activity)


def now(person: Distributor, **options: Any) -> Ranking:
    return rank(person, as_of=options.pop("as_of", make.NOW), **options)


def test_it_works(jenna: Distributor) -> None:
    made = rule(trigger())
    ranking = now(jenna, settle=True)
    assert listed(ranking)[0] == ("win-back", Slot.PIN)
    fired = Firing.objects.get()
    assert (fired.rule, fired.distributor, fired.day, fired.facts) == (made, jenna, make.TODAY, [["", 598.0]])
    assert len(set(listed(ranking))) == len(listed(ranking)) == 5


def test_without_a_live_rule_nothing_is_asked(jenna: Distributor) -> None:
    now(jenna)
    with CaptureQueriesContext(connection) as before:
        now(jenna)
    rule(trigger(), state="draft")
    rule(pin(), state="paused")
    now(jenna)
    with CaptureQueriesContext(connection) as after:
        plain = now(jenna)
    assert len(after) == len(before)
    assert plain.ruling.rules.pin.shape == (0,)
    assert not Firing.objects.exists()


def test_what_stands_holds_while_the_condition_does(jenna: Distributor) -> None:
    rule(on("boost", by=0.07), on("suppress", "nurture"), pin("basket-add-on"))
    rule(on("boost", "basket-add-on", by=-0.05), when=NOBODY)
    ranking = now(jenna)
    assert term(ranking, "win-back") == pytest.approx(0.07)
    assert term(ranking, "basket-add-on") == 0
    assert "nurture" not in dict(listed(ranking))
    assert listed(ranking)[0] == ("basket-add-on", Slot.PIN)
    assert not Firing.objects.exists()  # nobody settled


def test_boosts_together_are_bounded(jenna: Distributor) -> None:
    rule(on("boost", by=0.07))
    rule(on("boost", by=0.07))
    rule(on("boost", "nurture", by=-0.1), on("boost", "basket-add-on", by=0.1))
    rule(on("boost", "nurture", by=-0.1))
    rule(on("boost", "basket-add-on", by=-0.04))
    ranking = now(jenna)
    assert ranking.rules.boost.max() <= 0.1 and ranking.rules.boost.min() >= -0.1
    assert term(ranking, "win-back") == pytest.approx(0.1)
    assert term(ranking, "nurture") == pytest.approx(-0.1)
    assert term(ranking, "basket-add-on") == pytest.approx(0.06)


def test_eligible_is_for_those_only_for_whom_a_rule_says_so(jenna: Distributor) -> None:
    rule(on("eligible", "nurture"), when=NOBODY)
    assert "nurture" not in dict(listed(now(jenna)))
    rule(on("eligible", "nurture"))
    assert "nurture" in dict(listed(now(jenna)))


@pytest.mark.parametrize("span", [{"from": str(make.TODAY + DAY)}, {"to": str(make.TODAY - DAY)}])
def test_eligible_hides_nothing_outside_its_days(jenna: Distributor, span: dict[str, str]) -> None:
    rule(on("eligible", "nurture"), when=NOBODY, **span)
    ranking = now(jenna)
    assert "nurture" in offered(ranking)
    assert ranking.ruling.decisions() == []


@pytest.mark.parametrize("when", [ANYBODY, NOBODY])
def test_eligible_neither_hides_from_nor_shows_to_who_is_held_back(
    jenna: Distributor, monkeypatch: pytest.MonkeyPatch, when: dict[str, Any]
) -> None:
    held = rule(on("eligible", "nurture"), when=when, held_back=50)
    monkeypatch.setattr(rules, "held_back", lambda *_asked: np.array([True]))
    ranking = now(jenna)
    assert "nurture" in offered(ranking)
    assert [(one.held_back, one.did) for one in ranking.ruling.decisions()] == [(True, ())] * (when == ANYBODY)
    other = rule(on("eligible", "nurture"), when=NOBODY)
    assert "nurture" not in offered(now(jenna))
    assert [one.rule for one in now(jenna).ruling.decisions() if one.did] == [other.pk] != [held.pk]


def test_an_open_to_do_shows_what_is_for_others_only_until_she_answers(jenna: Distributor) -> None:
    made = make.rule({"if": ANYBODY, "then": [on("eligible"), trigger()]})
    now(jenna, settle=True)
    make.rule_version(made, {"if": NOBODY, "then": [on("eligible"), trigger()]})
    ranking = now(jenna, as_of=make.NOW + DAY)
    assert listed(ranking)[0] == ("win-back", Slot.PIN)
    assert [did.effect for one in ranking.ruling.decisions() for did in one.did] == ["trigger"]
    hidden = rule(on("suppress"))
    assert "win-back" not in offered(now(jenna, as_of=make.NOW + DAY))
    Rule.objects.filter(pk=hidden.pk).update(state="paused")
    order(jenna, make.customer(jenna, name="Nele Roth"), 160, sku="LIP-1")
    key = recommend.feed(jenna, as_of=make.NOW + DAY).cards[0].key
    actions.dismiss(distributor=jenna, card_key=key, as_of=make.NOW + DAY, by=None, reason="not_now")
    assert "win-back" not in offered(now(jenna, as_of=make.NOW + DAY))


def test_but_not_and_validity_are_kept(jenna: Distributor) -> None:
    rule(on("boost", by=0.1), but_not=ANYBODY)
    rule(on("boost", "nurture", by=0.1), to=str(make.TODAY - DAY))
    rule(on("boost", "basket-add-on", by=0.1), to=str(make.TODAY))
    ranking = now(jenna)
    assert [term(ranking, key) for key in ("win-back", "nurture", "basket-add-on")] == [0, 0, pytest.approx(0.1)]


# Pins


def test_at_most_one_pin_that_of_the_highest_priority(jenna: Distributor) -> None:
    rule(pin("nurture"), priority=10)
    rule(pin("basket-add-on"), priority=90)
    rule(trigger(), priority=100)
    ranking = now(jenna, settle=True)
    assert [key for key, slot in listed(ranking) if slot == Slot.PIN] == ["basket-add-on"]
    # The to-do that did not get the pin is moved up as far as rules may.
    assert term(ranking, "win-back") == pytest.approx(0.1)


def test_a_pin_that_cannot_be_shown_leaves_the_top_to_the_next(jenna: Distributor) -> None:
    make.activity("birthday", "Greet {name}", about=Activity.About.BIRTHDAY)
    rule(pin("birthday"), priority=90)
    rule(on("suppress", "nurture"), pin("nurture"), priority=80)
    shown, late = rule(pin("basket-add-on"), priority=70), rule(pin("reorder-talk"), priority=60)
    ranking = now(jenna)
    assert listed(ranking)[0] == ("basket-add-on", Slot.PIN)
    pins = {one.rule for one in ranking.ruling.decisions() for did in one.did if did.effect == "pin"}
    assert pins == {shown.pk} and late
    rule(trigger(), priority=90)
    assert listed(now(jenna, settle=True))[0] == ("basket-add-on", Slot.PIN)


def test_a_pin_ends_with_its_day(jenna: Distributor) -> None:
    rule(pin(until=make.TODAY))
    assert listed(now(jenna))[0] == ("nurture", Slot.PIN)
    assert Slot.PIN not in dict(listed(now(jenna, as_of=make.NOW + DAY))).values()


def test_a_to_do_ends_with_its_days(jenna: Distributor) -> None:
    rule(trigger(days=2))
    now(jenna, settle=True)
    assert listed(now(jenna, as_of=make.NOW + DAY))[0] == ("win-back", Slot.PIN)
    later = now(jenna, as_of=make.NOW + 2 * DAY)
    assert Slot.PIN not in dict(listed(later)).values() and term(later, "win-back") == 0


@pytest.mark.parametrize(
    "newest",
    [
        {"then": [on("boost", "nurture", by=0.01)]},
        {"then": [trigger("nurture")]},
        {"then": [trigger(to="leader")]},
        {"then": [trigger()], "to": str(make.TODAY)},
    ],
)
def test_a_to_do_that_is_withdrawn_lapses(jenna: Distributor, newest: dict[str, Any]) -> None:
    made = rule(trigger())
    now(jenna, settle=True)
    make.rule_version(made, {"if": ANYBODY, "then": [trigger(days=3)], "priority": 80})
    assert listed(now(jenna, as_of=make.NOW + DAY))[0] == ("win-back", Slot.PIN)
    make.rule_version(made, {"if": NOBODY, **newest}, number=3)
    later = now(jenna, as_of=make.NOW + DAY)
    assert Slot.PIN not in dict(listed(later)).values() and term(later, "win-back") == 0
    assert later.ruling.decisions() == []


def test_of_two_to_dos_the_higher_priority_then_the_newer_has_the_pin(jenna: Distributor) -> None:
    older, newer, urgent = rule(trigger("nurture")), rule(trigger("basket-add-on")), rule(trigger(), priority=51)
    for made, ago in ((older, 2), (newer, 1), (urgent, 3)):
        fired = make.firing(made, jenna, at=make.NOW - ago * DAY, day=make.TODAY - ago * DAY)
        key = made.versions.get().definition["then"][0]["activity"]
        Call.objects.create(
            firing=fired, to=jenna, what="activity", place=0, activity=key, since=fired.day, until=make.TODAY
        )
    assert listed(now(jenna))[0] == ("win-back", Slot.PIN)
    Rule.objects.filter(pk=urgent.pk).update(state="paused")
    assert listed(now(jenna))[0] == ("basket-add-on", Slot.PIN)


@pytest.mark.parametrize("answer", ["done", "snooze", "dismiss"])
def test_what_she_answered_since_holds_no_pin(jenna: Distributor, answer: str) -> None:
    order(jenna, make.customer(jenna, name="Nele Roth"), 160, sku="LIP-1")  # another one to win back
    rule(trigger(), priority=90)
    rule(trigger("nurture"))
    key = recommend.feed(jenna, as_of=make.NOW).cards[0].key
    assert key.startswith("win-back.c")
    asked: dict[str, Any] = {"distributor": jenna, "card_key": key, "as_of": make.NOW, "by": None}
    if answer == "done":
        actions.complete(**asked)
    elif answer == "snooze":
        actions.snooze(**asked, until=make.TODAY + DAY)
    else:
        actions.dismiss(**asked, reason="not_now")
    ranking = now(jenna)
    assert listed(ranking)[0] == ("nurture", Slot.PIN)
    assert term(ranking, "win-back") == pytest.approx(0.1)


def test_an_answer_of_before_is_none(jenna: Distributor) -> None:
    other = make.customer(jenna, name="Nele Roth")
    order(jenna, other, 160, sku="LIP-1")
    asked: dict[str, Any] = {"distributor": jenna, "card_key": f"win-back.c{other.pk}", "by": None}
    actions.complete(**asked, as_of=make.NOW - DAY)
    rule(trigger())
    assert listed(now(jenna, settle=True))[0] == ("win-back", Slot.PIN)


def test_a_to_do_that_she_has_no_card_of_leaves_the_pin_to_the_next(jenna: Distributor) -> None:
    make.activity("birthday", "Greet {name}", about=Activity.About.BIRTHDAY)
    make.activity("elsewhere", "Not here").markets.add(make.market("de"))
    rule(trigger("birthday"), priority=90)
    rule(trigger("elsewhere"), priority=80)
    rule(trigger("gone"), priority=70)
    rule(on("suppress", "nurture"))
    rule(trigger("nurture"), priority=60)
    rule(trigger(), priority=50)
    assert listed(now(jenna, settle=True))[0] == ("win-back", Slot.PIN)


def test_her_own_goals_keep_their_places(jenna: Distributor) -> None:
    """A pin takes one place; whatever is moved up is moved within its kind."""
    rule(pin("reorder-talk"), on("boost", "check-recruit", by=0.1))
    slots = [slot for _key, slot in listed(now(jenna))]
    assert slots.count(Slot.PIN) == 1 and slots.count(Slot.OWN) >= 2


# Held back


def test_held_back_gets_nothing_but_is_logged(jenna: Distributor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "held_back", lambda *_asked: np.array([True]))
    rule(on("boost", by=0.1), pin("nurture"), trigger("basket-add-on"), held_back=50)
    ranking = now(jenna, settle=True)
    assert Slot.PIN not in dict(listed(ranking)).values() and term(ranking, "win-back") == 0
    assert Firing.objects.get().held_back and not Call.objects.exists()
    (decision,) = ranking.ruling.decisions()
    assert decision.held_back and decision.did == ()


def test_a_team_is_held_back_together(jenna: Distributor) -> None:
    made = rule(on("boost", by=0.1), held_back=50)
    people = [make.distributor(sponsor=jenna) for _n in range(8)]
    features.of([one.pk for one in people])
    held = {bool(now(Distributor.objects.with_market().get(pk=one.pk)).ruling.acting[0, 0]) for one in people}
    assert len(held) == 1
    given = dayslates.frame(make.NOW)
    crowd = people_of([one.pk for one in people], given.shelf)
    acting = ruling.of(
        crowd, numbers=given.numbers, shelf=given.shelf, calendar=given.calendar,
        spread=now(jenna).spread, as_of=make.NOW,
    ).acting  # fmt: skip
    assert set(acting[0].tolist()) == held and made


# Leaders


def led(jenna: Distributor) -> Distributor:
    """Nothing else finds her: she joined long ago and never ordered."""
    return make.distributor(name="Ida Falk", sponsor=jenna, joined_on=make.TODAY - 300 * DAY)


def fire_for(person: Distributor) -> None:
    rank(Distributor.objects.with_market().get(pk=person.pk), as_of=make.NOW, settle=True)


def test_a_leader_gets_the_card_about_the_recruit(jenna: Distributor) -> None:
    rule(for_leader(), when={"fact": "joined_days", "is": "between", "value": [299, 301]})
    ida = led(jenna)
    fire_for(ida)
    ranking = now(jenna)
    placed = recommend.slate(ranking)[0]
    assert (ranking.keys[placed.index], placed.slot) == (f"check-recruit.r{ida.pk}", Slot.PIN)
    assert ranking.rules.calls.tolist() == [(ranking.shelf.index[ranking.activity(placed.index).pk], ida.pk)]


def test_who_is_not_her_recruit_any_more_is_not_asked_about(jenna: Distributor) -> None:
    rule(for_leader(), when={"fact": "joined_days", "is": "between", "value": [299, 301]})
    ida = led(jenna)
    fire_for(ida)
    Distributor.objects.filter(pk=ida.pk).update(sponsor=None)
    ranking = now(jenna)
    assert not len(ranking.rules.calls) and Slot.PIN not in dict(listed(ranking)).values()


def test_an_answer_about_one_recruit_is_none_about_another(jenna: Distributor) -> None:
    rule(for_leader(), when={"fact": "joined_days", "is": "between", "value": [299, 301]})
    ida, eva = led(jenna), led(jenna)
    for one in (ida, eva):
        fire_for(one)
    first = recommend.feed(jenna, as_of=make.NOW).cards[0].key
    actions.complete(distributor=jenna, card_key=first, as_of=make.NOW, by=None)
    again = recommend.feed(jenna, as_of=make.NOW).cards[0]
    assert {first, again.key} == {f"check-recruit.r{ida.pk}", f"check-recruit.r{eva.pk}"}
    assert again.slot == Slot.PIN


# One definition everywhere


def test_slates_written_ahead_are_those_of_her_page(jenna: Distributor) -> None:
    rule(trigger(), on("boost", "nurture", by=0.1), on("suppress", "reorder-talk"))
    page = now(jenna, settle=True)
    given = dayslates.frame(make.NOW)
    cards, counts = dayslates.rank(people_of([jenna.pk], given.shelf), given)
    of_page = [(page.activity(one.index).pk, one.slot) for one in recommend.slate(page)]
    slots = [Slot.OWN, Slot.COMPANY, Slot.LEARNING, Slot.OTHER, Slot.PIN]
    assert [(card["activity"], slots[card["slot"]]) for card in cards[0, : counts[0]]] == of_page


def test_previews_have_the_rules_and_fire_nothing(jenna: Distributor) -> None:
    rule(trigger("nurture"), pin("basket-add-on"))
    campaign = Campaign.objects.get()
    given = trial.change(proposals.of_version(campaign, campaign.versions.get()), make.NOW)
    features.of([jenna.pk])
    found = trial.pair(people_of([jenna.pk], given.shelf), given)
    for lists in found:
        first = given.shelf.activities[given.shelf.index[int(lists.cards[0, 0]["activity"])]]
        assert first.key == "basket-add-on"
    recommend.feed(jenna, as_of=make.NOW, log=False)
    assert not Firing.objects.exists() and not Call.objects.exists()


def test_a_log_says_what_rules_did_and_is_drawn_again(jenna: Distributor) -> None:
    first = rule(trigger(), on("boost", "nurture", by=0.05))
    idle = rule(on("boost", "gone", by=0.1))
    recommend.feed(jenna, as_of=make.NOW)
    slate = Slate.objects.get()
    assert slate.versions["rules"] > 0
    assert slate.versions["ruled"] == {
        "win-back": [[first.pk, 1, "trigger", 0.0]],
        "nurture": [[first.pk, 1, "boost", 0.05]],
        "": [[idle.pk, 1, "", 0.0]],
    }
    assert slate.cards[0]["slot"] == Slot.PIN
    found = replayed(slate)
    assert found.same, found.first_difference


def test_a_log_without_rules_says_nothing_of_them(jenna: Distributor) -> None:
    recommend.feed(jenna, as_of=make.NOW)
    assert "ruled" not in Slate.objects.get().versions


# Nothing takes a page down


def broken(fact: str) -> Any:
    everything = activity_facts.everything

    def columns(asked: Any, *args: Any) -> Any:
        if any(one.name == fact for one in asked):
            raise ZeroDivisionError("no such thing")
        return everything(asked, *args)

    return columns


def test_a_fact_that_fails_takes_out_its_rules_alone(
    jenna: Distributor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad = rule(on("boost", by=0.1), when={"none": [{"fact": "team_size", "is": "at_least", "value": 99}]})
    rule(on("boost", "nurture", by=0.1))
    monkeypatch.setattr(activity_facts, "everything", broken("team_size"))
    with caplog.at_level(logging.ERROR):
        ranking = now(jenna, settle=True)
    assert term(ranking, "win-back") == 0 and term(ranking, "nurture") == pytest.approx(0.1)
    assert Firing.objects.count() == 1
    assert bad.name in caplog.text
    assert failing.failing(make.NOW)[bad.pk] == failing.Failing(make.NOW, make.NOW)


def test_an_effect_that_fails_takes_out_its_rule_alone(jenna: Distributor, monkeypatch: pytest.MonkeyPatch) -> None:
    rule(on("suppress", "basket-add-on"), on("boost", by=0.1), priority=90)
    rule(pin("nurture"))
    monkeypatch.setattr(Boost, "hold", lambda *_asked: 1 / 0)
    ranking = now(jenna)
    assert listed(ranking)[0] == ("nurture", Slot.PIN)
    assert not ranking.rules.barred.any()


def test_a_firing_that_fails_takes_out_its_rule_alone(jenna: Distributor, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = rule(trigger(), priority=90), rule(trigger("nurture"))
    carry_out = firing.carry_out

    def failing(ruled: Any, *args: Any) -> None:
        assert ruled.rule != bad
        carry_out(ruled, *args)

    monkeypatch.setattr(firing, "carry_out", failing)
    assert listed(now(jenna, settle=True))[0] == ("nurture", Slot.PIN)
    assert list(Firing.objects.values_list("rule", flat=True)) == [good.pk]


@pytest.mark.parametrize("what", ["book", "matches", "held_back"])
def test_whatever_fails_the_page_answers(
    jenna: Distributor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    rule(trigger(), held_back=10)
    client = signed_in(jenna)
    monkeypatch.setattr(rules, what, lambda *_asked: 1 / 0)
    with caplog.at_level(logging.ERROR):
        page = client.get("/")
    assert page.status_code == 200 and len(page.context["feed"].cards) == 5
    assert "All rules are left out" in caplog.text


def test_reasons_that_fail_leave_the_card(jenna: Distributor, monkeypatch: pytest.MonkeyPatch) -> None:
    rule(trigger())
    monkeypatch.setattr(checks, "reasons", lambda *_asked: 1 / 0)
    client = signed_in(jenna)
    page = client.get("/")
    assert page.status_code == 200 and page.context["feed"].cards
