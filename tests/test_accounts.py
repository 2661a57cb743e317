"""Signing in and out: where each role lands, who is kept out, and when it ends."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from distributors.models import Event, Role, User

from . import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh(settings: Any) -> None:
    """Fast hashes, and nobody else's failed attempts."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "accounts"}}
    cache.clear()


def sign_in(client: Client, user: User, password: str = make.PASSWORD, **extra: str) -> Any:
    return client.post(reverse("account_login"), {"login": user.email, "password": password, **extra})


def field_user() -> User:
    user = make.user(password=make.PASSWORD)
    make.distributor(user=user)
    return user


def test_it_works(client: Client) -> None:
    response = sign_in(client, field_user())
    assert (response.status_code, response["Location"]) == (302, "/")


def test_staff_land_in_the_admin(client: Client) -> None:
    response = sign_in(client, make.user(Role.HQ_EDITOR, password=make.PASSWORD))
    assert response["Location"] == reverse("admin:index")


def test_staff_who_typed_the_bare_address_land_in_the_admin_too(client: Client) -> None:
    hq = make.user(Role.HQ_VIEWER, password=make.PASSWORD)
    assert sign_in(client, hq, next="/")["Location"] == reverse("admin:index")
    assert sign_in(Client(), hq, next="/admin/kpis/kpi/")["Location"] == "/admin/kpis/kpi/"
    assert sign_in(Client(), field_user(), next="/")["Location"] == "/"


def test_where_she_wanted_to_go(client: Client) -> None:
    response = sign_in(client, field_user(), next="/goals/")
    assert response["Location"] == "/goals/"
    response = sign_in(Client(), field_user(), next="https://elsewhere.example/")
    assert response["Location"] == "/"


def test_wrong_password_and_unknown_address_say_the_same(client: Client) -> None:
    user = field_user()
    wrong = sign_in(client, user, "not the password")
    user.email = "nobody@example.com"
    unknown = sign_in(client, user, "not the password")
    assert wrong.status_code == unknown.status_code == 200
    assert wrong.context["form"].errors == unknown.context["form"].errors


def test_the_sixth_failure_in_a_row_is_refused_even_with_the_right_password(client: Client) -> None:
    user = field_user()
    for _ in range(5):
        sign_in(
            client,
            user,
            "not the password",
        )
    assert "/accounts/login" in sign_in(client, user).request["PATH_INFO"]
    assert "_auth_user_id" not in client.session


def test_a_forged_address_does_not_reset_the_count(client: Client) -> None:
    user = field_user()
    for n in range(12):
        client.post(
            reverse("account_login"), {"login": user.email, "password": "x"}, headers={"X-Forwarded-For": f"10.0.0.{n}"}
        )
    sign_in(client, user)
    assert "_auth_user_id" not in client.session


def test_nobody_signs_up(client: Client) -> None:
    client.post(reverse("account_signup"), {"email": "new@example.com", "password1": make.PASSWORD})
    assert not User.objects.filter(email="new@example.com").exists()


def test_a_new_session_at_sign_in(client: Client) -> None:
    client.get(reverse("account_login"))
    client.session["before"] = True
    client.session.save()
    before = client.session.session_key
    sign_in(client, field_user())
    assert client.session.session_key != before


def test_the_browser_forgets_at_sign_out(client: Client) -> None:
    client.force_login(field_user())
    response = client.post(reverse("account_logout"))
    assert response["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get("/admin/").status_code == 302
    client.force_login(make.user(Role.OPERATOR))
    assert "Clear-Site-Data" in client.post(reverse("admin:logout"))
    assert "Clear-Site-Data" not in client.get(reverse("account_login"))


def test_a_deactivated_user_is_out_at_the_next_request(client: Client) -> None:
    user = make.user(Role.OPERATOR)
    client.force_login(user)
    assert client.get("/admin/", follow=True).status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/admin/")["Location"].startswith(reverse("account_login"))
    assert "_auth_user_id" not in client.session or client.get("/admin/").status_code == 302


def test_a_changed_role_counts_at_the_next_request(client: Client) -> None:
    user = make.user(Role.OPERATOR)
    client.force_login(user)
    assert client.get("/admin/distributors/user/").status_code == 200
    User.objects.filter(pk=user.pk).update(role=Role.HQ_VIEWER)
    assert client.get("/admin/distributors/user/").status_code == 404
    User.objects.filter(pk=user.pk).update(role=Role.DISTRIBUTOR)
    assert client.get("/admin/").status_code == 404


def test_a_fragment_of_somebody_signed_out_leads_the_whole_page_to_sign_in(client: Client) -> None:
    for path in ("/goals/", reverse("account_change_password"), "/admin/"):
        response = client.get(path, headers={"HX-Request": "true"})
        assert response.status_code == 204
        assert response["HX-Redirect"].startswith(reverse("account_login"))


def test_her_first_page_of_the_day_is_one_event(client: Client) -> None:
    user = field_user()
    for visitor in (client, client, Client()):
        visitor.force_login(user)
        visitor.get("/goals/")
        visitor.get("/goals/")
    assert [event.type for event in Event.objects.filter(distributor__user=user)] == ["distributor.signed_in"]


def test_passkeys_and_codes_are_offered(client: Client) -> None:
    client.force_login(field_user())
    page = client.get(reverse("mfa_index"))
    assert reverse("mfa_activate_totp") in page.text
    assert reverse("mfa_add_webauthn") in page.text
    assert reverse("mfa_login_webauthn") in Client().get(reverse("account_login")).text
