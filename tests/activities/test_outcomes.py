"""A rule followed to its outcome: what is counted as shown and done, plain figures, and the comparison with who was held back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from activities.models import Action, Activity, Slate
from activities.rules import outcomes
from activities.views import rule_outcome
from distributors.models import Distributor, Measure, Role
from kpis.lift import Lift
from kpis.models import Call, Firing, Rule, RuleDay, RuleVersion
from tests import factories as make

pytestmark = pytest.mark.django_db

NOW, TODAY = make.NOW, make.TODAY
#: Day of a firing whose 28 days are over today.
OVER = TODAY - timedelta(days=40)


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def rule(held_back: int = 0, **fields: Any) -> Rule:
    made = Rule.objects.create(name=f"Rule {make.number()}", state=Rule.State.LIVE, created_at=NOW, **fields)
    version(made, held_back, at=NOW - timedelta(days=80))
    return made


def version(of: Rule, held_back: int, at: datetime) -> RuleVersion:
    definition = {"if": {"fact": "weekday", "is": "known"}, "then": [], "held_back": held_back}
    return RuleVersion.objects.create(
        rule=of, number=of.versions.count() + 1, definition=definition, reason="Because", published_at=at
    )


def fired(of: Rule, who: Distributor, day: date = TODAY, *, held_back: bool = False, hour: int = 9) -> Firing:
    at = datetime.combine(day, NOW.timetz()).replace(hour=hour)
    return Firing.objects.create(
        rule=of, version=of.versions.order_by("-number")[0], distributor=who, day=day, at=at, held_back=held_back
    )


def asked(
    of: Firing, what: Activity | None = None, to: Distributor | None = None, days: int = 7, place: int = 0
) -> Call:
    return Call.objects.create(
        firing=of, to=to or of.distributor, what="activity" if what else "notice", place=place,
        activity=what.key if what else "", since=of.day, until=of.day + timedelta(days=days - 1),
    )  # fmt: skip


def slate(of: Distributor, what: Activity, at: datetime, recruit: Distributor | None = None) -> Slate:
    card = {"activity": what.pk, "customer": None, "recruit": recruit.pk if recruit else None}
    return Slate.objects.create(
        distributor=of, day=at.date(), shown_at=at, seed=1, cards=[{"activity": 0, "customer": None, "recruit": None}, card],
        digest=make.number().to_bytes(32, "big"),
    )  # fmt: skip


def did(who: Distributor, what: Activity, at: datetime, **fields: Any) -> Action:
    return Action.objects.create(distributor=who, activity=what, kind=Action.Kind.DONE, day=at.date(), at=at, **fields)


def sold(who: Distributor, amount: float, day: date) -> None:
    for metric, value in (("sales", amount), ("orders", 1)):
        Measure.objects.create(distributor=who, metric=metric, day=day, value=Decimal(str(value)))


def steps(of: Rule) -> outcomes.Steps:
    return outcomes.of(of, NOW).steps


# Fired, shown, done


def test_it_works() -> None:
    of, what = rule(), make.activity("check-in")
    dana, elin, rosa, noor = (make.distributor() for _ in range(4))
    for person in (dana, elin, rosa):
        asked(fired(of, person), what)
    fired(of, noor, held_back=True)
    slate(dana, what, NOW)
    slate(elin, what, NOW)
    did(dana, what, NOW)
    found = steps(of)
    assert (found.firings, found.people, found.held_back, found.called) == (3, 3, 1, 3)
    assert (found.shown, found.done, found.open, found.first) == (2, 1, 2, TODAY)


def test_a_list_of_before_the_firing_shows_nothing_of_it() -> None:
    of, what, dana = rule(), make.activity(), make.distributor()
    asked(fired(of, dana, hour=12), what)
    slate(dana, what, NOW.replace(hour=11))
    did(dana, what, NOW.replace(hour=11))
    assert (steps(of).shown, steps(of).done) == (0, 0)
    slate(dana, make.activity(), NOW.replace(hour=13))
    assert steps(of).shown == 0
    slate(dana, what, NOW.replace(hour=13))
    assert steps(of).shown == 1


def test_a_list_and_a_deed_after_its_days_are_late() -> None:
    of, what, dana = rule(), make.activity(), make.distributor()
    asked(fired(of, dana, TODAY - timedelta(days=9)), what, days=7)
    slate(dana, what, NOW)
    did(dana, what, NOW)
    assert (steps(of).shown, steps(of).done, steps(of).open) == (0, 0, 0)


def test_a_deed_that_was_taken_back_was_not_done() -> None:
    of, what, dana = rule(), make.activity(), make.distributor()
    asked(fired(of, dana), what)
    did(dana, what, NOW, undone_at=NOW)
    assert steps(of).done == 0


def test_a_leader_is_counted_by_her_own_list_and_deed_about_this_recruit() -> None:
    of, what = rule(), make.activity(about=Activity.About.QUIET_RECRUIT)
    leader = make.distributor()
    dana, elin = (make.distributor(sponsor=leader) for _ in range(2))
    asked(fired(of, dana), what, to=leader)
    slate(leader, what, NOW, recruit=elin)
    slate(dana, what, NOW, recruit=dana)
    did(leader, what, NOW, recruit=elin, about_key=f"r{elin.pk}")
    assert (steps(of).shown, steps(of).done) == (0, 0)
    slate(leader, what, NOW, recruit=dana)
    did(leader, what, NOW, recruit=dana, about_key=f"r{dana.pk}")
    assert (steps(of).shown, steps(of).done) == (1, 1)


def test_a_notice_was_due_and_is_shown_nowhere() -> None:
    """Whether anybody was told, notifications know (tests/notifications/test_rule_followed.py)."""
    of = rule()
    asked(fired(of, make.distributor()))
    found = steps(of)
    assert (found.noticed, found.called, found.shown, found.open) == (1, 0, 0, 0)


def test_a_firing_with_two_calls_is_one_firing() -> None:
    of, dana = rule(), make.distributor()
    one = fired(of, dana)
    for place in range(2):
        what = make.activity()
        asked(one, what, place=place)
        did(dana, what, NOW)
    assert (steps(of).firings, steps(of).called, steps(of).done) == (1, 1, 1)


def test_another_rules_firings_and_old_ones_do_not_count() -> None:
    of, dana = rule(), make.distributor()
    fired(rule(), dana)
    fired(of, dana, TODAY - timedelta(days=outcomes.SINCE + 2))
    assert steps(of).firings == 0


def test_only_the_newest_firings_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "MOST_FIRINGS", 3)
    of = rule()
    for back in range(5):
        fired(of, make.distributor(), TODAY - timedelta(days=back))
        fired(of, make.distributor(), TODAY - timedelta(days=back), held_back=True)
    found = steps(of)
    assert (found.firings, found.first, found.held_back) == (3, TODAY - timedelta(days=2), 3)


# What came next


def test_what_came_next_is_told_by_currency_and_never_added_across() -> None:
    of = rule()
    dana = make.distributor()
    rosa = make.distributor(market=make.market("mx", currency="MXN", time_zone="America/Mexico_City"))
    for person, before, after in ((dana, 30, 80), (rosa, 900, 700)):
        fired(of, person, OVER)
        sold(person, before, OVER - timedelta(days=1))
        sold(person, before, OVER - timedelta(days=29))  # too long ago
        sold(person, after, OVER)  # the day itself is after
        sold(person, after, OVER + timedelta(days=28))  # too late
    mexico, states = outcomes.of(of, NOW).next
    assert (states.currency, states.people, states.sales) == ("USD", 1, (30, 80))
    assert (mexico.currency, mexico.sales, mexico.orders) == ("MXN", (900, 700), (1.0, 1.0))


def test_whose_days_are_not_over_waits_and_who_was_held_back_is_left_out() -> None:
    of, dana, elin = rule(), make.distributor(), make.distributor()
    fired(of, dana, TODAY - timedelta(days=27))
    fired(of, elin, OVER, held_back=True)
    assert outcomes.of(of, NOW).next == []
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        assert [one.people for one in outcomes.of(of, NOW + timedelta(days=1)).next] == [1]


# The comparison


def field(of: Rule, *, teams: int, size: int, held_back: float, effect: float = 0.0, day: date = OVER) -> None:
    """Sponsors with their recruits; every team is in one arm. Sales of 100 a person, times 1 + effect for who got it."""
    market, dice = make.market(), np.random.default_rng(1)
    joined = date(2025, 1, 6)
    leaders = Distributor.objects.bulk_create(
        Distributor(external_id=f"l{make.number()}", name="Leader", market=market, joined_on=joined)
        for _ in range(teams)
    )
    people = Distributor.objects.bulk_create(
        Distributor(external_id=f"m{make.number()}", name="Member", market=market, joined_on=joined, sponsor=leader)
        for leader in leaders
        for _ in range(size)
    )
    held = dict(zip([one.pk for one in leaders], np.arange(teams) < round(held_back * teams), strict=True))
    newest = of.versions.order_by("-number")[0]
    Firing.objects.bulk_create(
        Firing(rule=of, version=newest, distributor=one, day=day, at=datetime.combine(day, NOW.timetz()),
               held_back=bool(held[one.sponsor_id]))
        for one in people
    )  # fmt: skip
    rows = []
    for one in people:
        usual = float(dice.uniform(50, 150))
        after = usual * (1 if held[one.sponsor_id] else 1 + effect) + float(dice.normal(0, 5))
        rows.append(Measure(distributor=one, metric="sales", day=day - timedelta(days=3), value=round(usual, 2)))
        rows.append(Measure(distributor=one, metric="sales", day=day + timedelta(days=3), value=round(after, 2)))
    Measure.objects.bulk_create(rows)


def compared(of: Rule) -> outcomes.Compared:
    found = outcomes.of(of, NOW).compared
    assert found is not None
    return found


def page(of: Rule, **headers: str) -> str:
    client = Client()
    client.force_login(make.user(Role.HQ_VIEWER))
    answer = client.get(reverse("rule_outcome", args=[of.pk]), headers=headers or {"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.content.decode()


def test_who_got_it_is_compared_with_who_was_held_back() -> None:
    of = rule(held_back=50)
    field(of, teams=100, size=5, held_back=0.5, effect=0.2)
    found = compared(of)
    assert (found.got, found.held_back, found.waiting) == ((250, 50), (250, 50), 0)
    assert found.found is not None and found.found.low > 0
    assert found.found.difference / found.found.held_back == pytest.approx(0.2, abs=0.04)
    text = page(of)
    assert "Up" in text and "250 people in 50 teams got it; 250 in 50 were held back by lot." in text
    # What it could show stands before what it shows.
    assert text.index("With these people it can show a change of") < text.index("95% range")


def test_no_effect_is_no_effect_though_sales_rose() -> None:
    """Everybody sells twice as much as before, with and without: the plain figures rise, the comparison says nothing."""
    of = rule(held_back=50)
    field(of, teams=100, size=5, held_back=0.5)
    Measure.objects.filter(day__gte=OVER).update(value=200)
    assert compared(of).found is not None
    assert outcomes.of(of, NOW).next[0].sales[1] > Decimal("1.5") * outcomes.of(of, NOW).next[0].sales[0]
    assert "Up" not in page(of) and "No clear change" in page(of)


def test_people_of_all_markets_compare_in_base_currency() -> None:
    of = rule(held_back=50)
    field(of, teams=100, size=5, held_back=0.5, effect=0.2)
    plain = compared(of).found
    dear = make.market("mx", currency="MXN", price_level=Decimal(10))
    some = list(Distributor.objects.filter(name="Member").values_list("pk", flat=True)[::2])
    Distributor.objects.filter(pk__in=some).update(market=dear)
    for one in Measure.objects.filter(distributor__in=some):
        Measure.objects.filter(pk=one.pk).update(value=one.value * 10)
    again = compared(of).found
    assert plain is not None and again is not None
    assert again.difference == pytest.approx(plain.difference)


@pytest.mark.parametrize(("teams", "size"), [(60, 5), (40, 12)])
def test_too_few_people_or_teams_give_no_figure(teams: int, size: int) -> None:
    of = rule(held_back=50)
    field(of, teams=teams, size=size, held_back=0.5, effect=0.5)
    assert compared(of).found is None
    text = page(of)
    assert "Too few for a figure yet" in text and "95% range" not in text


def test_an_odd_lot_hides_the_result() -> None:
    of = rule(held_back=50)
    field(of, teams=200, size=6, held_back=0.3, effect=0.5)
    assert compared(of).odd
    text = page(of)
    assert "Chance alone does that less than once in a thousand times" in text and "95% range" not in text


def test_before_the_first_days_are_over_it_is_still_running() -> None:
    of = rule(held_back=50)
    field(of, teams=4, size=2, held_back=0.5, day=TODAY - timedelta(days=11))
    assert "Still running: day 12 of 28" in page(of)


def test_a_rule_that_holds_nobody_back_says_so() -> None:
    of = rule()
    fired(of, make.distributor(), OVER)
    assert outcomes.of(of, NOW).compared is None
    assert "It holds nobody back" in page(of)


def test_those_held_back_who_sold_nothing_compare_with_nobody() -> None:
    of = rule(held_back=50)
    field(of, teams=100, size=5, held_back=0.5)
    Measure.objects.all().delete()
    assert "those held back sold nothing" in page(of)


def test_firings_of_another_share_do_not_count() -> None:
    """The lot of today is not the lot of then; versions of the same share before the newest are one experiment."""
    of = rule(held_back=10)
    version(of, 50, NOW - timedelta(days=60))
    version(of, 50, NOW - timedelta(days=20))
    assert outcomes.share_of(of) == outcomes.Share(50, NOW - timedelta(days=60))
    dana = make.distributor()
    fired(of, dana, TODAY - timedelta(days=70))
    assert outcomes.of(of, NOW).compared == outcomes.Compared(50, (0, 0), (0, 0), 0, 0)
    fired(of, dana, OVER)
    assert compared(of).got == (1, 1)


def test_a_person_counts_once_by_her_first_firing() -> None:
    of = rule(held_back=50)
    dana = make.distributor()
    fired(of, dana, OVER)
    fired(of, dana, OVER + timedelta(days=5))
    assert compared(of).got == (1, 1)


def test_too_many_people_are_whole_teams_of_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "MOST_PEOPLE", 200)
    of = rule(held_back=50)
    field(of, teams=80, size=5, held_back=0.5)
    found = outcomes.of(of, NOW)
    assert found.sampled and found.compared is not None
    (got, got_teams), (held, held_teams) = found.compared.got, found.compared.held_back
    assert got == 5 * got_teams and held == 5 * held_teams
    assert 120 < got + held < 280 and got_teams > 10 and held_teams > 10
    assert "drawn by lot" in page(of)


# The page


def test_it_is_four_queries_however_many_people() -> None:
    of, what = rule(held_back=50), make.activity()
    for n in range(2):
        for _ in range(1 + 10 * n):
            dana = make.distributor()
            asked(fired(of, dana, OVER), what)
            sold(dana, 10, OVER)
        with CaptureQueriesContext(connection) as seen:
            outcomes.of(of, NOW)
        assert len(seen) == 4


@pytest.mark.parametrize("held_back", [0, 10])
def test_a_rule_that_never_fired_says_so_in_one_sentence(held_back: int) -> None:
    of = rule(held_back)
    text = page(of)
    assert "It has not fired yet. First checked within a minute." in text
    assert "<dl" not in text and "<html" not in text and "<h3" not in text and "days" not in text
    # Once it was looked at, that is no news any more; and nobody looks at one that is paused.
    RuleDay.objects.create(rule=of, market=make.market(), day=TODAY, people=9, matched=0)
    assert "It has not fired yet." in page(of) and "First checked" not in page(of)
    paused = rule(held_back)
    Rule.objects.filter(pk=paused.pk).update(state="paused")
    assert "First checked" not in page(paused)


def test_without_script_it_is_a_page_of_its_own() -> None:
    of = rule()
    text = page(of, accept="text/html")
    assert "<h1>" in text and str(of) in text and "style=" not in text


def test_a_range_is_never_told_narrower_than_it_is() -> None:
    found = rule_outcome.Interval(Lift(got=104.0, held_back=100.0, difference=4.0, variance=1.0), None)  # type: ignore[arg-type]
    assert found.low <= found.relative(found.found.low) < found.low + 0.1
    assert found.high - 0.1 < found.relative(found.found.high) <= found.high
    assert found.difference == "+4.0%"
    assert rule_outcome.signed(-0.04) == "0.0%" and rule_outcome.signed(-0.5) == "−0.5%"
