"""Save, clicked twice on a page that adds something: one row, and no error page."""

from __future__ import annotations

import re
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.admin.options import ModelAdmin
from django.db import IntegrityError, connection
from django.test import Client
from django.urls import reverse

from activities.models import Asset, BlockedPhrase
from distributors.models import ApiKey, Role, Segment
from distributors.once import LATEST
from tests import factories as make

pytestmark = pytest.mark.django_db

ITEM = {
    "kind": "link", "line": "", "status": "draft", "expires_on": "", "key": "", "texts-TOTAL_FORMS": "1",
    "texts-INITIAL_FORMS": "0", "texts-0-language": "en", "texts-0-title": "Our lab", "texts-0-url": "https://example.com",
}  # fmt: skip
SEGMENT = {"name": "Newcomers", "days_from": "", "days_to": "90", "team": ""}


@pytest.fixture
def hq() -> Client:
    client = Client()
    client.force_login(make.user(Role.HQ_EDITOR))
    return client


def token(client: Client, page: str) -> str:
    found = re.search(r'name="once" value="(\w+)"', client.get(reverse(page)).content.decode())
    assert found
    return found[1]


def test_it_works(hq: Client) -> None:
    page = "admin:activities_asset_add"
    sent = ITEM | {"once": token(hq, page)}
    first, second, third = (hq.post(reverse(page), sent) for _time in range(3))
    assert [one.status_code for one in (first, second, third)] == [302, 302, 302]
    assert first["Location"] == second["Location"] == third["Location"]
    assert Asset.objects.count() == 1


def test_another_form_adds_another(hq: Client) -> None:
    page = "admin:activities_asset_add"
    for _time in range(2):
        hq.post(reverse(page), ITEM | {"once": token(hq, page)})
    assert sorted(Asset.objects.values_list("key", flat=True)) == ["our-lab", "our-lab-2"]


def test_a_refused_form_may_be_sent_again(hq: Client) -> None:
    page = "admin:distributors_segment_add"
    once = token(hq, page)
    refused = hq.post(reverse(page), SEGMENT | {"name": "", "once": once})
    assert f'value="{once}"' in refused.content.decode()
    assert hq.post(reverse(page), SEGMENT | {"once": once}).status_code == 302
    assert Segment.objects.count() == 1


def test_only_the_latest_forms_are_remembered(hq: Client) -> None:
    page = "admin:distributors_segment_add"
    for n in range(LATEST + 2):
        hq.post(reverse(page), SEGMENT | {"name": f"S{n}", "once": f"t{n}"})
    assert len(hq.session["added"]) == LATEST
    assert Segment.objects.count() == LATEST + 2


def test_the_key_of_an_api_key_is_shown_once() -> None:
    client, page = Client(), "admin:distributors_apikey_add"
    client.force_login(make.user(Role.OPERATOR))
    sent = {"name": "Shop", "scopes": ["events:write"], "once": token(client, page)}
    first, second = client.post(reverse(page), sent), client.post(reverse(page), sent)
    assert (first.status_code, second.status_code) == (200, 302)
    assert second["Location"] == reverse("admin:distributors_apikey_changelist")
    assert ApiKey.objects.count() == 1


def fails(times: int) -> Callable[..., None]:
    """A save that finds the same row saved by somebody else just now."""
    left = [times]
    save = ModelAdmin.save_model

    def save_model(self: Any, request: Any, obj: Any, form: Any, change: bool) -> None:
        if left[0]:
            left[0] -= 1
            raise IntegrityError("duplicate key")
        save(self, request, obj, form, change)

    return save_model


def test_a_name_that_was_just_taken_is_a_sentence(hq: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    page, sent = "admin:activities_blockedphrase_add", {"phrase": "get rich", "language": "en", "kind": "income"}
    save = BlockedPhrase.objects.create

    def taken(self: Any, request: Any, obj: Any, form: Any, change: bool) -> None:
        monkeypatch.undo()
        save(phrase="get rich", language="en", kind="income")
        raise IntegrityError("duplicate key")

    monkeypatch.setattr(ModelAdmin, "save_model", taken)
    # What the other one saved went with this one's transaction here; so the form is simply saved the second time.
    assert hq.post(reverse(page), sent).status_code == 302
    refused = hq.post(reverse(page), sent)
    assert refused.status_code == 200
    assert "already exists" in refused.content.decode()


@pytest.mark.parametrize(("times", "rows"), [(1, 1), (2, 0)])
def test_it_never_is_an_error_page(hq: Client, monkeypatch: pytest.MonkeyPatch, times: int, rows: int) -> None:
    monkeypatch.setattr(ModelAdmin, "save_model", fails(times))
    response = hq.post(reverse("admin:distributors_segment_add"), SEGMENT, follow=True)
    assert response.status_code == 200
    assert Segment.objects.count() == rows
    assert ("Somebody just saved the same." in response.content.decode()) == (rows == 0)


@pytest.mark.django_db(transaction=True)
def test_five_clicks_at_once_make_one_item(hq: Client) -> None:
    page = "admin:activities_asset_add"
    sent, together, answers = ITEM | {"once": token(hq, page)}, Barrier(5), list[tuple[int, str]]()

    def click() -> None:
        client = Client()
        client.cookies = hq.cookies
        try:
            together.wait()
            response = client.post(reverse(page), sent)
            answers.append((response.status_code, response["Location"]))
        finally:
            connection.close()

    threads = [Thread(target=click) for _n in range(5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert answers == [(302, reverse("admin:activities_asset_changelist"))] * 5
    assert Asset.objects.count() == 1


def test_the_page_that_adds_says_so_and_has_no_plus(hq: Client) -> None:
    adds, lists = (hq.get(reverse(f"admin:activities_asset_{name}")).text for name in ("add", "changelist"))
    assert "addlink" in lists and "addlink" not in adds
    assert ">New</span>" in adds


def test_an_empty_list_does_not_tell_anybody_to_add(hq: Client) -> None:
    page = hq.get(reverse("admin:activities_effectversion_changelist")).text
    assert "This list fills itself" in page and "Create a new item" not in page
    assert "Nothing fits the search" in hq.get(reverse("admin:activities_asset_changelist") + "?q=zzz").text
