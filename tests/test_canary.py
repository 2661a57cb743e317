"""Her upline and her neighbour never see her customers: everything reachable is read, and no canary sings."""

from __future__ import annotations

import re
from collections import deque
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from distributors import ingest
from distributors.models import Role

from . import factories as make
from .walk import Person, person, routes

pytestmark = pytest.mark.django_db

LINK = re.compile(r"""(?:href|hx-get|action)=["']([^"'#]*)["']""")
CANARY = "Quetzalcoatlus"


@pytest.fixture
def cast() -> dict[str, Person]:
    """B sells below A in the tree; B's customers, notes, orders and notices carry the canary, A's carry another."""
    activity = make.activity("call-her", about="check_in")
    a = person(activity, role=Role.LEADER, canary="Nightingale")
    b = person(activity, canary=CANARY, sponsor=a.distributor)
    for one in (a, b):
        order(one)
    return {"a": a, "b": b}


def order(one: Person) -> None:
    now = timezone.now()
    ingest.record(
        type="order.placed", distributor=one.distributor, customer=one.customer, time=now - timedelta(days=6),
        external_id=f"order-{one.distributor.pk}",
        data={"currency": "USD", "amount": "40", "lines": [{"sku": "EYE-1", "quantity": 1, "amount": "40"}]},
    )  # fmt: skip


def crawl(client: Client, starts: list[str]) -> dict[str, str]:
    """The text of every page that links lead to, by path."""
    queue, read = deque(starts), {}
    while queue:
        path = queue.popleft()
        if path in read or not path.startswith("/") or path.startswith(("//", "/static/")) or "logout" in path:
            continue
        response = client.get(path, follow=True)
        is_text = response.headers.get("Content-Type", "").startswith("text/html")
        read[path] = response.content.decode() if is_text and not response.streaming else ""
        queue.extend(unescape(link) for link in LINK.findall(read[path]))
    return read


def starts_of(one: Person) -> list[str]:
    plain = [route.path() for route in routes() if route.declared and not route.parameters]
    searches = [f"/people/?q={CANARY}", f"/search/?q={CANARY}", f"/people/?q={CANARY.lower()}%40example.com"]
    return ["/", *plain, *searches]


def test_it_works(cast: dict[str, Person], client: Client) -> None:
    client.force_login(cast["b"].user)
    read = crawl(client, starts_of(cast["b"]))
    assert any(CANARY in text for text in read.values()), "the crawl must be able to find what is hers"
    assert f"/people/{cast['b'].customer.pk}/" in read


def test_her_upline_never_sees_her_customers(cast: dict[str, Person], client: Client) -> None:
    client.force_login(cast["a"].user)
    read = crawl(client, starts_of(cast["a"]))
    assert len(read) > 15
    # A search repeats her own words in its field; everything else must be silent.
    sang = [path for path, text in read.items() if CANARY in text and f"q={CANARY}" not in path]
    assert sang == []
    assert not any(f"/people/{cast['b'].customer.pk}/" in text for text in read.values())


def test_counts_are_no_oracle(cast: dict[str, Person], client: Client) -> None:
    """Searching for what exists elsewhere and for what exists nowhere looks the same."""
    client.force_login(cast["a"].user)
    for path in ("/people/", "/search/"):
        theirs, nowhere = (client.get(path, {"q": q}).content.decode() for q in (CANARY, "Xylophonistica"))
        assert stripped(theirs, CANARY) == stripped(nowhere, "Xylophonistica")


def stripped(text: str, query: str) -> str:
    text = re.sub(
        r'(nonce="[^"]*"|name="csrfmiddlewaretoken" value="[^"]*"|X-CSRFToken&quot;: ?&quot;[^&]*|"X-CSRFToken": ?"[^"]*"|value="[0-9a-f-]{36}")',
        "",
        text,
    )
    return text.replace(query, "").replace(query.lower(), "")


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.DISTRIBUTOR, Role.LEADER}))
def test_the_admin_shows_customers_to_those_who_handle_events_only(
    role: Role, cast: dict[str, Person], client: Client
) -> None:
    client.force_login(make.user(role))
    read = crawl(client, ["/admin/"])
    assert len(read) > 5
    sang = {path for path, text in read.items() if CANARY in text}
    # An event is what the other system sent, word for word.
    handles_events = role in {Role.INTEGRATOR, Role.OPERATOR}
    assert all("/admin/distributors/event/" in path for path in sang)
    assert bool(sang) == handles_events
