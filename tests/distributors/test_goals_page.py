from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from distributors.models import Distributor, Goal, Measure
from tests import factories as make
from tests.pages import HTMX, now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def dora() -> Distributor:
    dora = make.distributor()
    make.goal(dora)
    for weeks, sold in ((1, 300), (2, 100), (3, 250)):
        Measure.objects.create(distributor=dora, metric="sales", day=make.TODAY - timedelta(weeks=weeks), value=sold)
    return dora


def sent(**fields: str) -> dict[str, str]:
    return {"metric": "orders", "period": "month", "target": "12", "weight": "1.00"} | fields


def test_it_works(dora: Distributor) -> None:
    text = words(signed_in(dora).get(reverse("goals")))
    assert "Sales this week" in text and "<b>$0</b> of $250" in text
    assert "On goal 2 of the last 8 weeks." in text and text.count('class="v"') >= 2


def test_set_one(dora: Distributor) -> None:
    response = signed_in(dora).post(reverse("goal_add"), sent())
    assert (response.status_code, response["Location"]) == (303, reverse("goals"))
    goal = Goal.objects.get(metric="orders")
    assert (goal.target, goal.period, goal.distributor) == (Decimal(12), "month", dora)


def test_set_one_between_two_dates(dora: Distributor) -> None:
    dates = {"period": "campaign", "starts_on": "2026-08-27", "ends_on": "2026-09-30"}
    assert signed_in(dora).post(reverse("goal_add"), sent(**dates)).status_code == 303
    assert Goal.objects.get(metric="orders").ends_on.isoformat() == "2026-09-30"


def test_htmx_leaves_the_form_for_the_list(dora: Distributor) -> None:
    response = signed_in(dora).post(reverse("goal_add"), sent(), headers=HTMX)
    assert (response.status_code, response["HX-Redirect"]) == (204, reverse("goals"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"target": "0"}, "above 0"),
        ({"target": "lots"}, "Enter a number"),
        ({"target": ""}, "required"),
        ({"metric": "happiness"}, "valid choice"),
        ({"period": "campaign"}, "Choose a day"),
        ({"period": "campaign", "starts_on": "2026-09-30", "ends_on": "2026-09-01"}, "before the first"),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    dora: Distributor, wrong: dict[str, str], said: str, headers: dict[str, str]
) -> None:
    response = signed_in(dora).post(reverse("goal_add"), sent(**wrong), headers=headers)
    text = words(response)
    assert response.status_code == 422 and said in text and "data-summary" in text and 'role="alert"' in text
    assert ("<html" in text) == (not headers)
    if wrong.get("target"):
        assert f'value="{wrong["target"]}"' in text
    assert not Goal.objects.filter(metric="orders").exists()


def test_the_form_follows_the_metric(dora: Distributor) -> None:
    form = signed_in(dora).get(reverse("goal_add"), {"metric": "enrolments", "period": "campaign"}, headers=HTMX)
    text = words(form)
    assert "<html" not in text and 'name="scope"' not in text and 'name="starts_on"' in text


def test_a_suggestion_from_her_own_history(dora: Distributor) -> None:
    text = words(signed_in(dora).get(reverse("goal_add")))
    assert "in two of the last four weeks." in text


def test_change_one(dora: Distributor) -> None:
    goal = dora.goals.get()
    signed_in(dora).post(reverse("goal_edit", args=[goal.pk]), {"target": "310", "weight": "2.00"})
    changed = Goal.objects.running().get()
    assert (changed.target, changed.weight, changed.metric) == (Decimal(310), Decimal(2), "sales")


def test_end_one_keeps_it(dora: Distributor) -> None:
    goal = dora.goals.get()
    client = signed_in(dora)
    assert client.post(reverse("goal_end", args=[goal.pk])).status_code == 303
    assert not Goal.objects.running().exists() and Goal.objects.exists()
    assert "Start with one number" in words(client.get(reverse("goals")))


@pytest.mark.parametrize("name", ["goal_edit", "goal_end"])
def test_somebody_elses_is_not_there(dora: Distributor, name: str) -> None:
    url = reverse(name, args=[dora.goals.get().pk])
    stranger = signed_in(make.distributor())
    assert stranger.post(url, {"target": "1", "weight": "1.00"}).status_code == 404
    assert Goal.objects.running().filter(target=250).exists()
