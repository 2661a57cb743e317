"""The KPI pages: all of them, one with its trend, one week down to its events; and the form that defines one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django_q.models import OrmQ

from distributors import ingest
from distributors.models import Distributor, Role
from kpis import trends
from kpis.models import KPI, KPIWeek
from tests import factories as make
from tests.distributors.measures import measure
from tests.distributors.orders import order
from tests.pages import now, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
__all__ = ["now"]

FIRST, LAST = date(2026, 8, 17), date(2026, 8, 23)


@pytest.fixture
def hq() -> Client:
    return of_role(Role.HQ_EDITOR)


def of_role(role: Role) -> Client:
    client = Client()
    client.force_login(make.user(role))
    return client


@pytest.fixture
def repeat() -> Iterator[KPI]:
    """Theodora's customers: of two first orders one was followed by another."""
    make.product_line("eye", name="Eye line")
    seller = make.distributor(name="Theodora Sells")
    for n in range(2):
        customer = make.customer(seller, name=f"Penelope {n}")
        for gap in (0, 20)[: n + 1]:
            day = LAST - timedelta(days=63 - gap)
            ingest.record(
                type="order.placed", distributor=seller, customer=customer, external_id=f"o{n}.{gap}", source="shop",
                time=datetime(day.year, day.month, day.day, 15, tzinfo=UTC),
                data={"currency": "USD", "amount": "34", "lines": []},
            )  # fmt: skip
    kpi = make.kpi(name="Repeat customers", metric="repeat_rate", target=30, owner="Product")
    trends.compute(make.NOW)
    yield kpi


def week_url(kpi: KPI, first: date = FIRST, of: int | None = None) -> str:
    market = make.market()
    path = reverse("kpi_week", args=[kpi.pk, market.pk, first.isoformat()])
    return path if of is None else f"{path}?of={of}"


def test_it_works(hq: Client, repeat: KPI) -> None:
    listed = words(hq.get(reverse("kpi_list")))
    for said in ("Repeat customers", "50%", "30%", "on target", "Product", "no new event for 36 hours"):
        assert said in listed
    page = words(hq.get(reverse("kpi_page", args=[repeat.pk])))
    for said in ("60 to 66 days", "Repeat orders", "Target 30%", week_url(repeat)):
        assert said in page
    week = hq.get(week_url(repeat))
    assert (week.context["total"].said, week.context["total"].over, week.context["total"].under) == ("50%", "1", "2")
    seller = Distributor.objects.get()
    assert f"?of={seller.pk}" in words(week)
    events = words(hq.get(week_url(repeat, of=seller.pk)))
    for said in ("shop", "o0.0", "o1.0", "o1.20", "order.placed", "#1", "#2"):
        assert said in events


def test_no_page_names_a_customer(hq: Client, repeat: KPI) -> None:
    seller = Distributor.objects.get()
    paths = (
        reverse("kpi_list"),
        reverse("kpi_page", args=[repeat.pk]),
        week_url(repeat),
        week_url(repeat, of=seller.pk),
    )
    for path in paths:
        assert "Penelope" not in words(hq.get(path))


def test_a_week_adds_up_to_its_trend(hq: Client, repeat: KPI) -> None:
    week = hq.get(week_url(repeat)).context
    stored = repeat.weeks.get(first=FIRST)
    rows = week["rows"]
    assert sum(row.share.numerator for row in rows) == stored.numerator == 1
    assert sum(row.share.denominator for row in rows) == stored.denominator == 2
    one = hq.get(week_url(repeat, of=rows[0].share.distributor)).context
    assert sum(row.event.numerator for row in one["rows"]) == rows[0].share.numerator
    assert sum(row.event.denominator for row in one["rows"]) == rows[0].share.denominator
    assert one["remainder"] is None


def test_a_figure_that_has_moved_since_is_told(hq: Client, repeat: KPI) -> None:
    order(make.customer(make.distributor()), LAST - timedelta(days=63))
    week = hq.get(week_url(repeat))
    assert week.context["total"].said == "33%"
    assert "The trend shows 50%" in words(week)


def test_only_the_largest_are_listed(hq: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("kpis.views.kpi_pages.MOST", 2)
    for value in (5, 50, 20):
        measure(make.distributor(), "sales", LAST, value)
    kpi = make.kpi(metric="sales")
    page = hq.get(week_url(kpi))
    assert [row.over for row in page.context["rows"]] == ["$50", "$20"]
    assert "The largest 2 are listed; 1 more count." in words(page)
    assert "All 3 people" in words(page)


@pytest.mark.parametrize("first", ["2026-08-18", "2026-08-24", "2026-08-31", "1900-01-01", "nonsense", "0001-01-01"])
def test_a_day_that_starts_no_week_that_is_over_is_not_there(hq: Client, first: str) -> None:
    path = reverse("kpi_week", args=[make.kpi(metric="sales").pk, make.market().pk, first])
    assert hq.get(path).status_code == 404


@pytest.mark.parametrize("of", ["", "x", "0", "99999999999999999999", "-1", "²"])
def test_nobody_is_not_there(hq: Client, of: str) -> None:
    assert hq.get(f"{week_url(make.kpi(metric='sales'))}?of={of}").status_code == 404


def test_another_market_is_not_there(hq: Client) -> None:
    de = make.market("de", currency="EUR")
    assert hq.get(week_url(make.kpi(metric="sales", market=de))).status_code == 404
    stranger = make.distributor(market=de)
    assert hq.get(week_url(make.kpi(metric="sales"), of=stranger.pk)).status_code == 404


def test_money_is_shown_by_currency(hq: Client) -> None:
    for code, currency, value in (("us", "USD", 40), ("de", "EUR", 30)):
        seller = make.distributor(market=make.market(code, currency=currency, name=code.upper()))
        measure(seller, "sales", LAST, value)
    kpi = make.kpi(metric="sales")
    trends.compute(make.NOW)
    page = hq.get(reverse("kpi_page", args=[kpi.pk]))
    assert [one.name for one in page.context["together"]] == ["DE", "US"]
    assert page.context["by_market"] == []
    assert {figure for _label, figures in page.context["now"][:1] for figure in figures} == {"EUR\xa030", "USD\xa040"}


def test_several_markets_have_a_line_each(hq: Client) -> None:
    for code in ("us", "de"):
        make.distributor(market=make.market(code, name=code.upper()))
    kpi = make.kpi(metric="adoption", target=30)
    trends.compute(make.NOW)
    page = hq.get(reverse("kpi_page", args=[kpi.pk]))
    assert [one.name for one in page.context["together"] + page.context["by_market"]] == ["All markets", "DE", "US"]


def test_campaigns_that_weigh_it(hq: Client, repeat: KPI) -> None:
    live, ended, dropped = (make.campaign(name=name) for name in ("Live one", "Ended one", "Dropped it"))
    make.priority_version(live, {repeat: 40, make.kpi(metric="sales"): 60})
    make.priority_version(ended, {repeat: 100})
    make.priority_version(dropped, {repeat: 100})
    make.priority_version(dropped, {make.kpi(metric="orders"): 100})
    ended.status = "ended"
    ended.save()
    assert hq.get(reverse("kpi_page", args=[repeat.pk])).context["campaigns"] == [(live, 40)]


def test_a_kpi_that_waits_for_its_weeks(hq: Client) -> None:
    kpi = make.kpi(metric="adoption")
    assert "are being computed" in words(hq.get(reverse("kpi_page", args=[kpi.pk])))
    assert "not computed yet" in words(hq.get(reverse("kpi_list")))


def test_a_chart_in_german_keeps_its_points(hq: Client, repeat: KPI) -> None:
    page = words(hq.get(reverse("kpi_page", args=[repeat.pk]), headers={"Accept-Language": "de"}))
    assert 'cx="98,' not in page
    assert 'cx="98.5%"' in page


def test_queries_are_pinned(hq: Client, repeat: KPI, django_assert_num_queries: Callable) -> None:
    for metric in ("sales", "adoption"):
        make.kpi(metric=metric, market=make.market())
    trends.compute(make.NOW)
    campaign = make.campaign()
    make.priority_version(campaign, {repeat: 100})
    seller = Distributor.objects.get()
    for path, queries in (
        (reverse("kpi_list"), LIST),
        (reverse("kpi_page", args=[repeat.pk]), PAGE),
        (week_url(repeat), WEEK),
        (week_url(repeat, of=seller.pk), EVENTS),
    ):
        hq.get(path)
        with django_assert_num_queries(queries):
            hq.get(path)


#: Two of each are the session and its user.
LIST, PAGE, WEEK, EVENTS = 10, 10, 6, 7


# Roles


def test_only_editors_are_offered_the_forms(repeat: KPI) -> None:
    change = reverse("admin:kpis_kpi_change", args=[repeat.pk])
    for role, offered in ((Role.HQ_VIEWER, False), (Role.HQ_EDITOR, True), (Role.HQ_APPROVER, True)):
        client = of_role(role)
        assert (change in words(client.get(reverse("kpi_page", args=[repeat.pk])))) is offered
        assert ("ready-made" in words(client.get(reverse("kpi_list")))) is offered


@pytest.mark.parametrize("role", [Role.TRAINER, Role.OPERATOR, Role.INTEGRATOR, Role.DISTRIBUTOR, Role.LEADER])
def test_nobody_else_reads_them(role: Role, repeat: KPI) -> None:
    client = of_role(role)
    for path in (reverse("kpi_list"), reverse("kpi_page", args=[repeat.pk]), week_url(repeat)):
        assert client.get(path).status_code == 404


def test_ready_made_kpis_are_added_by_an_editor(hq: Client, django_capture_on_commit_callbacks: Any) -> None:
    make.product_line("eye", name="Eye line")
    assert "Add 11 ready-made KPIs" in words(hq.get(reverse("kpi_list")))
    with django_capture_on_commit_callbacks(execute=True):
        assert hq.post(reverse("kpi_ready")).headers["Location"] == reverse("kpi_list")
    assert KPI.objects.count() == 11
    assert OrmQ.objects.count() == 1
    assert "ready-made" not in words(hq.get(reverse("kpi_list")).content and hq.get(reverse("kpi_list")))
    assert of_role(Role.HQ_VIEWER).post(reverse("kpi_ready")).status_code == 404


# The form


def sent(**changed: object) -> dict[str, object]:
    return {
        "name": "Repeat customers, eye line", "metric": "repeat_rate", "scope": "eye", "market": "", "segment": "",
        "direction": 1, "target": "30", "focus": "repeat orders of the eye line", "focus_by_language_0": "",
        "focus_by_language_1": "", "owner": "Product", **changed,
    }  # fmt: skip


def test_a_rate_is_defined_by_the_form(hq: Client) -> None:
    make.product_line("eye")
    hq.post(reverse("admin:kpis_kpi_add"), sent())
    kpi = KPI.objects.get()
    assert (kpi.metric, kpi.scope, kpi.target, kpi.key) == ("repeat_rate", "eye", 30, "repeat_orders:eye")


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"target": "101"}, "target", "from 0 to 100"),
        ({"target": "-1"}, "target", "0 or more"),
        ({"metric": "adoption"}, "scope", "not counted by product line"),
        ({"metric": "enrolments"}, "scope", "not counted by product line"),
        ({"metric": "sales", "scope": ""}, "target", "needs one currency"),
        ({"metric": "revenue"}, "metric", "not one of the available choices"),
    ],
)
def test_what_cannot_be_is_explained(hq: Client, changed: dict[str, object], field: str, sentence: str) -> None:
    make.product_line("eye")
    make.market()
    make.market("de", currency="EUR")
    response = hq.post(reverse("admin:kpis_kpi_add"), sent(**changed))
    assert sentence in str(response.context["adminform"].form.errors[field])
    assert not KPI.objects.exists()


def test_money_of_one_market_may_have_a_target(hq: Client) -> None:
    make.market("de", currency="EUR")
    response = hq.post(
        reverse("admin:kpis_kpi_add"), sent(metric="sales", scope="", market=make.market().pk, target="500")
    )
    assert KPI.objects.get().target == Decimal(500)
    assert response["Location"] == reverse("kpi_page", args=[KPI.objects.get().pk])


def test_another_meaning_forgets_the_weeks_and_other_words_do_not(
    hq: Client, repeat: KPI, django_capture_on_commit_callbacks: Any
) -> None:
    path = reverse("admin:kpis_kpi_change", args=[repeat.pk])
    with django_capture_on_commit_callbacks(execute=True):
        hq.post(path, sent(scope="", target="40"))
    assert KPIWeek.objects.filter(kpi=repeat).count() == 26
    assert not OrmQ.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        hq.post(path, sent(scope="eye", target="40"))
    assert (KPIWeek.objects.filter(kpi=repeat).count(), OrmQ.objects.count()) == (0, 1)


def test_what_a_published_version_weighs_stays_what_it_is(hq: Client, repeat: KPI) -> None:
    """Or the field would be ranked by another figure than the one that was approved."""
    make.product_line("eye")
    make.priority_version(make.campaign(), {repeat: 100})
    path, key = reverse("admin:kpis_kpi_change", args=[repeat.pk]), repeat.key
    assert "A published version weighs it" in hq.get(path).text
    hq.post(path, sent(metric="adoption", scope="", direction="-1", target="45"))
    repeat.refresh_from_db()
    assert (repeat.key, repeat.direction, repeat.target) == (key, 1, Decimal(45))
    response = hq.post(path, sent(target="101"))
    assert "from 0 to 100" in str(response.context["adminform"].form.errors["target"])
