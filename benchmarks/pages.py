"""Page times of the running product, beside the barest page of the same server in the same run.

    python benchmarks/pages.py [--requests 200] [--distributors 500]

Starts `manage.py up` with the demo company in a folder of its own, signs Jenna in, and asks for one page after the other
on one connection. The peer is /health/live: no database, no template, the same middleware. Also: an order posted to the
API and the feed read back, which is how soon an event shows.
"""

from __future__ import annotations

import argparse
import http.cookiejar
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "benchmark-password-1"
PAGES = ["/", "/why/", "/people/", "/goals/", "/learn/", "/team/", "/notices/"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--distributors", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        env = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        env |= {"PEP_DATA": folder, "PEP_DEMO_PASSWORD": PASSWORD, "PEP_LOG": "json"}
        manage(env, "migrate", "--verbosity", "0")
        manage(env, "demo", "--distributors", str(options.distributors))
        port = free_port()
        server = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(port)], cwd=ROOT, env=env, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            wait(port)
            measure(port, env, options.requests)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=60)


def measure(port: int, env: dict[str, str], many: int) -> None:
    cookie = sign_in(port)
    connection = HTTPConnection("127.0.0.1", port, timeout=30)

    def page(path: str, headers: dict[str, str]) -> Callable[[], None]:
        def ask() -> None:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, (path, answer.status)

        return ask

    peer = times(page("/health/live", {}), many)
    print(f"{'page':<24}{'median ms':>10}{'p95 ms':>9}{'x peer':>8}")
    show("/health/live (peer)", peer, peer)
    for path in PAGES:
        show(path, times(page(path, {"Cookie": cookie}), many), peer)
    show("order POST + feed GET", times(order_and_feed(connection, key(env)), many), peer)


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


def show(name: str, found: list[float], peer: list[float]) -> None:
    median, p95 = statistics.median(found), found[int(len(found) * 0.95)]
    print(f"{name:<24}{median:>10.1f}{p95:>9.1f}{median / statistics.median(peer):>8.1f}")


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


def key(env: dict[str, str]) -> str:
    printed = manage(env, "apikey", "bench", "--scope", "events:write", "--scope", "feed:read")
    return next(word for word in printed.split() if word.startswith("pep_"))


def manage(env: dict[str, str], *args: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *args], cwd=ROOT, env=env, check=True, capture_output=True, text=True
    )
    return done.stdout


def wait(port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2)
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("The product was not ready in 120 s.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
