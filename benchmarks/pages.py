"""Page times of the running product, beside an ORM-and-template page of the same server in the same run.

    python benchmarks/pages.py [--requests 200] [--distributors 500] [--connections 4] [--seconds 4]

Starts `manage.py up` with the demo company in a folder of its own, and the same web server once more for the peer pages
(_peer_site.py): a hello page, the same with one durable commit, and ten stored rows by the ORM with a template as long
as Today. Signs Jenna in, asks for one page after the other on one connection (median, p95), then with several
connections at once (requests a second, our page and the peer's in turns). Also: an order posted to the API and the feed
read back, which is how soon an event shows; and the queries of Today for people of different size.
"""

from __future__ import annotations

import argparse
import http.cookiejar
import json
import os
import re
import statistics
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import _client
import _house
from _house import Environment, Target

PASSWORD = "benchmark-password-1"
PAGES = ["/", "/why/", "/people/", "/goals/", "/learn/", "/team/", "/notices/"]
EVENT_TO_FEED_P95, EVENT_TO_FEED_RATIO, TODAY_RATIO, TODAY_P95 = 10, 4, 2, 20
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--distributors", type=int, default=500)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=4, help="how long each page is asked for at once")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pep-bench-") as folder:
        data_dir = Path(folder)
        env = _house.environment(data_dir, PEP_DEMO_PASSWORD=PASSWORD)
        _house.manage(env, "migrate", "--verbosity", "0")
        _house.manage(env, "demo", "--distributors", str(options.distributors))
        _house.import_the_product(data_dir)
        port = _house.free_port()
        with _house.process(env, sys.executable, "manage.py", "up", "--port", str(port)):
            _house.wait_for(f"http://127.0.0.1:{port}/health/ready")
            cookie = sign_in(port)
            with peer_site(env, length_of(port, "/", cookie)) as peer:
                targets = measure(options, port, peer, cookie, env)
        _house.report(targets)


def measure(options: argparse.Namespace, port: int, peer: int, cookie: str, env: Environment) -> list[Target]:
    many = options.requests
    connection, other = (HTTPConnection("127.0.0.1", one, timeout=30) for one in (port, peer))
    print(f"Today is {length_of(port, '/', cookie):,} bytes, the peer's page {length_of(peer, '/feed/', cookie):,}")
    hello = times(getter(other, "/hello/", {}), many)
    commit = times(getter(other, "/commit/", {}), many)
    print(f"{'page':<32}{'median ms':>10}{'p95 ms':>9}{'x hello':>9}")
    show("/hello/ (peer)", hello, hello)
    show("/commit/ (peer)", commit, hello)
    show("ORM and template (peer)", times(getter(other, "/feed/", {"Cookie": cookie}), many), hello)
    single = {path: times(getter(connection, path, {"Cookie": cookie}), many) for path in PAGES}
    for path, found in single.items():
        show(path, found, hello)
    event = times(order_and_feed(connection, key(env)), many)
    show("order POST + feed GET", event, hello)
    ours, theirs = at_once(options, port, peer, cookie)
    fewest, most, people = queries_of_today()
    bare = statistics.median(commit)
    ratio = statistics.median(event) / bare
    return [
        Target("order POST -> changed feed, p95", f"<= {EVENT_TO_FEED_P95} ms", f"{_house.p95(event):.1f} ms",
               _house.p95(event) <= EVENT_TO_FEED_P95),
        Target("  x a hello page with one commit", f"<= {EVENT_TO_FEED_RATIO} x",
               f"{ratio:.1f} x ({statistics.median(event):.1f} ms against {bare:.1f} ms)", ratio <= EVENT_TO_FEED_RATIO),
        Target("Today x an ORM-and-template page", f">= {TODAY_RATIO} x",
               f"{ours / theirs:.2f} x ({ours:,.0f} against {theirs:,.0f} requests/s)", ours / theirs >= TODAY_RATIO),
        Target("  p95", f"<= {TODAY_P95} ms", f"{_house.p95(single['/']):.1f} ms", _house.p95(single["/"]) <= TODAY_P95),
        Target("  queries, whatever the history", "the same", f"{fewest} to {most} of {people} people", fewest == most),
    ]  # fmt: skip


def at_once(options: argparse.Namespace, port: int, peer: int, cookie: str) -> tuple[float, float]:
    """Requests a second of Today and of the peer's page, in turns; the medians of the rounds."""
    ours, theirs = [], []
    for _ in range(ROUNDS):
        for where, path, rates in ((port, "/", ours), (peer, "/feed/", theirs)):
            rate, found = _client.together(
                where, path, seconds=options.seconds, connections=options.connections, cookie=cookie
            )
            rates.append(rate)
            print(
                f"{options.connections} connections, port of {path:<7}{rate:8,.0f} requests/s, p95 {_house.p95(found):.1f} ms"
            )
    return statistics.median(ours), statistics.median(theirs)


@contextmanager
def peer_site(env: Environment, length: int) -> Iterator[int]:
    """The peer's pages on the product's web server and database; its feed page about as long as `length` bytes."""
    import _peer_site

    from distributors.models import Distributor
    from pep.management.commands.up import web_command

    _peer_site.prepare(Distributor.objects.get(external_id="jenna"))
    port = _house.free_port()
    command = web_command("127.0.0.1", port)
    here = str(Path(__file__).resolve().parent)
    command[command.index("--working-dir") + 1], command[-1] = here, "_peer_site:application"
    # Ten rows of some 1,200 bytes; the rest is text.
    more = {"DJANGO_SETTINGS_MODULE": "_peer_site", "PYTHONPATH": f"{here}{os.pathsep}{_house.ROOT}"}
    more["PEP_BENCH_FILL"] = str(max(0, (length - 12_500) // 10))
    try:
        with _house.process(env | more, *command):
            _house.wait_for(f"http://127.0.0.1:{port}/hello/", seconds=60)
            yield port
    finally:
        _peer_site.clean()


def queries_of_today() -> tuple[int, int, int]:
    """Fewest and most queries of a second look at Today, and of how many people who can sign in."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from distributors.models import Distributor

    counts = []
    for person in Distributor.objects.active().filter(user__isnull=False).select_related("user"):
        client = Client()
        client.force_login(person.user)
        client.get("/", headers={"host": "localhost"})
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/", headers={"host": "localhost"}).status_code == 200
        counts.append(len(captured))
    return min(counts), max(counts), len(counts)


def length_of(port: int, path: str, cookie: str) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Cookie": cookie})
    return len(urllib.request.urlopen(request).read())


def getter(connection: HTTPConnection, path: str, headers: dict[str, str]) -> Callable[[], None]:
    def ask() -> None:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, (path, answer.status)

    return ask


def order_and_feed(connection: HTTPConnection, secret: str) -> Callable[[], None]:
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/cloudevents+json"}
    numbers = iter(range(10**9))

    def ask() -> None:
        event = {
            "specversion": "1.0", "source": "bench", "id": f"b-{next(numbers)}", "type": "order.placed",
            "subject": "jenna", "time": datetime.now(UTC).isoformat(),
            "data": {"customer": "B-1", "currency": "USD", "amount": "1.00",
                     "lines": [{"sku": "EYE-1", "quantity": 1, "amount": "1.00"}]},
        }  # fmt: skip
        for method, path, body in (
            ("POST", "/api/v1/events", json.dumps(event)),
            ("GET", "/api/v1/distributors/jenna/feed", None),
        ):
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status in (200, 201), answer.status

    return ask


def times(ask: Callable[[], None], many: int) -> list[float]:
    """Milliseconds of `many` requests after 20 that warm up."""
    for _ in range(20):
        ask()
    found = []
    for _ in range(many):
        began = time.perf_counter()
        ask()
        found.append((time.perf_counter() - began) * 1000)
    return sorted(found)


def show(name: str, found: list[float], hello: list[float]) -> None:
    median = statistics.median(found)
    print(f"{name:<32}{median:>10.1f}{_house.p95(found):>9.1f}{median / statistics.median(hello):>9.1f}", flush=True)


def sign_in(port: int) -> str:
    """Jenna's session, as a Cookie header."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    url = f"http://127.0.0.1:{port}/accounts/login/"
    form = opener.open(url).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert token is not None
    fields = {"csrfmiddlewaretoken": token[1], "login": "jenna@yousystem.example", "password": PASSWORD}
    opener.open(urllib.request.Request(url, urllib.parse.urlencode(fields).encode(), {"Referer": url}))
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


def key(env: Environment, name: str = "bench") -> str:
    printed = _house.manage(env, "apikey", name, "--scope", "events:write", "--scope", "feed:read")
    return next(word for word in printed.split() if word.startswith("pep_"))


if __name__ == "__main__":
    main()
