"""Her rank is what events report: the newest by time counts, in whatever order they arrive."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from distributors import bulk, demo, event_files, ingest
from distributors.demo import ranks
from distributors.models import Distributor, FeatureMark, Role
from distributors.openapi import EVENT
from tests import factories as make

from .test_ingest import accept, event

pytestmark = pytest.mark.django_db


@pytest.fixture
def jenna() -> Distributor:
    return make.distributor(external_id="jenna")


def reached(rank: object, id: str, time: str, subject: str = "jenna") -> dict[str, Any]:
    return event("rank.reached", id, time, subject, rank=rank)


BRONZE = reached("Bronze", "r-1", "2026-03-01T10:00:00Z")
SILVER = reached("Silver", "r-2", "2026-05-01T10:00:00Z")
GOLD = reached("Gold", "r-3", "2026-08-01T10:00:00Z")


def rank_of(one: Distributor) -> str:
    one.refresh_from_db()
    return one.rank


def test_it_works(jenna: Distributor) -> None:
    assert jenna.rank == ""
    [verdict] = accept(BRONZE)
    assert verdict.status == 201
    assert rank_of(jenna) == "Bronze"
    accept(SILVER)
    assert rank_of(jenna) == "Silver"


@pytest.mark.parametrize("arrival", list(permutations([BRONZE, SILVER, GOLD])))
def test_a_late_event_does_not_take_away_a_newer_rank(jenna: Distributor, arrival: tuple[dict[str, Any], ...]) -> None:
    for one in arrival:
        accept(one)
        accept(one)
    assert rank_of(jenna) == "Gold"


def test_of_one_moment_the_last_by_source_and_id_counts(jenna: Distributor) -> None:
    twin = reached("Platinum", "r-4", "2026-08-01T10:00:00Z")
    accept(twin, GOLD)
    assert rank_of(jenna) == "Platinum"


def test_a_step_down_counts_too(jenna: Distributor) -> None:
    accept(GOLD, reached("Silver", "r-5", "2026-08-20T10:00:00Z"))
    assert rank_of(jenna) == "Silver"


def test_nobody_elses(jenna: Distributor) -> None:
    other = make.distributor(external_id="ola")
    accept(GOLD)
    assert (rank_of(jenna), rank_of(other)) == ("Gold", "")


def test_a_file_of_many(jenna: Distributor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distributors.storing.WORTH_COPYING", 2)
    others = [make.distributor(external_id=f"d-{n}") for n in range(3)]
    told = [
        reached(rank, f"{one.external_id}-{rank}", time, one.external_id)
        for one in others
        for rank, time in (("Gold", "2026-08-01T10:00:00Z"), ("Bronze", "2026-02-01T10:00:00Z"))
    ]
    assert ingest.bulk(told, received_at=make.NOW).stored == 6
    assert {rank_of(one) for one in others} == {"Gold"}


def test_a_rebuild_says_the_same_and_puts_right(jenna: Distributor) -> None:
    accept(GOLD, BRONZE, SILVER)
    by_hand = make.distributor(external_id="hanna", rank="Nobility")
    assert ingest.rebuild(check=True).ranks == 1, "a rank that no event reports"
    assert rank_of(by_hand) == "Nobility", "--check writes nothing"
    ingest.rebuild()
    assert (rank_of(jenna), rank_of(by_hand)) == ("Gold", "")
    assert ingest.rebuild(check=True).equal


def test_rows_that_hold_a_rank_are_made_again(jenna: Distributor) -> None:
    FeatureMark.objects.all().delete()
    accept(GOLD)
    assert FeatureMark.objects.filter(distributor_id=jenna.pk).exists()


def test_a_csv_has_a_column_for_it(jenna: Distributor) -> None:
    lines = ["id,source,type,subject,time,rank", "r-9,office,rank.reached,jenna,2026-08-01T10:00:00Z,Senior Director"]
    assert not bulk.bulk_numbered(event_files.read_csv(lines), received_at=make.NOW).failed
    assert rank_of(jenna) == "Senior Director"


@pytest.mark.parametrize("rank", [None, "", " Gold", "G" * 41, "Go\nld", 3, ["Gold"]])
def test_what_is_no_rank_is_refused(jenna: Distributor, rank: object) -> None:
    [verdict] = accept(reached(rank, "r-1", "2026-08-01T10:00:00Z"))
    assert verdict.status == 422
    assert "data.rank" in verdict.body["detail"]
    assert rank_of(jenna) == ""


def test_the_api_describes_it() -> None:
    assert "rank.reached" in EVENT["properties"]["type"]["enum"]
    assert "rank.reached {rank}" in EVENT["properties"]["data"]["description"]


def test_hq_and_operators_read_it_and_nobody_writes_it(jenna: Distributor, client: Client) -> None:
    accept(GOLD)
    client.force_login(make.user(Role.OPERATOR))
    path = reverse("admin:distributors_distributor_change", args=[jenna.pk])
    assert "Gold" in client.get(path).text
    form = {"name": "Jenna R", "market": jenna.market_id, "left_on": "", "rank": "Diamond"}
    assert client.post(path, form).status_code == 302
    assert rank_of(jenna) == "Gold"
    assert jenna.name == "Jenna R"
    client.force_login(make.user(Role.HQ_VIEWER))
    assert "Gold" in client.get(reverse("admin:distributors_distributor_changelist")).text


def test_the_demo_tells_ranks_that_sales_reached() -> None:
    told = list(demo.events(seed=1, distributors=40, as_of=make.NOW))
    sold: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    level = {one.external_id: one.place.level for one in demo.sellers(seed=1, distributors=40, as_of=make.NOW)}
    for one in told:
        if one["type"] == "order.placed":
            sold[one["subject"], f"{one['time']:%Y-%m}"] += Decimal(one["data"]["amount"]) / level[one["subject"]]
    best = {who: max((at for (w, _m), at in sold.items() if w == who), default=Decimal(0)) for who, _month in sold}
    reached = {(one["subject"], one["data"]["rank"]) for one in told if one["type"] == "rank.reached"}
    assert {rank for _who, rank in reached} >= {"Bronze", "Silver"}
    for threshold, rank in ranks.PLAN:
        assert {who for who, name in reached if name == rank} == {
            who for who, most in best.items() if most >= threshold
        }
    assert not demo.load(seed=1, distributors=demo.CAST, as_of=make.NOW).failed
    assert Distributor.objects.get(external_id="jenna").rank == "Silver"
    assert ingest.rebuild(check=True).equal
