"""/health/live asks nobody; /health/ready names what is missing."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from pep import supervision, views
from pep.models import Heartbeat

pytestmark = pytest.mark.django_db


def test_it_works(client):
    supervision.beat()
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"database": "ok", "migrations": "ok", "worker": "ok"}}


def test_live_asks_nobody(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/health/live").json() == {"status": "ok"}


def test_a_worker_never_seen(client):
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["worker"] == "never seen"


def test_a_silent_worker(client):
    Heartbeat.objects.create(name=supervision.SCHEDULE, at=timezone.now() - timedelta(minutes=4))
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["checks"]["worker"]) == (503, "silent")


def test_a_beat_that_only_the_supervisor_asked_for_is_not_the_scheduler(client):
    supervision.beat(supervision.WORKER)
    assert client.get("/health/ready").status_code == 503


def test_no_database(client, monkeypatch):
    def away():
        raise OperationalError

    monkeypatch.setattr(views, "migrated", away)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "unreachable")


def test_tables_of_another_release(client, monkeypatch):
    monkeypatch.setattr(views, "migrated", lambda: False)
    assert client.get("/health/ready").json()["checks"]["migrations"] == "unapplied"


def test_it_is_never_kept(client):
    assert "no-store" in client.get("/health/ready")["Cache-Control"]


@pytest.mark.parametrize("verb", ["post", "put", "delete"])
def test_only_read(client, verb):
    assert getattr(client, verb)("/health/live").status_code == 405
