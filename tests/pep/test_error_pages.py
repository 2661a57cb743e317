"""Where an error page leads: the field to Today, staff to their own first page, which is there for each of them."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from distributors.models import STAFF_ROLES, Role
from tests import factories as make
from tests.pages import signed_in, words

pytestmark = pytest.mark.django_db

TODAY = 'href="/"'
DESK = 'href="/admin/"'


def test_it_works() -> None:
    page = signed_in(make.distributor()).get("/nowhere/")
    assert page.status_code == 404
    assert "Go to Today" in words(page) and TODAY in page.text and DESK not in page.text


@pytest.mark.parametrize("role", sorted(STAFF_ROLES))
@pytest.mark.parametrize("path", ["/nowhere/", "/admin/nowhere/", "/goals/"])
def test_staff_are_led_to_the_desk(role: Role, path: str) -> None:
    client = Client()
    client.force_login(make.user(role))
    page = client.get(path)
    assert page.status_code == 404
    assert "Go to the overview" in words(page) and TODAY not in page.text
    assert client.get(reverse("admin:index"), follow=True).status_code == 200


@pytest.mark.parametrize(("role", "there"), [(Role.HQ_EDITOR, DESK), (None, TODAY)])
def test_a_form_that_is_too_old(role: Role | None, there: str) -> None:
    client = Client(enforce_csrf_checks=True)
    if role:
        client.force_login(make.user(role))
    page = client.post(reverse("account_login"), {})
    assert page.status_code == 403
    assert there in page.text


def test_nobody_is_led_to_the_sign_in() -> None:
    assert TODAY in Client().get("/nowhere/").text
