"""POST /api/v1/events as an integrator meets it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from distributors import ingest
from distributors.models import ApiKey, Customer, Distributor, Event, Measure, Order
from tests import factories

URL = "/api/v1/events"
SINGLE, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


def order(id: str = "o-1001", **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "source": "shop", "id": id, "type": "order.placed", "subject": "jenna",
        "time": "2026-08-27T10:00:00Z",
        "data": {
            "customer": "C-88", "currency": "USD", "amount": "62.50",
            "lines": [{"sku": "EYE-1", "quantity": 1, "amount": "34.00"}],
        },
    } | changes  # fmt: skip


def key(*scopes: str) -> str:
    return ApiKey.issue(name=f"shop {factories.number()}", scopes=list(scopes))[1]


class Shop:
    """An integrator with a key."""

    def __init__(self, token: str) -> None:
        self.token = token

    def post(self, body: Any, content_type: str = SINGLE) -> Any:
        body = body if isinstance(body, str | bytes) else json.dumps(body)
        return Client().post(URL, body, content_type, headers={"Authorization": f"Bearer {self.token}"})


@pytest.fixture
def shop(db: None) -> Shop:
    factories.distributor(external_id="jenna")
    return Shop(key("events:write"))


def detail(response: Any, status: int) -> str:
    assert response.status_code == status, response.content
    assert list(response.json()) == ["detail"]
    return response.json()["detail"]


def test_it_works(shop: Shop) -> None:
    response = shop.post(order())
    assert response.status_code == 201
    assert (
        response.json().items() >= {"source": "shop", "id": "o-1001", "subject": "jenna", "day": "2026-08-27"}.items()
    )
    assert Order.objects.count() == Customer.objects.count() == 1


def test_a_repeat_gets_the_first_answer_byte_for_byte(shop: Shop) -> None:
    first, again = shop.post(order()), shop.post(order())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content
    assert Order.objects.count() == 1


def test_the_same_id_with_another_body_is_a_conflict(shop: Shop) -> None:
    shop.post(order())
    changed = order()
    changed["data"]["amount"] = "99.00"
    assert detail(shop.post(changed), 409) == "An event with this source and id is stored with another body."


def test_an_invalid_event_is_refused_in_one_sentence(shop: Shop) -> None:
    assert detail(shop.post(order(time="noon")), 422).startswith("time must be RFC 3339")
    assert Event.objects.count() == 0


def test_a_batch_is_answered_item_by_item(shop: Shop) -> None:
    shop.post(order())
    batch = [
        order(),
        order("o-2"),
        order("o-3", subject="who"),
        order(time="2026-08-27T11:00:00Z"),
        order(source="pep"),
        7,
    ]
    response = shop.post(batch, BATCH)
    assert response.status_code == 200
    answers = response.json()
    assert [(a["index"], a["status"]) for a in answers] == [(0, 200), (1, 201), (2, 422), (3, 409), (4, 422), (5, 422)]
    assert answers[1]["event"]["id"] == "o-2"
    assert answers[2]["detail"] == "subject who is not a known distributor."
    assert answers[4]["detail"] == "source pep is kept for this platform's own events."


def test_plain_json_may_be_one_or_many(shop: Shop) -> None:
    assert shop.post(order(), "application/json").status_code == 201
    assert shop.post([order("o-2")], "application/json; charset=utf-8").json()[0]["status"] == 201
    assert shop.post([], BATCH).json() == []


@pytest.mark.parametrize("token", ["", "pep_00000000_" + "a" * 43, "nonsense", "pep_\x00"])
def test_without_a_working_key(shop: Shop, token: str) -> None:
    response = Client().post(
        URL, json.dumps(order()), SINGLE, headers={"Authorization": f"Bearer {token}"} if token else {}
    )
    assert detail(response, 401) == "Send a working API key as Authorization: Bearer KEY."
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_key_with_a_wrong_secret_or_revoked(shop: Shop) -> None:
    token = shop.token
    shop.token = token[:-1] + ("a" if token[-1] != "a" else "b")
    assert shop.post(order()).status_code == 401
    shop.token = token
    ApiKey.objects.update(revoked_at=timezone.now())
    assert shop.post(order()).status_code == 401


def test_a_key_without_the_scope(shop: Shop) -> None:
    shop.token = key("feed:read")
    assert detail(shop.post(order()), 403) == "This key does not have the scope events:write."
    assert Event.objects.count() == 0


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""])
def test_another_content_type(shop: Shop, content_type: str) -> None:
    assert "application/cloudevents+json" in detail(shop.post(order(), content_type), 415)


@pytest.mark.parametrize("body", [" ", "{", "{'a': 1}", '{"a": NaN}', b"\xff\xfe{", "[" * 100_000, "1" * 5000])
def test_what_is_not_json(shop: Shop, body: Any) -> None:
    assert detail(shop.post(body), 400) == "The body is not valid JSON."


@pytest.mark.parametrize(("body", "type_"), [([], SINGLE), ({}, BATCH), (7, "application/json"), ("[[]]", SINGLE)])
def test_the_wrong_shape(shop: Shop, body: Any, type_: str) -> None:
    assert detail(shop.post(body, type_), 422).startswith("The body must be a JSON ")


def test_too_much_at_once(shop: Shop) -> None:
    assert detail(shop.post([{}] * 1001, BATCH), 413) == "A batch may hold at most 1000 events; this one holds 1001."
    assert (
        detail(shop.post("[" + " " * 3_000_000 + "]", BATCH), 413)
        == "The body is too large; send fewer events at a time."
    )


@pytest.mark.parametrize(
    "raw", ['"\\u0000"', '"\\ud800"', "1e400", "-1e400", '"' + "9" * 5000 + '"', "9" * 4000, "{}", "[[]]"]
)
@pytest.mark.parametrize("field", ["specversion", "source", "id", "type", "subject", "time", "data", "datacontenttype"])
def test_absurd_values_are_refused_never_a_server_error(shop: Shop, field: str, raw: str) -> None:
    text = json.dumps(order(**{field: "@@"})).replace('"@@"', raw)
    if (field, raw) == ("data", "{}"):
        assert detail(shop.post(text), 422) == "data.customer is missing."
    assert shop.post(text).status_code == 422


@pytest.mark.parametrize(
    "raw", ['"\\u0000"', '"\\ud800"', "1e400", "9" * 400, "{}", "[[]]", "null", "true", '"x"', "1e-9"]
)
@pytest.mark.parametrize("field", ["customer", "currency", "amount", "lines", "customer_name", "note"])
def test_absurd_data_is_never_a_server_error(shop: Shop, field: str, raw: str) -> None:
    event = order()
    event["data"][field] = "@@"
    assert shop.post(json.dumps(event).replace('"@@"', raw)).status_code in (201, 422)


def test_only_post(shop: Shop) -> None:
    assert Client().get(URL).status_code == 405


def test_the_answers_are_in_the_description(shop: Shop) -> None:
    described = Client().get("/api/v1/openapi.json").json()["paths"]["/api/v1/events"]["post"]
    assert set(described["responses"]) == {"200", "201", "400", "401", "403", "409", "413", "415", "422", "503"}
    assert set(described["requestBody"]["content"]) == {SINGLE, BATCH, "application/json"}
    assert described["security"]


def in_threads(n: int, work: Any) -> list[Any]:
    start = Barrier(n)

    def closing(i: int) -> Any:
        try:
            connection.ensure_connection()
            start.wait()
            return work(i)
        finally:
            connection.close()

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(closing, range(n)))


@pytest.fixture
def live_shop(transactional_db: None) -> Shop:
    factories.distributor(external_id="jenna")
    return Shop(key("events:write"))


def test_twenty_at_once_with_the_same_event(live_shop: Shop) -> None:
    answers = in_threads(20, lambda i: live_shop.post(order()))
    assert sorted(a.status_code for a in answers) == [200] * 19 + [201]
    assert len({a.content for a in answers}) == 1
    assert Event.objects.count() == Order.objects.count() == 1


def test_twenty_at_once_about_one_distributor(live_shop: Shop) -> None:
    answers = in_threads(20, lambda i: live_shop.post(order(f"o-{i}", time=f"2026-08-27T10:00:{i:02}Z")))
    assert {a.status_code for a in answers} == {201}
    totals = dict(Measure.objects.filter(scope="").values_list("metric", "value"))
    assert totals == {"sales": 1250, "orders": 20, "new_customers": 1, "repeat_orders": 19}
    customer = Customer.objects.get()
    assert (customer.orders, customer.spent) == (20, 1250)


def test_crossing_batches_do_not_wait_for_each_other_for_ever(live_shop: Shop) -> None:
    people = [factories.distributor(external_id=f"p{n}").external_id for n in range(6)]

    def batch(i: int) -> Any:
        rows = [order(f"b{i}-{n}", subject=person) for n, person in enumerate(people)]
        for n, row in enumerate(rows):
            row["data"]["lines"] = [{"sku": f"NEW-{n}", "amount": "1.00", "line": f"line-{n}"}]
        return live_shop.post(rows if i % 2 else rows[::-1], BATCH)

    answers = in_threads(20, batch)
    assert {item["status"] for answer in answers for item in answer.json()} == {201}
    assert Order.objects.count() == 120


def test_two_about_one_person_take_turns(live_shop: Shop) -> None:
    jenna = Distributor.objects.get()
    second = Thread(target=in_threads, args=(1, lambda i: live_shop.post(order(type="distributor.signed_in", data={}))))
    with transaction.atomic():
        at = datetime(2026, 8, 27, 9, tzinfo=UTC)
        ingest.record(type="distributor.signed_in", distributor=jenna, time=at, data={}, external_id="1")
        second.start()
        second.join(timeout=1)  # long enough to see an uncounted day, were it not waiting for us
    second.join()
    assert Event.objects.count() == 2
    assert list(Measure.objects.values_list("metric", "value")) == [("active_days", 1)]


@pytest.mark.parametrize("name", ["rosa", "ida", "mia", "eva"])
def test_twenty_at_once_enrolling_the_same_person(live_shop: Shop, name: str) -> None:
    enrol = {"name": name.title(), "market": "us", "email": f"{name}@example.com"}  # no sponsor: nobody to lock
    event = order("e-1", type="distributor.enrolled", subject=name, data=enrol)
    answers = in_threads(20, lambda i: live_shop.post(event))
    assert sorted(a.status_code for a in answers) == [200] * 19 + [201]
    assert Distributor.objects.filter(external_id=name).count() == 1


def test_the_same_id_for_two_people_at_once(live_shop: Shop) -> None:
    factories.distributor(external_id="rosa")
    answers = in_threads(10, lambda i: live_shop.post(order(subject="rosa" if i % 2 else "jenna")))
    assert sorted(a.status_code for a in answers) == [200] * 4 + [201] + [409] * 5
    assert Event.objects.count() == Customer.objects.count() == 1
