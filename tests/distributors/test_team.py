from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from distributors.models import Distributor
from distributors.records import NEVER
from distributors.team import can_view, care_details, downline_ids, recruits_needing_care
from distributors.timing import NEW_RECRUIT, Reason
from tests import factories as make

from .measures import measure

pytestmark = pytest.mark.django_db

THURSDAY = datetime(2026, 8, 27, 15, 0, tzinfo=UTC)
TODAY = date(2026, 8, 27)


@pytest.fixture
def tree() -> dict[str, Distributor]:
    top = make.distributor(name="Top")
    left, right = (make.distributor(name=name, sponsor=top) for name in ("Left", "Right"))
    leaf = make.distributor(name="Leaf", sponsor=left)
    return {"top": top, "left": left, "right": right, "leaf": leaf}


def test_it_works(tree: dict[str, Distributor]) -> None:
    assert downline_ids(tree["top"]) == {tree[name].pk for name in ("left", "right", "leaf")}
    assert downline_ids(tree["left"]) == {tree["leaf"].pk}
    assert downline_ids(tree["leaf"]) == set()


@pytest.mark.parametrize(
    ("viewer", "other", "may"),
    [
        ("top", "leaf", True), ("top", "top", True), ("left", "leaf", True),
        ("leaf", "left", False), ("left", "right", False), ("right", "leaf", False), ("left", "top", False),
    ],
)  # fmt: skip
def test_who_may_look_at_whom(tree: dict[str, Distributor], viewer: str, other: str, may: bool) -> None:
    assert can_view(tree[viewer], tree[other]) is may


def test_a_moved_person_is_seen_by_the_new_upline_only(tree: dict[str, Distributor]) -> None:
    Distributor.objects.filter(pk=tree["leaf"].pk).update(sponsor=tree["right"])
    assert can_view(tree["right"], tree["leaf"])
    assert not can_view(tree["left"], tree["leaf"])


def test_a_loop_in_the_data_ends(tree: dict[str, Distributor]) -> None:
    Distributor.objects.filter(pk=tree["top"].pk).update(sponsor=tree["leaf"])
    assert downline_ids(tree["top"]) == {tree[name].pk for name in ("left", "right", "leaf")}
    assert not can_view(make.distributor(), tree["leaf"])


def test_a_deep_line_is_one_query(django_assert_num_queries: Callable) -> None:
    top = last = make.distributor()
    for _ in range(100):
        last = make.distributor(sponsor=last)
    with django_assert_num_queries(1):
        assert len(downline_ids(top)) == 100
    with django_assert_num_queries(1):
        assert can_view(top, last)


def test_new_recruits_without_an_order(tree: dict[str, Distributor]) -> None:
    Distributor.objects.filter(pk=tree["left"].pk).update(joined_on=TODAY - timedelta(days=24))
    [care] = recruits_needing_care(tree["top"], as_of=THURSDAY)
    assert (care.recruit, care.reason) == (tree["left"], "new_recruit")
    assert care.facts == {
        "days_since_joined": 24,
        "joined_on": date(2026, 8, 3),
        "first_days_end_on": date(2026, 9, 2),
        "orders": 0,
    }
    measure(tree["left"], "orders", TODAY, 1)
    assert recruits_needing_care(tree["top"], as_of=THURSDAY) == []


@pytest.mark.parametrize(("days", "needs"), [(2, False), (3, True), (30, True), (31, False)])
def test_the_first_thirty_days(tree: dict[str, Distributor], days: int, needs: bool) -> None:
    Distributor.objects.filter(pk=tree["left"].pk).update(joined_on=TODAY - timedelta(days=days))
    assert bool(recruits_needing_care(tree["top"], as_of=THURSDAY)) is needs


@pytest.mark.parametrize(("days", "needs"), [(27, False), (28, True), (83, True), (84, False)])
def test_quiet_after_orders(tree: dict[str, Distributor], days: int, needs: bool) -> None:
    measure(tree["right"], "orders", TODAY - timedelta(days=days), 3)
    found = recruits_needing_care(tree["top"], as_of=THURSDAY)
    assert [care.reason for care in found] == (["quiet_recruit"] if needs else [])
    if needs:
        assert found[0].facts["days_since_order"] == days
        assert found[0].facts["orders_before"] == 3


def test_grandchildren_and_people_who_left_are_not_hers_to_call(tree: dict[str, Distributor]) -> None:
    Distributor.objects.filter(pk=tree["leaf"].pk).update(joined_on=TODAY - timedelta(days=24))
    assert recruits_needing_care(tree["top"], as_of=THURSDAY) == []
    assert len(recruits_needing_care(tree["left"], as_of=THURSDAY)) == 1
    Distributor.objects.filter(pk=tree["leaf"].pk).update(left_on=TODAY)
    assert recruits_needing_care(tree["left"], as_of=THURSDAY) == []


def test_queries_are_pinned(tree: dict[str, Distributor], django_assert_num_queries: Callable) -> None:
    for _ in range(10):
        measure(make.distributor(sponsor=tree["top"]), "orders", TODAY - timedelta(days=40), 1)
    recruits_needing_care(tree["top"], as_of=THURSDAY)  # makes her row
    with django_assert_num_queries(3):
        assert len(recruits_needing_care(tree["top"], as_of=THURSDAY)) == 10


def test_the_most_pressing_first(tree: dict[str, Distributor]) -> None:
    late, early, regular, rare = (make.distributor(sponsor=tree["top"], joined_on=TODAY) for _ in range(4))
    Distributor.objects.filter(pk=late.pk).update(joined_on=TODAY - timedelta(days=30))
    Distributor.objects.filter(pk=early.pk).update(joined_on=TODAY - timedelta(days=3))
    for week in range(8):
        measure(regular, "orders", TODAY - timedelta(days=28 + 7 * week), 2)
    measure(rare, "orders", TODAY - timedelta(days=83), 1)
    found = recruits_needing_care(tree["top"], as_of=THURSDAY)
    assert [(care.recruit, round(care.score, 4)) for care in found] == [
        (late, 0.8), (regular, 0.6), (early, 0.53), (rare, 0.3375),
    ]  # fmt: skip


def test_details_are_of_her_own_recruits(tree: dict[str, Distributor], django_assert_num_queries: Callable) -> None:
    Distributor.objects.filter(pk=tree["left"].pk).update(joined_on=TODAY - timedelta(days=24))
    top = Distributor.objects.with_market().get(pk=tree["top"].pk)
    wanted = [Reason(tree[name].pk, NEW_RECRUIT, 0, 0.7, NEVER, NEVER) for name in ("leaf", "left")]
    with django_assert_num_queries(1):
        stranger, left = care_details(top, wanted, as_of=THURSDAY)
    assert stranger is None and left is not None and left.facts["days_since_joined"] == 24
    with django_assert_num_queries(0):
        assert care_details(top, [], as_of=THURSDAY) == []
