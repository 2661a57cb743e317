"""GET /api/v1/distributors/{external id}/feed answers what the page shows."""

from __future__ import annotations

import pytest
import time_machine
from django.test import Client

from activities import recommend
from distributors.models import ApiKey
from tests import factories as f
from tests.activities.stage import stage

pytestmark = pytest.mark.django_db

URL = "/api/v1/distributors/jenna/feed"


@pytest.fixture
def key() -> str:
    return ApiKey.issue(name="shop", scopes=["feed:read"])[1]


def get(key: str, url: str = URL):
    return Client().get(url, headers={"authorization": f"Bearer {key}"})


@time_machine.travel(f.NOW, tick=False)
def test_it_works(key: str) -> None:
    jenna = stage()
    answer = get(key).json()
    feed = recommend.feed(jenna, as_of=f.NOW, log=False)
    assert [card["key"] for card in answer["cards"]] == [card.key for card in feed.cards]
    week = answer["goals"][0]
    assert (week["metric"], week["period"], week["value"], week["target"], week["left"], week["percent"]) == (
        "sales", "week", "187.50", "250.00", "62.50", 75,
    )  # fmt: skip
    assert (week["first"], week["last"], week["currency"]) == ("2026-08-24", "2026-08-30", "USD")
    month = answer["goals"][1]
    assert (month["target"], month["currency"], month["unit"]) == ("3", None, "count")
    maria = next(card for card in answer["cards"] if card["activity"] == "eye-refill-video")
    assert maria["customer"] == jenna.customers.get(name="Maria Ruiz").external_id
    assert maria["why"].startswith("Maria bought Lumen Palette once, 34 days ago.")
    for card in answer["cards"]:
        assert abs(sum(card["terms"].values()) - card["score"]) < 1e-9
        assert 0 < card["propensity"] <= 1
    assert set(answer["versions"]) == {"kpi", "scales", "catalogue", "effects", "rules"}


def test_an_unknown_person_is_404(key: str) -> None:
    answer = get(key)
    assert (answer.status_code, answer.json()) == (404, {"detail": "There is no distributor with this id."})


def test_somebody_who_left_is_404(key: str) -> None:
    f.distributor(external_id="jenna", left_on=f.TODAY)
    assert get(key).status_code == 404


def test_without_a_key_it_is_401_and_with_another_scope_403() -> None:
    f.distributor(external_id="jenna")
    assert Client().get(URL).status_code == 401
    assert get(ApiKey.issue(name="writer", scopes=["events:write"])[1]).status_code == 403
