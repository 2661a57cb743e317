"""Her figures in what a rule tells: those of the moment it fired, in her words and money, and never a hole."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from distributors import goals, versions
from distributors.models import Distributor, Goal, Measure
from kpis import firing, rule_figures, rules
from kpis.firing import Match
from kpis.models import Firing
from kpis.rule_effects import BLANKS, OWN_BLANKS, Tell
from kpis.rule_figures import full_years
from tests import factories as make

pytestmark = pytest.mark.django_db

PRIZE_NEAR = {"fact": "prize_percent", "of": {"incentive": 0}, "is": "at_least", "value": 80}
GOAL_NEAR = {"fact": "goal_percent", "of": {"metric": "", "period": "week"}, "is": "at_least", "value": 80}
TEXT = "Most is done[: “{prize}” was at {prize_percent} on {day}, with {prize_left} to go until {prize_until}]."


def tells(text: str | dict[str, str] = TEXT, when: Any = PRIZE_NEAR) -> Any:
    words = {"en": text} if isinstance(text, str) else text
    notice = {"effect": "notice", "for": "her", "days": 7, "title": {"en": "News"}, "text": words}
    return make.rule({"if": when, "then": [notice]})


def fire(*people: Distributor, **fields: Any) -> list[Firing]:
    found = [Match(0, one.pk, make.TODAY, [("", 82.0)], **fields) for one in people]
    return firing.fire(found, rules.book(versions.current()), as_of=make.NOW)


def text_of(fired: Firing, reader: Distributor, language: str = "en") -> str:
    [effect] = rules.readable(fired.version).then
    assert isinstance(effect, Tell)
    with translation.override(language):
        figures = rule_figures.told(fired.facts, reader.market, fired.day)
        return effect.said(language, name=reader.given_name, reason="So.", figures=figures)[1]


def measure(of: Distributor, value: int, day: date, metric: str = "sales") -> None:
    Measure.objects.create(distributor=of, metric=metric, day=day, value=value)


def near_a_prize(of: Distributor, made: int = 820) -> None:
    measure(of, value=made, day=make.TODAY - timedelta(days=3))
    make.incentive(
        {1000: "A watch"}, market=of.market, starts_on=date(2026, 7, 1), ends_on=date(2026, 9, 20),
    )  # fmt: skip


def test_it_works() -> None:
    tells()
    dora = make.distributor()
    near_a_prize(dora)
    fire(dora)
    said = text_of(Firing.objects.get(), dora)
    assert said == "Most is done: “A watch” was at 82% on 27 August, with $180 to go until 20 September."


def test_a_later_look_says_what_was_true_then() -> None:
    tells()
    dora = make.distributor()
    near_a_prize(dora)
    fire(dora)
    measure(dora, value=100, day=make.TODAY)
    assert "$180 to go" in text_of(Firing.objects.get(), dora)


def test_in_her_language_and_money() -> None:
    german = "Geschafft[: Es fehlen {prize_left} bis zum {prize_until}]."
    tells(text={"en": TEXT, "de": german})
    anna = make.distributor(market=make.market("de", language="de", currency="EUR"))
    near_a_prize(anna)
    [fired] = fire(anna)
    assert text_of(fired, anna, "de") == "Geschafft: Es fehlen 180\xa0€ bis zum 20. September."


@pytest.mark.parametrize("made", [0, 1200])
def test_what_is_not_known_leaves_no_hole(made: int) -> None:
    """No award at all, or every tier of it reached."""
    tells()
    dora = make.distributor()
    if made:
        near_a_prize(dora, made)
    [fired] = fire(dora)
    assert text_of(fired, dora) == "Most is done."


def test_of_a_goal() -> None:
    tells("Close[: {goal_left} to go for “{goal}”, {goal_percent} done, {goal_days}, until {goal_until}].", GOAL_NEAR)
    dora = make.distributor()
    # The weightier one is by the month: the rule is about the week.
    make.goal(dora, metric="orders", target=Decimal(9), period=Goal.Period.MONTH, weight=9)
    make.goal(dora, target=Decimal(100), period=Goal.Period.WEEK)
    measure(dora, value=85, day=make.TODAY)
    [fired] = fire(dora)
    assert text_of(fired, dora) == "Close: $15 to go for “Sales this week”, 85% done, 4 days, until 30 August."


def test_sums_and_years() -> None:
    tells("Yours[: {sales_7} and {sales_28}][ in {orders_7}][ after {years}].")
    dora = make.distributor(joined_on=make.TODAY - timedelta(days=800))
    measure(dora, value=40, day=make.TODAY)
    measure(dora, value=60, day=make.TODAY - timedelta(days=7))
    [fired] = fire(dora)
    assert text_of(fired, dora) == "Yours: $40 and $100 after 2.", "of 0 orders nothing is told"


def test_the_same_figures_as_the_conditions() -> None:
    assert full_years(date(2024, 2, 29), date(2025, 2, 27)) == 0
    assert full_years(date(2024, 2, 29), date(2025, 2, 28)) == 1
    assert full_years(date(2024, 2, 29), date(2028, 2, 28)) == 3
    assert full_years(date(2024, 3, 1), date(2025, 2, 28)) == 0


def test_held_back_keeps_none_and_a_failure_costs_only_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    tells()
    dora, nele = make.distributor(), make.distributor()
    near_a_prize(dora)
    [held] = fire(dora, held_back=True)
    assert held.facts == [["", 82.0]]
    monkeypatch.setattr(rule_figures, "known", lambda *_asked: 1 / 0)
    [fired] = fire(nele)
    assert text_of(fired, nele) == "Most is done."


def test_so_many_queries_for_any_number_of_people() -> None:
    tells(f"{TEXT} [{{sales_7}}.] [{{goal_left}}.]")

    def asked(many: int) -> int:
        people = [make.distributor() for _n in range(many)]
        for one in people:
            make.goal(one, target=Decimal(100), period=Goal.Period.WEEK)
            measure(one, value=85, day=make.TODAY)
        goals.states_of(Distributor.objects.with_market(), as_of=make.NOW)
        book = rules.book(versions.current())
        with CaptureQueriesContext(connection) as queries:
            firing.fire([Match(0, one.pk, make.TODAY, []) for one in people], book, as_of=make.NOW)
        return len(queries)

    near_a_prize(make.distributor())
    assert asked(1) == asked(12)


def test_every_field_is_filled() -> None:
    every = BLANKS[2:] + OWN_BLANKS
    tells("Yours" + "".join(f"[ {{{one}}}]" for one in every), when=GOAL_NEAR)
    dora = make.distributor(joined_on=make.TODAY - timedelta(days=800))
    near_a_prize(dora)
    make.goal(dora, target=Decimal(10_000), period=Goal.Period.WEEK)
    measure(dora, metric="orders", value=2, day=make.TODAY)
    measure(dora, value=5, day=make.TODAY)
    [fired] = fire(dora)
    assert set(every) == rule_figures.told(fired.facts, dora.market, fired.day).keys()


def test_what_was_kept_and_does_not_read_says_nothing() -> None:
    dora = make.distributor()
    facts: list[Any] = [["", 5], ["{prize}", 7], ["{goal}", {"metric": "gone"}], ["{sales_7}", "x"], ["{else}", 1]]
    assert rule_figures.told(facts, dora.market, make.TODAY).keys() == {"day"}
