from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from distributors.models import Distributor, Measure, Role
from tests import factories as make
from tests.pages import now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


def test_it_works() -> None:
    dora = make.distributor(name="Dora Winter")
    assert "Dora Winter" in words(signed_in(dora).get(reverse("you")))


def test_name_and_language() -> None:
    dora = make.distributor()
    client = signed_in(dora)
    assert client.post(reverse("you"), {"form": "profile", "name": "Dora Spring", "language": "es"}).status_code == 303
    dora.refresh_from_db()
    assert (dora.name, dora.language) == ("Dora Spring", "es")
    assert '<html lang="es"' in words(client.get(reverse("you")))


@pytest.mark.parametrize("wrong", [{"name": ""}, {"name": "A", "language": "xx"}])
def test_a_bad_profile_is_refused(wrong: dict[str, str]) -> None:
    dora = make.distributor(name="Dora Winter")
    response = signed_in(dora).post(reverse("you"), {"form": "profile"} | wrong)
    assert response.status_code == 422 and "Dora Winter" in words(response)
    dora.refresh_from_db()
    assert dora.name == "Dora Winter"


def test_only_what_is_on_the_form_is_saved() -> None:
    dora, other = make.distributor(), make.distributor()
    signed_in(dora).post(
        reverse("you"),
        {
            "form": "profile",
            "name": "D",
            "language": "",
            "sponsor": other.pk,
            "external_id": "x",
            "own_goal_share": "1",
        },
    )
    dora.refresh_from_db()
    assert (dora.sponsor, dora.own_goal_share) == (None, None) and dora.external_id != "x"


def test_the_look_is_kept_by_the_device() -> None:
    client = signed_in(make.distributor())
    client.post(reverse("you"), {"form": "theme", "theme": "dark"})
    assert 'data-theme="dark"' in words(client.get(reverse("you")))
    client.post(reverse("you"), {"form": "theme", "theme": '"><script>'})
    assert "data-theme" not in words(client.get(reverse("you"))).split("<head>")[0]


@pytest.mark.parametrize(("sent", "kept"), [("0.80", Decimal("0.80")), ("", None)])
def test_she_raises_the_share_of_her_own_goals(sent: str, kept: Decimal | None) -> None:
    dora = make.distributor(own_goal_share=Decimal("0.70"))
    signed_in(dora).post(reverse("you"), {"form": "share", "own_goal_share": sent})
    dora.refresh_from_db()
    assert dora.own_goal_share == kept


@pytest.mark.parametrize("sent", ["0.10", "0.5", "2", "x"])
def test_no_other_share_is_taken(sent: str) -> None:
    dora = make.distributor()
    assert signed_in(dora).post(reverse("you"), {"form": "share", "own_goal_share": sent}).status_code == 422


def leader() -> Distributor:
    lena = make.distributor(name="Lena Moss")
    bea = make.distributor(name="Bea Kowalski", sponsor=lena)
    make.goal(bea, target=Decimal(100))
    Measure.objects.create(distributor=bea, metric="sales", day=make.TODAY, value=92)
    make.distributor(name="Dana Whitlock", sponsor=lena, joined_on=make.TODAY - timedelta(days=24))
    return lena


def test_team() -> None:
    text = words(signed_in(leader(), Role.LEADER).get(reverse("team")))
    assert "Bea Kowalski" in text and "92%" in text
    assert "Joined 24 days ago, no order yet." in text


def test_team_shows_no_customers_and_nobody_elses_people() -> None:
    lena = leader()
    make.customer(lena.recruits.first(), name="Canary Customer")
    make.distributor(name="Stranger Danger")
    text = words(signed_in(lena, Role.LEADER).get(reverse("team")))
    assert "Canary" not in text and "Stranger" not in text


def test_a_leader_without_recruits() -> None:
    assert signed_in(make.distributor(), Role.LEADER).get(reverse("team")).status_code == 200


def test_team_is_for_leaders() -> None:
    assert signed_in(make.distributor()).get(reverse("team")).status_code == 404
