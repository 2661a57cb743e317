"""The ready-made KPIs, asked for twice at once: each is there once, and the second answer says that it added none."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from distributors.models import Role
from kpis import ready
from kpis.models import KPI
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_works() -> None:
    client = Client()
    client.force_login(make.user(Role.HQ_EDITOR))
    there = len(ready.missing())
    for added in (there, 0):
        response = client.post(reverse("kpi_ready"))
        assert response.status_code == 303
        assert f"{added} KPIs are added." in client.get(response["Location"]).text
    assert KPI.objects.count() == there > 0


def test_whoever_asks_second_waits_and_adds_none() -> None:
    together, added = Barrier(4), list[int]()

    def ask() -> None:
        try:
            together.wait()
            added.append(len(ready.add_missing()))
        finally:
            connection.close()

    there = len(ready.missing())
    threads = [Thread(target=ask) for _n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert sorted(added) == [0, 0, 0, there]
    assert KPI.objects.count() == there
