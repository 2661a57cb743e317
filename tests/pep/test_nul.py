"""A NUL in an address or a form: one plain page, whatever the page would have made of it."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from distributors.models import Role
from tests import factories as make
from tests.pages import signed_in, words

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
SAID = "The address or the form could not be read."


def staff(role: Role) -> Client:
    client = Client()
    client.force_login(make.user(role))
    return client


def test_it_works() -> None:
    client = signed_in(make.distributor())
    for response in (
        client.get("/goals/add/?scope=%00"), client.get("/goals/add/?%00=1"), client.get("/people/%00/"),
        client.post("/goals/add/?scope=%00"), client.post("/goals/add/", "scope=eye%00", content_type=FORM),
    ):  # fmt: skip
        assert response.status_code == 400
        assert SAID in words(response) and "Go to Today" in words(response)
    assert client.get("/goals/add/?scope=eye").status_code == 200


@pytest.mark.parametrize(
    ("role", "path"),
    [
        (Role.HQ_EDITOR, "/admin/never-signed-in/?market=%00"), (Role.HQ_EDITOR, "/admin/library/1/%00/"),
        (Role.HQ_EDITOR, "/admin/library/1/%00/file/"), (Role.HQ_EDITOR, "/admin/activities/blockedphrase/?q=%00"),
        (Role.OPERATOR, "/admin/distributors/event/?type=%00"), (Role.HQ_EDITOR, "/admin/activities/slate/?q=%00"),
        (Role.OPERATOR, "/admin/autocomplete/?app_label=distributors&model_name=distributor&field_name=sponsor&term=%00"),
    ],
)  # fmt: skip
def test_the_desk_too(role: Role, path: str) -> None:
    response = staff(role).get(path)
    assert response.status_code == 400
    assert SAID in words(response) and "Go to the overview" in words(response)


def test_nobody_signed_in_gets_the_same() -> None:
    assert Client().get("/s/%00/").status_code == 400


def test_a_file_may_hold_one() -> None:
    client = signed_in(make.distributor())
    sent = {"file": SimpleUploadedFile("people.csv", b"Name\n\x00Maya")}
    assert client.post(reverse("people_import"), sent).status_code != 400


def test_the_api_has_its_own_sentence() -> None:
    response = Client().post("/api/v1/events?x=%00", {}, content_type="application/json")
    assert response.status_code == 401
    assert "application/json" in response.headers["Content-Type"]
