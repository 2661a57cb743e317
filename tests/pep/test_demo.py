"""`manage.py demo`: the whole company, once, and empties only what it filled."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from activities import recommend
from activities.models import Activity, Credit, ScaleSet
from distributors import demo
from distributors.ingest import accept, rebuild
from distributors.models import Customer, Distributor, Event, Goal, Market, Role, User
from kpis import incentives, priorities, signals
from kpis.models import Firing, Incentive, Rule, RuleDay
from pep import emptying
from tests import factories as make

pytestmark = pytest.mark.django_db

PEOPLE = 40


@pytest.fixture
def data_folder(tmp_path: Path, settings: object, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]
    monkeypatch.delenv("PEP_DEMO_PASSWORD", raising=False)
    return tmp_path


def run(*args: str) -> str:
    out = StringIO()
    call_command("demo", "--distributors", str(PEOPLE), *args, stdout=out)
    return out.getvalue()


@pytest.fixture
def loaded(data_folder: Path) -> Iterator[str]:
    yield run()


def test_it_works(loaded: str, data_folder: Path) -> None:
    assert Distributor.objects.count() == PEOPLE
    assert Market.objects.values("currency").distinct().count() == 3
    assert Market.objects.values("time_zone").distinct().count() == 3
    assert Market.objects.values("language").distinct().count() == 3
    assert set(User.objects.values_list("role", flat=True)) == set(Role)
    assert Activity.objects.published().count() >= 60
    assert Goal.objects.count() > 2
    check_feed()
    check_rules(loaded)
    check_outreach()
    check_sign_ins(loaded, data_folder)
    assert rebuild(check=True).equal


def check_feed() -> None:
    jenna, now = Distributor.objects.with_market().get(external_id="jenna"), timezone.now()
    feed = recommend.feed(jenna, as_of=now)
    assert len(feed.cards) == 5
    found = priorities.for_market(jenna.market, now, language=jenna.speaks)
    assert found.focus == "repeat orders of the eye line"
    assert (found.own_goal_share, found.weights["repeat_orders:eye"]) == (0.6, 0.4)
    assert sum(found.weights.values()) == pytest.approx(1)
    (watch,) = incentives.within_reach(jenna, as_of=now)
    assert watch.tier_prize == "the watch"
    assert 150 <= watch.left <= 260
    told = {made.market.language: made.tiers.all()[1].prize for made in Incentive.objects.filter(form="award")}
    assert told == {"en": "the watch", "de": "Armbanduhr", "es": "el reloj"}


def check_rules(told: str) -> None:
    """All ready-made signals, written by one and approved by the other, and swept once by the engine itself."""
    live = Rule.objects.live()
    assert {rule.signal for rule in live} == {signal.key for signal in signals.SIGNALS}
    for rule in live:
        version = rule.versions.get()
        assert (version.by.email, version.approved_by.email) == ("hq@yousystem.example", "approver@yousystem.example")
    assert RuleDay.objects.values("rule").distinct().count() == live.count()
    assert Firing.objects.values("rule").distinct().count() >= 3
    assert f"{live.count()} live, {Firing.objects.count():,} times fired" in told


def check_outreach() -> None:
    """Maya has agreed and has a phone; messages were sent, and orders and answers of the demo's own followed some."""
    maya = Customer.objects.get(distributor__external_id="jenna", external_id="maya")
    assert maya.phone and maya.allowed and not maya.do_not_contact
    assert Market.objects.get(code="de").consent_required
    assert Customer.objects.filter(distributor__market__code="de", allowed__gt=0).exists()
    hers = Credit.objects.filter(distributor__external_id="jenna").values_list(
        "kind", "outreach__customer__external_id"
    )
    assert {("order", "wren"), ("order", "nora"), ("order", "carmen"), ("reply", "kara"), ("reply", "gina")} == set(
        hers
    )


def check_sign_ins(told: str, folder: Path) -> None:
    file = folder / "demo-sign-ins.txt"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    password = file.read_text().split("Password: ")[1].strip()
    assert password in told
    for email in ("hq@yousystem.example", "jenna@yousystem.example", "approver@yousystem.example"):
        assert email in told
        assert User.objects.get(email=email).check_password(password)
    assert Distributor.objects.get(user__email="jenna@yousystem.example").external_id == "jenna"


def test_again_changes_nothing(loaded: str) -> None:
    before = Event.objects.count(), ScaleSet.objects.count(), User.objects.get(email="hq@yousystem.example").password
    assert run() == "The demo company YouSystem is loaded already; nothing was changed.\n"
    after = Event.objects.count(), ScaleSet.objects.count(), User.objects.get(email="hq@yousystem.example").password
    assert before == after


def test_a_password_asked_for_is_set(loaded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEP_DEMO_PASSWORD", "another pass phrase")
    assert "The password of" in run()
    assert User.objects.get(email="jenna@yousystem.example").check_password("another pass phrase")


def test_reset_loads_afresh(loaded: str) -> None:
    make.event(Distributor.objects.get(external_id="jenna"), source="pep", external_id="before")
    told = run("--reset", "--seed", "2")
    assert "all demo data removed" in told
    assert Distributor.objects.count() == PEOPLE
    assert not Event.objects.filter(source="pep", external_id="before").exists()


def test_reset_leaves_anything_else_alone(loaded: str) -> None:
    jenna = Distributor.objects.get(external_id="jenna")
    make.event(jenna, source="shop")
    with pytest.raises(CommandError, match="more than demo data, such as events from shop"):
        run("--reset")
    assert Distributor.objects.count() == PEOPLE


@pytest.mark.parametrize(
    ("made", "words"), [(make.distributor, "the distributor d"), (make.user, "the sign-in distributor")]
)
def test_reset_sees_other_people(made: object, words: str) -> None:
    made()  # type: ignore[operator]
    assert str(emptying.what_is_not_demo()).startswith(words)
    with pytest.raises(CommandError, match="Nothing was emptied"):
        run("--reset")


def test_other_peoples_database_is_refused(data_folder: Path) -> None:
    make.distributor()
    with pytest.raises(CommandError, match="holds other distributors"):
        run()
    assert Distributor.objects.count() == 1


def test_half_a_company_is_not_taken_for_a_whole_one(data_folder: Path) -> None:
    demo.load(seed=1, distributors=demo.CAST, as_of=timezone.now())
    with pytest.raises(CommandError, match="in part only"):
        run()


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--distributors", "3"], "at least 11"),
        (["--limit", "5"], "--limit is for --data complete-journey"),
        (["--as-of", "yesterday"], "is not a moment"),
        (["--as-of", "2999-01-01"], "is in the future"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_emptied(loaded: str, args: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run("--reset", *args)
    assert Distributor.objects.count() == PEOPLE


AS_OF = datetime(2026, 8, 27, 15, tzinfo=UTC)


def test_the_same_seed_and_moment_make_the_same_events() -> None:
    first, second = (list(demo.events(seed=7, distributors=PEOPLE, as_of=AS_OF)) for _ in range(2))
    assert first == second
    assert first != list(demo.events(seed=8, distributors=PEOPLE, as_of=AS_OF))
    ids = [one["id"] for one in first]
    assert len(ids) == len(set(ids))
    assert max(one["time"] for one in first) <= AS_OF


def test_every_event_is_accepted_one_by_one_too() -> None:
    demo.found()
    told = list(demo.events(seed=1, distributors=demo.CAST, as_of=AS_OF))
    assert {verdict.status for verdict in accept(told, received_at=AS_OF)} == {201}


def test_the_field_is_skewed_and_its_tree_is_sound() -> None:
    people = demo.sellers(seed=1, distributors=500, as_of=AS_OF)
    joined = {one.external_id: one.joined_at for one in people}
    assert len(joined) == 500
    assert all(one.sponsor is None or joined[one.sponsor] <= one.joined_at for one in people)
    markets = {one.external_id: one.place.code for one in people}
    assert all(one.sponsor is None or markets[one.sponsor] == one.place.code for one in people)
    sizes = sorted((one.customers for one in people), reverse=True)
    assert sum(sizes[:100]) > 0.4 * sum(sizes)
    assert all(one.joined_at <= AS_OF + timedelta(0) for one in people)


def test_tables_emptied_are_all_that_refer_to_each_other(loaded: str) -> None:
    emptying.empty()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM distributors_event")
        assert cursor.fetchone() == (0,)
    assert not User.objects.exists()
