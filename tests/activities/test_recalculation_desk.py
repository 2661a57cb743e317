"""The desk of recalculations: how far each run is, and what failed."""

from __future__ import annotations

import pytest
from django.urls import reverse

from activities.models import Chunk
from activities.ranking import recalculating
from distributors.models import Role
from tests import factories as make

from .test_recalculating import field, run, small  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    client.force_login(make.user(Role.OPERATOR))
    return client


def test_it_works(operator):
    field()
    done = run()
    page = operator.get(reverse("admin:activities_recalculation_changelist")).text
    assert "3 of 3 (100%)" in page
    page = operator.get(reverse("admin:activities_recalculation_change", args=[done.pk])).text
    assert "3 of 3 (100%)" in page


def test_not_all_is_never_a_hundred_percent(operator):
    made = recalculating.start("all", make.NOW, wake=False)
    Chunk.objects.bulk_create(
        Chunk(recalculation=made, first=i, last=i, state="done" if i else "waiting", finished_at=make.NOW)
        for i in range(300)
    )
    assert "299 of 300 (99%)" in operator.get(reverse("admin:activities_recalculation_changelist")).text


def test_what_failed_is_said(operator):
    field(1)
    made = recalculating.start("all", make.NOW, wake=False)
    made.chunks.update(state="parked", problem="It failed 3 times, at last with ValueError: no such line.")
    page = operator.get(reverse("admin:activities_recalculation_change", args=[made.pk])).text
    assert "at last with ValueError: no such line." in page


def test_the_list_asks_the_same_whatever_it_shows(operator, django_assert_max_num_queries):
    field(3)
    for _ in range(5):
        run()
    with django_assert_max_num_queries(12):
        operator.get(reverse("admin:activities_recalculation_changelist"))
