"""Every answer of every URL carries the headers of reliability.md."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from distributors.models import Role
from pep import settings as project

from . import factories as make
from .walk import person, routes

pytestmark = pytest.mark.django_db

STRICT = {
    "default-src": {"'none'"}, "script-src": {"'self'"}, "style-src": {"'self'"}, "img-src": {"'self'", "data:"},
    "font-src": {"'self'"}, "connect-src": {"'self'"}, "manifest-src": {"'self'"}, "worker-src": {"'self'"},
    "form-action": {"'self'"}, "base-uri": {"'none'"}, "frame-ancestors": {"'none'"},
}  # fmt: skip

FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def policy(response: HttpResponse) -> dict[str, set[str]]:
    """Directive -> sources, without the nonce of this answer."""
    parts = (part.split() for part in response["Content-Security-Policy"].split(";"))
    return {name: {s for s in sources if not s.startswith("'nonce-")} for name, *sources in parts}


@pytest.fixture
def clients() -> dict[str, Client]:
    """Anonymous, somebody of the field, and an operator."""
    found = {name: Client() for name in ("anonymous", "field", "operator")}
    found["field"].force_login(person(make.activity("call-her", about="check_in")).user)
    found["operator"].force_login(make.user(Role.OPERATOR))
    return found


def problems(path: str, response: HttpResponse) -> list[str]:
    in_admin = path.startswith("/admin/")
    expected = STRICT | ({"script-src": {"'self'", "'unsafe-eval'"}} if in_admin else {})
    found = [
        f"{name}: {response.headers.get(name)}" for name, value in FIXED.items() if response.headers.get(name) != value
    ]
    if policy(response) != expected:
        found.append(f"CSP {policy(response)}")
    if "camera=()" not in response.headers.get("Permissions-Policy", ""):
        found.append("Permissions-Policy")
    if "HX-Request" not in response.headers.get("Vary", ""):
        found.append(f"Vary: {response.headers.get('Vary')}")
    caching = response.headers.get("Cache-Control", "")
    if "no-store" not in caching or "private" not in caching:
        found.append(f"Cache-Control: {caching}")
    if not re.fullmatch(r"[0-9a-f]{32}", response.headers.get("X-Request-ID", "")):
        found.append("X-Request-ID")
    return [f"{path} {problem}" for problem in found]


def test_every_url(clients: dict[str, Client]) -> None:
    wrong, pages = [], 0
    for route in routes():
        path = route.path(**dict.fromkeys(route.parameters, "1")).replace("^", "").replace("$", "")
        for client in clients.values():
            response = client.get(path)
            pages += 1
            wrong += problems(path, response)
    assert pages > 300
    assert wrong == []


def test_what_does_not_exist_and_what_is_refused_too(clients: dict[str, Client]) -> None:
    checked = Client(enforce_csrf_checks=True)
    for path, response in {
        "/nothing/": clients["field"].get("/nothing/"),
        "/accounts/login/": checked.post("/accounts/login/", {}),
        "/goals/": clients["anonymous"].get("/goals/", headers={"HX-Request": "true"}),
    }.items():
        assert response.status_code in {204, 403, 404}
        assert problems(path, response) == []


def test_no_page_needs_what_the_policy_refuses(clients: dict[str, Client]) -> None:
    """No inline script without the nonce, no style or event attributes, no <style>."""
    wrong = []
    for route in routes():
        if route.parameters or "(" in route.pattern:
            continue
        for client in clients.values():
            response = client.get(route.path())
            if response.headers.get("Content-Type", "").startswith("text/html"):
                wrong += [f"{route.label}: {found}" for found in inline(response.content.decode())]
    assert wrong == []


def inline(html: str) -> list[str]:
    scripts = re.findall(r"<script(?![^>]*\b(?:src|nonce)=)(?![^>]*application/json)[^>]*>", html)
    return scripts + re.findall(r"<style[^>]*>|<[^>]+\sstyle=[^>]*>|<[^>]+\son[a-z]+=[^>]*>", html)


def test_static_files_may_be_kept(clients: dict[str, Client]) -> None:
    response = clients["field"].get(reverse("account_login"))
    assert "no-store" in response["Cache-Control"]
    assert project.STORAGES["staticfiles"]["BACKEND"].startswith("whitenoise.")


def test_an_unsafe_request_without_a_token_is_refused(clients: dict[str, Client]) -> None:
    checked = Client(enforce_csrf_checks=True)
    user = make.user()
    make.distributor(user=user)
    checked.force_login(user)
    unsafe = [r for r in routes() if r.declared and not r.parameters]
    statuses = {route.name: checked.post(route.path()).status_code for route in unsafe}
    assert set(statuses.values()) == {403}, statuses


def test_django_s_own_deployment_check_is_content() -> None:
    server: dict[str, Any] = {
        **os.environ,
        "DATABASE_URL": "postgres://nobody@localhost/none",
        "PEP_SECRET_KEY": "k" + "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "PEP_HOSTS": "pep.example",
    }
    root = Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=root, env=server, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_htmx_writes_no_style_of_its_own(clients: dict[str, Client]) -> None:
    """The policy refuses it, and says so in the console: its indicator's rules, and `style` carried over at a swap."""
    editor = Client()
    editor.force_login(make.user(Role.HQ_EDITOR))
    for client, path in ((clients["field"], "/"), (editor, reverse("rules"))):
        found = re.search(r"""<meta name="htmx-config" content='([^']+)'>""", client.get(path).content.decode())
        assert found is not None, path
        config = json.loads(found[1])
        assert config["includeIndicatorStyles"] is False and config["attributesToSettle"] == [
            "class",
            "width",
            "height",
        ]
