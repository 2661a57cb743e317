"""What is learned from the log: from slates, actions and measures in the database to versions, and back."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.db import DatabaseError, transaction
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import translation

from activities.evidence import effects, estimating
from activities.evidence.effect_desk import said
from activities.models import Action, Activity, EffectVersion, Slate
from distributors import versions
from distributors.metrics import Unit
from distributors.models import Distributor, Measure, Role

from .. import factories as make
from .test_estimating import KEYS, candidates, log

pytestmark = pytest.mark.django_db

DAY = date(2026, 8, 1)
NOW = datetime(2026, 8, 27, 15, tzinfo=make.NOW.tzinfo)
P, E = 0.5, 20.0


class Field:
    """A field that is shown two of six cards a day; the first brings 20, the others bring nothing.

    On days on which she would sell anyway the first scores better: whoever sees it sells more, with no thanks to it.
    """

    def __init__(self, people: int = 30, days: int = 6, price: str = "1", stated: float = 40.0, every: int = 8) -> None:
        self.chance = np.random.default_rng(1)
        market = make.market(price_level=Decimal(price))
        self.activities = [make.activity(key, p_done=0.3, impacts={"sales": stated} if not n else {"enrolments": 0.1})
                           for n, key in enumerate(KEYS)]  # fmt: skip
        self.people = [make.distributor(market=market) for _ in range(people)]
        for person in self.people:
            for n in range(days):
                self.live(person, DAY - timedelta(days=n * every), float(price))

    def live(self, person: Distributor, day: date, price: float) -> None:
        own = 0.3 + self.chance.normal(0, 0.05, 6)
        if self.chance.random() < 0.5:
            own[0] += 0.3
            sale(person, day + timedelta(days=1), 100 * price)
        shown = log(candidates(own), seed=int(self.chance.integers(1 << 60)), size=2)
        slate(person, day, shown.cards, shown.eligible, shown.versions)
        for card in shown.cards:
            if self.chance.random() < P:
                done(person, self.activities[KEYS.index(card["key"])], day)
                if card["key"] == "a0":
                    sale(person, day + timedelta(days=2), E * price)


def slate(person: Distributor, day: date, cards: Any, eligible: Any, versions: Any, **fields: Any) -> Slate:
    shown_at = datetime.combine(day, datetime.min.time(), NOW.tzinfo) + timedelta(hours=15)
    return Slate.objects.create(
        distributor=person, day=day, seed=1, versions=versions, cards=cards, eligible=eligible,
        digest=str(make.number()).encode(), **{"shown_at": shown_at} | fields,
    )  # fmt: skip


def done(person: Distributor, activity: Activity, day: date, **fields: Any) -> Action:
    return Action.objects.create(distributor=person, activity=activity, kind="done", day=day, at=NOW, **fields)


def sale(person: Distributor, day: date, amount: float) -> None:
    row, _made = Measure.objects.get_or_create(
        distributor=person, metric="sales", day=day, defaults={"value": Decimal(0)}
    )
    row.value += Decimal(amount)
    row.save()


def learn(as_of: datetime = NOW) -> dict[str, Any]:
    version = effects.learn(as_of)
    assert version is not None
    return version.values


def shown(person: Distributor, day: date, key: str = "a0", slot: str = "own", **fields: Any) -> Slate:
    """A slate of which nothing can be read back but that the card was on it."""
    return slate(person, day, [{"key": key, "slot": slot, "propensity": 0.5}], [], {}, **fields)


def exposed(n: int = 40) -> list[Distributor]:
    """Each was shown card a0 on the same day."""
    make.activity("a0", p_done=0.3)
    people = [make.distributor() for _ in range(n)]
    for person in people:
        shown(person, DAY)
    return people


# Learning


def test_it_works() -> None:
    Field()
    version = effects.learn(NOW)
    assert version is not None
    assert (version.version, version.until, version.made_at, version.by) == (1, date(2026, 8, 19), NOW, None)
    told = version.values["a0"]
    p, n = told["p"]
    assert 0.38 < p < 0.5
    assert version.exposures == sum(one["p"][1] for one in version.values.values()) == 30 * 6 * 2
    mean, weight = told["e"]["sales"]
    assert 0 < weight <= n
    # The author said 40: her word counts for as much as 200 showings.
    assert mean == pytest.approx((200 * 40 + weight * E) / (200 + weight), abs=3)
    assert set(told["e"]) == {"sales"}


def test_money_is_told_in_base_currency() -> None:
    Field(price="10")
    mean, weight = learn()["a0"]["e"]["sales"]
    assert mean == pytest.approx((200 * 40 + weight * E) / (200 + weight), abs=3)


def test_the_same_log_makes_no_second_version() -> None:
    Field(people=20)
    assert effects.learn(NOW) is not None
    assert effects.learn(NOW) is None
    assert effects.learn(NOW + timedelta(hours=1)) is None
    assert EffectVersion.objects.count() == 1


def test_nothing_to_learn_makes_no_version() -> None:
    exposed(29)
    assert effects.learn(NOW) is None
    assert effects.current() is None


def test_below_thirty_exposures_the_author_stands() -> None:
    exposed(30)
    assert learn() == {"a0": {"p": [effects.six(50 * 0.3 / 80), 30]}}


def test_a_card_is_one_exposure_however_often_it_is_shown_within_a_week() -> None:
    for person in exposed():
        for later in (1, 2, 6):
            shown(person, DAY + timedelta(days=later))
        shown(person, DAY + timedelta(days=7))
    assert learn()["a0"]["p"][1] == 2 * 40


@pytest.mark.parametrize(("later", "counts"), [(0, True), (6, True), (7, False), (-1, False)])
def test_done_counts_within_the_horizon(later: int, counts: bool) -> None:
    for person in exposed():
        done(person, Activity.objects.get(), DAY + timedelta(days=later))
    assert learn()["a0"]["p"][0] == effects.six((50 * 0.3 + 40 * counts) / 90)


def test_what_was_taken_back_was_not_done() -> None:
    for person in exposed():
        done(person, Activity.objects.get(), DAY)
    before = learn()["a0"]["p"][0]
    Action.objects.update(undone_at=NOW)
    assert learn()["a0"]["p"][0] < 0.3 < before


def test_done_for_somebody_else_is_not_this_card() -> None:
    for person in exposed():
        done(person, Activity.objects.get(), DAY, about_key="c7")
    assert learn()["a0"]["p"][0] < 0.3


def test_pins_are_no_exposures() -> None:
    exposed(35)
    for _ in range(35):
        shown(make.distributor(), DAY, slot="pin")
    assert learn()["a0"]["p"][1] == 35


def test_the_first_slate_of_a_day_counts() -> None:
    make.activity("a1"), make.activity("a2")
    for person in exposed():
        for key, hour in (("a2", 20), ("a1", 3)):
            shown(person, DAY, key=key, shown_at=datetime(2026, 8, 1, hour, tzinfo=NOW.tzinfo))
    assert set(learn()) == {"a1"}
    assert learn_again_is_none()


def learn_again_is_none() -> bool:
    return effects.learn(NOW) is None


def test_a_horizon_that_has_not_ended_is_left_out() -> None:
    exposed()
    ended = datetime(
        2026, 8, 9, 0, 1, tzinfo=NOW.tzinfo
    )  # the evening of the eighth in Honolulu: its seventh has ended
    assert effects.learn(ended - timedelta(days=1)) is None
    assert learn(ended)["a0"]["p"][1] == 40


def test_late_orders_and_late_undos_are_in_the_next_version() -> None:
    field = Field()
    before = learn()["a0"]["e"]["sales"][0]
    for action in Action.objects.filter(activity=field.activities[0]):
        sale(action.distributor, action.day + timedelta(days=1), 60)
    assert learn()["a0"]["e"]["sales"][0] > before + 5
    assert EffectVersion.objects.count() == 2


def test_what_somebody_makes_anyway_is_taken_off() -> None:
    """Large sales that go on week by week are no effect of being shown a card."""
    field, more = Field(), list[Measure]()
    before = learn()["a0"]["e"]["sales"][0]
    for person in field.people[::2]:
        for n in range(110):
            day = DAY + timedelta(days=6 - n)
            if not Measure.objects.filter(distributor=person, metric="sales", day=day).update(value=F("value") + 500):
                more.append(Measure(distributor=person, metric="sales", day=day, value=500))
    Measure.objects.bulk_create(more)
    assert learn_or_same()["a0"]["e"]["sales"][0] == pytest.approx(before, abs=0.01)


def learn_or_same() -> dict[str, Any]:
    effects.learn(NOW)
    return effects.current().values  # type: ignore[union-attr]


def test_quotients_and_definitions_are_not_learned() -> None:
    make.product_line("eye")
    one = make.activity("x", impacts={"order_size": 3, "sales": 10, "repeat_orders": 0}, line=make.product_line("eye"))
    assert set(effects.learnable(one)) == {"sales", "sales:eye", "repeat_orders", "repeat_orders:eye"}
    stated = make.activity("y", impacts={"activities_done": 1.5})
    assert effects.learnable(stated) == {"activities_done": 1.5}


def test_the_log_is_read_in_blocks_of_the_same_people(monkeypatch: pytest.MonkeyPatch) -> None:
    Field(people=20)
    learn()
    monkeypatch.setattr(effects, "BLOCK", 3)
    assert learn_again_is_none()
    monkeypatch.setattr(effects, "PEOPLE", 15)
    first = effects.people_of(DAY)
    assert (len(first), first) == (15, effects.people_of(DAY))
    version = effects.learn(NOW)
    assert version is not None
    assert version.exposures == 15 * 6 * 2


def test_who_left_during_the_window_is_still_asked() -> None:
    stayed, left, gone = make.distributor(), make.distributor(left_on=DAY), make.distributor(left_on=DAY - timedelta(1))
    assert effects.people_of(DAY) == [stayed.pk, left.pk]
    assert gone.pk not in effects.people_of(DAY)


def test_a_new_version_is_seen_by_who_keeps_the_catalogue() -> None:
    before = versions.current()["effects"]
    exposed()
    learn()
    assert versions.current()["effects"] > before


# Going back


@pytest.fixture
def approver() -> Any:
    return make.user(Role.HQ_APPROVER, name="Ada")


def version(number: int, values: dict[str, Any] | None = None, **fields: Any) -> EffectVersion:
    return EffectVersion.objects.create(version=number, values=values or {}, until=DAY, made_at=NOW, **fields)


OLD, NEW = {"a0": {"p": [0.4, 100]}}, {"a0": {"p": [0.9, 200]}}


def test_going_back_is_a_new_version_and_pauses_learning(approver: Any) -> None:
    exposed()
    version(1, OLD), version(2, NEW)
    made = effects.go_back(version=1, reason=" A bad week ", by=approver, as_of=NOW)
    assert (made.version, made.values, made.back_to, made.reason, made.by) == (3, OLD, 1, "A bad week", approver)
    assert effects.current() == made
    assert effects.learn(NOW) is None
    resumed = effects.resume(reason="Fixed", by=approver, as_of=NOW)
    assert (resumed.version, resumed.values, resumed.back_to) == (4, OLD, None)
    learned = effects.learn(NOW)
    assert learned is not None
    assert (learned.version, learned.by, learned.back_to) == (5, None, None)


def test_going_back_to_the_authors(approver: Any) -> None:
    version(1, OLD)
    made = effects.go_back(version=0, reason="Start again", by=approver, as_of=NOW)
    assert (made.version, made.values, made.back_to, made.exposures) == (2, {}, 0, 0)
    assert effects.paused(made)


def test_a_roll_back_while_the_night_learns_stands(approver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    version(1, OLD), version(2, NEW)

    def meanwhile(until: date) -> tuple[dict[str, Any], int]:
        effects.go_back(version=1, reason="Now", by=approver, as_of=NOW)
        return {"a0": {"p": [0.7, 300]}}, 300

    monkeypatch.setattr(effects, "measured", meanwhile)
    assert effects.learn(NOW) is None
    assert effects.current().values == OLD  # type: ignore[union-attr]


def test_what_cannot_be_gone_back_to(approver: Any) -> None:
    with pytest.raises(EffectVersion.DoesNotExist):
        effects.go_back(version=0, reason="x", by=approver, as_of=NOW)
    version(1, OLD)
    with pytest.raises(ValueError, match="counts already"):
        effects.go_back(version=1, reason="x", by=approver, as_of=NOW)
    with pytest.raises(EffectVersion.DoesNotExist):
        effects.go_back(version=7, reason="x", by=approver, as_of=NOW)
    with pytest.raises(ValueError, match="in a sentence why"):
        effects.go_back(version=0, reason="  ", by=approver, as_of=NOW)
    with pytest.raises(ValueError, match="not paused"):
        effects.resume(reason="x", by=approver, as_of=NOW)
    assert EffectVersion.objects.count() == 1


def test_versions_are_never_changed(approver: Any) -> None:
    one = version(1, OLD, by=approver)
    for change in (
        lambda: EffectVersion.objects.update(values={}),
        lambda: EffectVersion.objects.update(back_to=None, reason="x"),
        lambda: one.delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert EffectVersion.objects.get().values == OLD


# What is said of it


def test_the_authors_word_stands_until_it_is_outweighed() -> None:
    one = make.activity("a0", p_done=0.3, impacts={"sales": 10})
    assert effects.standing_p(one, None) == effects.Standing(0.3, 0.3, 0, True)
    told = version(1, {"a0": {"p": [0.4, 51], "e": {"sales": [12.5, 200]}}})
    assert effects.standing_p(one, told) == effects.Standing(0.4, 0.3, 51, False)
    assert effects.standing(one, "sales", told) == effects.Standing(12.5, 10, 200, True)
    assert effects.standing(one, "activities_done", told) == effects.Standing(1, 1, 0, True)
    assert effects.standing(one, "enrolments", told) == effects.Standing(0, 0, 0, True)


def test_a_card_says_whose_word_it_is() -> None:
    assert effects.footnote(effects.Standing(1, 1, 200, True)) == "Author’s estimate"
    assert effects.footnote(effects.Standing(1, 1, 1204, False)) == "Measured on 1,204 showings"
    with translation.override("de"):
        assert "1.204" in effects.footnote(effects.Standing(1, 1, 1204, False))


@pytest.mark.parametrize(
    ("value", "unit", "figure"),
    [
        (12.566, Unit.MONEY, "12.57"), (12.5, Unit.MONEY, "12.50"), (0.199999, Unit.COUNT, "0.20"),
        (-0.001, Unit.MONEY, "0.00"), (0.406, None, "41%"), (0.29, None, "29%"),
    ],
)  # fmt: skip
def test_figures_are_rounded_and_not_cut_off(value: float, unit: Unit | None, figure: str) -> None:
    assert said(value, unit) == figure


def test_figures_are_told_as_the_reader_writes_them() -> None:
    with translation.override("de"):
        assert (said(12.566, Unit.MONEY), said(0.406, None)) == ("12,57", "41\N{NO-BREAK SPACE}%")


# The desk


def desk(role: Role, number: int | None = None) -> tuple[Client, str]:
    client = Client()
    client.force_login(make.user(role, name="Ada"))
    if number is None:
        return client, reverse("admin:activities_effectversion_changelist")
    pk = EffectVersion.objects.get(version=number).pk
    return client, reverse("admin:activities_effectversion_change", args=[pk])


@pytest.fixture
def two() -> None:
    make.activity(
        "a0", "Call her", p_done=0.3, impacts={"sales": 10, "repeat_orders:eye": 0.2}, line=make.product_line("eye")
    )
    version(1, {"a0": {"p": [0.4, 100], "e": {"sales": [12.5, 1204], "repeat_orders:eye": [0.25, 150]}}}, exposures=100)
    version(2, NEW)


@pytest.mark.parametrize("role", [Role.HQ_VIEWER, Role.HQ_EDITOR, Role.HQ_APPROVER, Role.TRAINER])
def test_hq_and_trainers_read_it(two: None, role: Role) -> None:
    client, path = desk(role)
    assert client.get(path).status_code == 200
    client, path = desk(role, 1)
    text = client.get(path).text
    for words in ("Call her", "30%", "40%", "Learned from 100 showings", "12.50", "Learned from 1,204 showings",
                  "Repeat orders, Eye", "Author’s estimate"):  # fmt: skip
        assert words in text
    assert ("Go back to this version" in text) == (role is Role.HQ_APPROVER)
    assert 'style="' not in text.split('id="content-main"')[1]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.INTEGRATOR, Role.DISTRIBUTOR, Role.LEADER])
def test_others_do_not(two: None, role: Role) -> None:
    for number in (None, 1):
        client, path = desk(role, number)
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("role", [Role.HQ_VIEWER, Role.HQ_EDITOR, Role.TRAINER, Role.OPERATOR])
def test_only_an_approver_goes_back(two: None, role: Role) -> None:
    client, path = desk(role, 1)
    assert client.post(path, {"why": "x", "expected_version": 2}).status_code == 404
    assert EffectVersion.objects.count() == 2


def test_an_approver_goes_back_and_lets_learning_go_on(two: None) -> None:
    client, path = desk(Role.HQ_APPROVER, 1)
    response = client.post(path, {"why": "A bad week", "expected_version": 2}, follow=True)
    made = effects.current()
    assert made is not None
    assert (made.version, made.back_to, made.reason, str(made.by)) == (3, 1, "A bad week", "Ada")
    assert "Version 3 counts now" in response.text
    assert "Learning is paused: somebody went back to version 1" in response.text
    assert "Resume learning" in response.text
    client.post(response.redirect_chain[-1][0], {"why": "Fixed", "expected_version": 3})
    assert not effects.paused(effects.current())
    assert effects.current().values == made.values  # type: ignore[union-attr]


def test_on_the_version_that_counts_she_goes_back_to_the_authors(two: None) -> None:
    client, path = desk(Role.HQ_APPROVER, 2)
    assert "Go back to the authors’ estimates" in client.get(path).text
    client.post(path, {"why": "Start again", "expected_version": 2})
    assert (effects.current().version, effects.current().back_to, effects.current().values) == (3, 0, {})  # type: ignore[union-attr]


def test_without_a_reason_or_with_an_old_page_nothing_happens(two: None) -> None:
    client, path = desk(Role.HQ_APPROVER, 1)
    assert "This field is required" in client.post(path, {"why": " ", "expected_version": 2}).text
    version(3, OLD)
    assert "There is a new version" in client.post(path, {"why": "x", "expected_version": 2}).text
    assert EffectVersion.objects.count() == 3


def test_a_likelier_card_is_more_than_one_question() -> None:
    """A customer who is due is shown as 1.4 times as likely: 100 such showings done 56 times say p = .4, not .56."""
    rows = [effects.Row(n, make.TODAY, [], [("call", "c1", 1.4)]) for n in range(100)]
    deeds = {n: [effects.Deed("call", "c1", make.TODAY)] for n in range(56)}
    shown, done, asked = {"call": 0}, {"call": 0}, {"call": 0.0}
    effects.count_exposures(rows, deeds, shown, done, asked)
    assert (shown["call"], done["call"]) == (100, 56)
    assert estimating.chance(0.4, asked["call"], done["call"], prior=50) == pytest.approx(0.4)
