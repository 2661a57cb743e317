"""The whole product, started as a user starts it, and a real Chromium in front of it.

Nothing here touches the ORM: what a journey knows, it knows from pages, the API and commands.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a-long-demo-password-4711"


@dataclass(frozen=True)
class Product:
    url: str
    env: dict[str, str]

    def manage(self, *args: str) -> str:
        """A command of the same installation; its standard output."""
        done = subprocess.run(
            [sys.executable, "manage.py", *args], cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        assert process.poll() is None, f"`manage.py up` ended:\n{log.read_text()[-4000:]}"
        try:
            urllib.request.urlopen(f"{url}/health/ready", timeout=2)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"`manage.py up` was not ready in 180 s:\n{log.read_text()[-4000:]}")


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """YouSystem with a smaller field, web server and django-q2 cluster running."""
    data, port = tmp_path_factory.mktemp("product"), free_port()
    env = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    env |= {"PEP_DATA": str(data), "PEP_DEMO_PASSWORD": PASSWORD, "PEP_LOG": "json"}
    running = Product(f"http://127.0.0.1:{port}", env)
    running.manage("migrate", "--verbosity", "0")
    running.manage("demo", "--distributors", "120")
    log = data / "up.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(port)],
            cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        wait_until_ready(running.url, process, log)
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=45)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            pytest.fail("`manage.py up` did not stop within 45 s of SIGTERM")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = os.environ.get("PEP_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if chromium is None:
        pytest.fail("No Chromium on this machine. Install it: apt-get update && apt-get install -y chromium")
    flags = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
    if os.getuid() == 0:
        flags.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield browser
        browser.close()


@dataclass
class Visit:
    """One person at one screen. Script errors and blocked resources fail the journey."""

    context: BrowserContext
    page: Page
    product: Product
    complaints: list[str]

    def sign_in(self, email: str) -> Page:
        self.page.goto(f"{self.product.url}/accounts/login/")
        self.page.get_by_label("Email", exact=True).fill(email)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_load_state("networkidle")
        return self.page


@pytest.fixture
def visit(product: Product, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    options = {"viewport": {"width": 390, "height": 844}, "locale": "en-US", "base_url": product.url}
    options |= getattr(request, "param", {})
    yield from open_visit(product, browser, options)


def at_a_desk(product: Product, browser: Browser) -> Iterator[Visit]:
    yield from open_visit(
        product, browser, {"viewport": {"width": 1280, "height": 900}, "locale": "en-US", "base_url": product.url}
    )


@pytest.fixture
def second_visit(product: Product, browser: Browser) -> Iterator[Visit]:
    yield from at_a_desk(product, browser)


@pytest.fixture
def third_visit(product: Product, browser: Browser) -> Iterator[Visit]:
    yield from at_a_desk(product, browser)


def open_visit(product: Product, browser: Browser, options: dict[str, object]) -> Iterator[Visit]:
    context = browser.new_context(**options)
    page, complaints = context.new_page(), []
    # A view transition that the next click cuts short is not an error of ours.
    page.on("pageerror", lambda e: complaints.append(str(e)) if "Transition was" not in str(e) else None)
    page.on(
        "console", lambda m: complaints.append(m.text) if m.type == "error" and "Content Security" in m.text else None
    )
    yield Visit(context, page, product, complaints)
    context.close()
    assert complaints == []
