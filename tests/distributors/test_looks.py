"""Looks: each written once, hers to read, nobody's to change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from distributors import looks
from distributors.models import Distributor, Look, Role, User
from tests import factories as make
from tests.pages import now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now

TODAY, WHY = Look.Page.TODAY, Look.Page.WHY
MINUTE = timedelta(minutes=1)


@pytest.fixture
def dora() -> Distributor:
    return make.distributor(name="Dora Winter")


def hq(role: Role = Role.HQ_EDITOR, name: str = "Renata Moss") -> User:
    return make.user(role, name=name)


def test_it_works(dora: Distributor) -> None:
    looks.looked(dora, by=hq(), page=TODAY, as_of=make.NOW)
    text = words(signed_in(dora).get(reverse("you")))
    assert "Who looked at your pages" in text and "Nobody has looked at your pages." not in text
    assert "Your Today" in text and "Renata Moss, HQ" in text
    assert "27 August 2026, 11:00" in text, "on her clock"


def test_nobody_has_looked(dora: Distributor) -> None:
    looks.looked(make.distributor(), by=hq(), page=TODAY, as_of=make.NOW)
    text = words(signed_in(dora).get(reverse("you")))
    assert "Nobody has looked at your pages." in text and "Renata" not in text


def test_again_within_a_minute_is_the_same_look(dora: Distributor) -> None:
    viewer = hq()
    for seconds in (0, 1, 59):
        looks.looked(dora, by=viewer, page=TODAY, as_of=make.NOW + timedelta(seconds=seconds))
    assert Look.objects.count() == 1
    looks.looked(dora, by=viewer, page=WHY, as_of=make.NOW)
    looks.looked(dora, by=hq(), page=TODAY, as_of=make.NOW)
    looks.looked(make.distributor(), by=viewer, page=TODAY, as_of=make.NOW)
    looks.looked(dora, by=viewer, page=TODAY, as_of=make.NOW + MINUTE)
    assert Look.objects.count() == 5


def test_the_newest_twenty(dora: Distributor) -> None:
    viewer = hq()
    for n in range(25):
        looks.looked(dora, by=viewer, page=WHY, as_of=make.NOW + n * MINUTE)
    found = looks.lines(dora)
    assert len(found) == 20
    assert (found[0].when, found[-1].when) == ("27 August 2026, 11:24", "27 August 2026, 11:05")
    assert found[0].page == "Why your list is as it is"


def test_who(dora: Distributor) -> None:
    assert looks.who(hq(Role.HQ_VIEWER)) == "Renata Moss, HQ"
    assert looks.who(hq(Role.TRAINER, "Tara Lind")) == "Tara Lind, Trainer"
    assert looks.who(None) == "Somebody at HQ who has left"


def test_whoever_leaves_hq_does_not_take_the_look_with_her(dora: Distributor) -> None:
    viewer = hq()
    looks.looked(dora, by=viewer, page=TODAY, as_of=make.NOW)
    viewer.delete()
    assert [one.who for one in looks.lines(dora)] == ["Somebody at HQ who has left"]


@pytest.mark.parametrize("change", [{"page": WHY}, {"at": make.NOW - timedelta(days=1)}, {"viewer": "other"}])
def test_nobody_changes_a_look(change: dict[str, Any], dora: Distributor) -> None:
    looks.looked(dora, by=hq(), page=TODAY, as_of=make.NOW)
    if "viewer" in change:
        change = {"viewer": hq()}
    with pytest.raises(DatabaseError), transaction.atomic():
        Look.objects.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        Look.objects.all().delete()
    assert Look.objects.get().page == TODAY


def test_one_query(dora: Distributor, django_assert_num_queries: Any) -> None:
    for n in range(3):
        looks.looked(dora, by=hq(), page=TODAY, as_of=make.NOW + n * MINUTE)
    with django_assert_num_queries(1):
        assert len(looks.lines(dora)) == 3
