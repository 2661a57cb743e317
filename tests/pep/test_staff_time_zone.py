"""Who works at the desk reads its times in a zone of her own; the field, the API and what is kept know nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django import forms
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.signals import template_rendered
from django.urls import reverse
from django.utils import timezone

from distributors import zones
from distributors.models import Role, User
from pep.middleware import desk_clock
from pep.settings import time_zone
from tests import factories as make

pytestmark = pytest.mark.django_db

PAGE = "/admin/time-zone/"


@pytest.fixture
def now() -> Iterator[None]:
    """Thursday 27 August 2026, 15:00 UTC."""
    with time_machine.travel(make.NOW, tick=False):
        yield


def desk(zone: str = "", role: Role = Role.HQ_EDITOR) -> Client:
    client = Client()
    client.force_login(make.user(role, time_zone=zone))
    return client


def published(at: datetime = make.NOW) -> Any:
    campaign = make.campaign()
    make.priority_version(campaign, {make.kpi(): 100}, published_at=at)
    return reverse("versions", args=[campaign.pk])


def test_it_works(now: None) -> None:
    path = published()
    berlin, kathmandu = desk("Europe/Berlin").get(path).text, desk("Asia/Kathmandu").get(path).text
    assert "27 August 2026, 17:00 CEST" in berlin
    assert "Times in Europe/Berlin; a campaign’s start and end are on each market’s own clock." in berlin
    assert "27 August 2026, 20:45 UTC+05:45" in kathmandu


def test_who_chose_none_reads_in_that_of_the_installation(now: None, settings: Any) -> None:
    path = published()
    assert "27 August 2026, 15:00 UTC" in desk().get(path).text
    settings.DESK_TIME_ZONE = "America/New_York"
    assert "27 August 2026, 11:00 EDT" in desk().get(path).text


def test_the_lists_of_the_admin_are_on_it_too() -> None:
    make.user(email="seen@x.example", last_login=datetime(2026, 8, 27, 23, 30, tzinfo=UTC))
    text = desk("Asia/Tokyo", Role.OPERATOR).get(reverse("admin:distributors_user_changelist"), {"q": "seen@x"}).text
    assert "28 August 2026, 08:30" in text
    assert "Times in Asia/Tokyo" in text


def test_on_the_day_the_clock_goes_back_both_hours_have_their_name() -> None:
    summer, winter = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    with timezone.override("Europe/Berlin"):
        assert [zones.said_short(at) for at in (summer, winter)] == ["25 October, 02:30 CEST", "25 October, 02:30 CET"]


def test_a_day_is_that_of_the_reader() -> None:
    """At 22:30 UTC of 30 September it is October in Berlin, and another quarter."""
    with time_machine.travel(datetime(2026, 9, 30, 22, 30, tzinfo=UTC), tick=False):
        here, there = (
            desk(zone).get(reverse("campaigns")).context["timeline"].window for zone in ("", "Europe/Berlin")
        )
    assert here != there


def test_a_form_reads_what_it_showed(rf: Any) -> None:
    """In both directions, on the day the clock changes as well."""

    class When(forms.Form):
        at = forms.DateTimeField()

    at = datetime(2026, 10, 25, 6, 30, tzinfo=UTC)

    def view(request: HttpRequest) -> HttpResponse:
        shown = When(initial={"at": at})["at"].value()
        form = When({"at": f"{shown:%Y-%m-%d %H:%M}"})
        assert form.is_valid()
        return HttpResponse(f"{shown:%H:%M} {form.cleaned_data['at'].astimezone(UTC):%H:%M}")

    request = rf.get("/admin/anything/")
    request.user = make.user(Role.HQ_EDITOR, time_zone="Europe/Berlin")
    assert desk_clock(view)(request).content == b"07:30 06:30"


def test_what_comes_after_is_on_no_such_clock(rf: Any) -> None:
    request = rf.get(PAGE)
    request.user = make.user(Role.HQ_EDITOR, time_zone="Europe/Berlin")
    assert zone_in(request) == "Europe/Berlin"
    assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.parametrize("path", ["/", "/goals/", "/accounts/login/", "/api/v1/events", "/health/live"])
def test_only_the_admin_is_on_it(path: str, rf: Any) -> None:
    request = rf.get(path)
    request.user = make.user(Role.HQ_EDITOR, time_zone="Europe/Berlin")
    assert zone_in(request) == "UTC"


def test_the_field_reads_the_clock_of_its_market(now: None, rf: Any) -> None:
    user = make.user(time_zone="Asia/Tokyo")
    distributor = make.distributor(user=user)
    request = rf.get("/admin/")
    request.user = user
    assert zone_in(request) == "UTC"  # who is no staff gets nothing there, in whatever zone
    client = Client()
    client.force_login(user)
    seen: list[str] = []

    def signal(**_about: Any) -> None:
        seen.append(timezone.get_current_timezone_name())

    template_rendered.connect(signal)
    try:
        assert client.get("/you/").status_code == 200
    finally:
        template_rendered.disconnect(signal)
    assert set(seen) == {distributor.market.time_zone}


def test_an_anonymous_reader_is_asked_to_sign_in() -> None:
    assert Client().get(PAGE)["Location"].startswith(reverse("account_login"))


# Choosing it


@pytest.mark.parametrize("role", [Role.HQ_VIEWER, Role.TRAINER, Role.INTEGRATOR, Role.OPERATOR], ids=str)
def test_each_of_the_staff_chooses_her_own(role: Role) -> None:
    client = desk(role=role)
    assert f'href="{PAGE}"' in client.get(PAGE).text
    told = client.post(PAGE, {"time_zone": "America/Sao_Paulo"}, follow=True)
    assert told.redirect_chain == [(PAGE, 303)]
    assert "Times here are in America/Sao Paulo now." in told.text
    assert User.objects.get(role=role).time_zone == "America/Sao_Paulo"
    client.post(PAGE, {"time_zone": ""})
    assert User.objects.get(role=role).time_zone == ""


def test_choosing_changes_nothing_else_of_her() -> None:
    client = desk()
    client.post(PAGE, {"time_zone": "Asia/Tokyo", "role": Role.OPERATOR, "name": "Eve", "is_superuser": "on"})
    user = User.objects.get()
    assert (user.time_zone, user.role, user.is_superuser) == ("Asia/Tokyo", Role.HQ_EDITOR, False)
    assert user.name != "Eve"


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "../../etc/passwd", "posixrules", "CEST", "x" * 5000, "Europe/Berlin\0"]
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    client = desk("Asia/Tokyo")
    response = client.post(PAGE, {"time_zone": name})
    assert response.status_code == 422
    assert User.objects.get().time_zone == "Asia/Tokyo"
    if name == "Mars/Olympus":
        assert "Mars/Olympus is not a time zone name." in response.text


def test_the_row_refuses_it_too() -> None:
    user = make.user(Role.HQ_EDITOR, "a-long-password")
    user.time_zone = "Mars/Olympus"
    with pytest.raises(ValidationError) as refused:
        user.full_clean()
    assert refused.value.messages == ["Mars/Olympus is not a time zone name."]


def test_a_zone_that_is_no_longer_known_is_as_none() -> None:
    assert str(zones.of(User(time_zone="Mars/Olympus"))) == "UTC"
    assert desk("Mars/Olympus").get(PAGE).status_code == 200


def test_the_operator_sets_it_for_somebody() -> None:
    someone = make.user(Role.TRAINER, email="ana@x.example", time_zone="US/Eastern")
    path = reverse("admin:distributors_user_change", args=[someone.pk])
    client = desk(role=Role.OPERATOR)
    sent = {"email": someone.email, "name": "", "role": someone.role, "is_active": "on", "new_password": ""}
    # An old name that is offered to nobody stays what she has.
    assert '<option value="US/Eastern" selected>' in client.get(path).text
    client.post(path, sent | {"time_zone": "US/Eastern"})
    assert User.objects.get(pk=someone.pk).time_zone == "US/Eastern"
    assert "Mars/Olympus is not a time zone name." in client.post(path, sent | {"time_zone": "Mars/Olympus"}).text
    client.post(path, sent | {"time_zone": "Europe/Madrid"})
    assert User.objects.get(pk=someone.pk).time_zone == "Europe/Madrid"


def test_an_installation_in_no_zone_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEP_DESK_TIME_ZONE", "Mars/Olympus")
    with pytest.raises(ImproperlyConfigured, match="PEP_DESK_TIME_ZONE: Mars/Olympus is not a time zone name"):
        time_zone("PEP_DESK_TIME_ZONE", "UTC")


def test_places_are_offered_by_region() -> None:
    regions = dict(zones.by_region())
    assert ("America/New_York", "America/New York") in regions["America"]
    assert "Etc" not in regions
    assert len(zones.offered()) > 400


def zone_in(request: HttpRequest) -> str:
    found: list[str] = []

    def view(_request: HttpRequest) -> HttpResponse:
        found.append(timezone.get_current_timezone_name())
        return HttpResponse()

    desk_clock(view)(request)
    return found[0]
