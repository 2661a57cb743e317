"""One line a request and a task, with an id and a number for the person, and nothing personal."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from distributors.models import Role
from pep import logs

from .. import factories as make

PERSONAL = {
    "name": "Theodora", "email": "theodora@example.com", "phone": "5550142", "search": "theodora-search", "ip": "203.0.113.7",
}  # fmt: skip


class Lines(io.StringIO):
    def parsed(self, event: str = "") -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.getvalue().splitlines()]
        return [line for line in found if not event or line["event"] == event]


@pytest.fixture
def written() -> Iterator[Lines]:
    """What the JSON configuration writes, through the very handler of the settings."""
    from logging.config import dictConfig

    from django.conf import settings

    dictConfig(logs.config(as_json=True))
    handler = next(h for h in logging.getLogger().handlers if type(h) is logging.StreamHandler)
    lines = Lines()
    handler.setStream(lines)
    yield lines
    dictConfig(settings.LOGGING)


@pytest.fixture
def client() -> Client:
    return Client(REMOTE_ADDR=PERSONAL["ip"], HTTP_USER_AGENT="A browser of Theodora")


@pytest.mark.django_db
def test_it_works(client: Client, written: Lines) -> None:
    user = make.user(email=PERSONAL["email"], name=PERSONAL["name"])
    customer = make.customer(make.distributor(user=user, name=PERSONAL["name"]), phone=PERSONAL["phone"])
    client.force_login(user)
    response = client.get(f"/people/{customer.pk}/", {"q": PERSONAL["search"]})
    [line] = written.parsed("request")
    assert {name: line[name] for name in ("method", "route", "status", "user_id", "level", "request_id")} == {
        "method": "GET", "route": "people/<int:pk>/", "status": 200, "user_id": user.pk, "level": "info",
        "request_id": response["X-Request-ID"],
    }  # fmt: skip
    assert line["ms"] >= 0
    assert set(line) == {
        "method",
        "route",
        "status",
        "ms",
        "user_id",
        "event",
        "level",
        "logger",
        "request_id",
        "timestamp",
    }


@pytest.mark.django_db
def test_nothing_personal(client: Client, written: Lines) -> None:
    user = make.user(email=PERSONAL["email"], name=PERSONAL["name"])
    make.distributor(user=user, name=PERSONAL["name"])
    client.post(reverse("account_login"), {"login": PERSONAL["email"], "password": "not her password"})
    client.force_login(user)
    client.get("/people/", {"q": PERSONAL["search"]})
    client.post("/people/", {"name": PERSONAL["name"], "phone": PERSONAL["phone"]})
    client.get(f"/nothing/{PERSONAL['search']}/")
    client.get(f"/accounts/password/reset/key/1-{PERSONAL['search']}/")
    Client(enforce_csrf_checks=True, REMOTE_ADDR=PERSONAL["ip"]).post("/people/", {"name": PERSONAL["name"]})
    text = written.getvalue()
    assert len(written.parsed("request")) == len(written.parsed()) == 6
    assert [said for said in PERSONAL.values() if said.lower() in text.lower()] == []


@pytest.mark.django_db
def test_an_error_says_where_and_not_about_whom(client: Client, written: Lines) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO distributors_user (email) VALUES (%s)", [PERSONAL["email"]])
        return HttpResponse()

    request = RequestFactory().get("/", {"q": PERSONAL["search"]})
    middleware = logs.RequestLog(lambda _request: HttpResponse(status=500))
    middleware.prepare(request)
    with pytest.raises(IntegrityError) as raised:
        view(request)
    middleware._process_exception(request, raised.value)
    middleware.handle_response(request, HttpResponse(status=500))
    [line] = written.parsed("request")
    assert line["level"] == "error"
    assert "IntegrityError" in line["exception"]
    assert "test_logging.py" in line["exception"]
    assert PERSONAL["email"] not in written.getvalue()


@pytest.mark.parametrize(
    ("asked", "kept"), [("a1b2c3d4-e5f6", True), ("short", False), ("x" * 65, False), ("a@b.example", False)]
)
@pytest.mark.django_db
def test_a_sane_request_id_is_kept(asked: str, kept: bool, client: Client, written: Lines) -> None:
    response = client.get("/health/live", headers={"X-Request-ID": asked})
    assert (response["X-Request-ID"] == asked) is kept
    assert written.parsed("request")[0]["request_id"] == response["X-Request-ID"]


@pytest.mark.django_db
def test_the_log_asks_the_database_nothing(client: Client, django_assert_num_queries: Any) -> None:
    client.force_login(make.user(Role.OPERATOR))
    with django_assert_num_queries(0):
        client.get("/health/live")


def test_a_task_has_a_first_and_a_last_line(written: Lines) -> None:
    task = {"id": "t1", "func": "activities.ranking.freezing.freeze", "args": (PERSONAL["email"],)}
    logs.task_started(task)
    logs.task_finished({**task, "success": True, "result": None})
    first, last = written.parsed()
    assert (first["event"], last["event"], last["success"]) == ("task started", "task finished", True)
    assert first["task"] == last["task"] == "activities.ranking.freezing.freeze"
    assert PERSONAL["email"] not in written.getvalue()


def test_a_failed_task_says_where_and_not_about_whom(written: Lines) -> None:
    result = (
        f"Key (email)=({PERSONAL['email']}) : Traceback (most recent call last):\n"
        '  File "/app/activities/scales.py", line 12, in freeze\n    row.save()\n    ^^^^^^^^^^\n'
        f"django.db.utils.IntegrityError: duplicate\nDETAIL:  Key (email)=({PERSONAL['email']}) already exists.\n"
    )
    task = {"id": "t1", "func": "activities.ranking.freezing.freeze"}
    logs.task_started(task)
    logs.task_finished({**task, "success": False, "result": result})
    logging.getLogger("django-q").error("Failed 'activities.ranking.freezing.freeze' (t1) - %s", result)
    finished = written.parsed("task finished")[0]
    assert finished["exception"] == "django.db.utils.IntegrityError at /app/activities/scales.py:12"
    assert written.parsed("Failed 'activities.ranking.freezing.freeze' (t1)")
    assert PERSONAL["email"] not in written.getvalue()


def test_on_this_machine_it_is_for_reading() -> None:
    formatter = logs.config(as_json=False)["formatters"]["line"]
    assert type(formatter["processors"][-1]).__name__ == "ConsoleRenderer"
    logs.config(as_json=False)
