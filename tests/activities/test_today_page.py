from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from activities.models import Action
from distributors.models import Distributor
from tests import factories as make
from tests.activities.stage import stage
from tests.pages import HTMX, now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def dora() -> Distributor:
    return stage()


def first_row_key(client: Client) -> str:
    return client.get("/").context["then_cards"][0].key


def test_it_works(dora: Distributor) -> None:
    page = signed_in(dora).get("/")
    assert page.status_code == 200
    text = words(page)
    assert "Thursday 27 August" in text
    assert "$62.50 to go this\u00a0week" in text
    assert "<b>$187.50</b> of $250" in text and "75%" in text and "$44 ahead of pace" in text
    assert "Enrolments in August" in text and "to go in 5 days" in text
    for card in page.context["feed"].cards:
        assert card.title in text and reverse("activity", args=[card.key]) in text


def test_it_needs_a_sign_in() -> None:
    assert Client().get("/").status_code == 302


def test_no_inline_script_or_style(dora: Distributor) -> None:
    text = words(signed_in(dora).get("/"))
    assert "<style" not in text and " style=" not in text and "onclick" not in text and "<script>" not in text


def test_queries_do_not_grow_with_history(dora: Distributor) -> None:
    client = signed_in(dora)
    client.get("/")
    with CaptureQueriesContext(connection) as before:
        client.get("/")
    for n in range(30):
        make.customer(dora, name=f"Extra {n}", kind="prospect", added_at=make.NOW - timedelta(days=90 + n))
    client.get("/")
    with CaptureQueriesContext(connection) as after:
        client.get("/")
    assert len(after) <= len(before) <= 42, len(before)


def test_done_without_script_comes_back_with_an_undo(dora: Distributor) -> None:
    client = signed_in(dora)
    key = first_row_key(client)
    response = client.post(reverse("activity_action", args=[key, "complete"]))
    assert response.status_code == 303
    page = client.get(response["Location"])
    assert "Done. Your week is at 75%." in words(page) and "1 done today" in words(page)
    assert key not in [card.key for card in page.context["feed"].cards]
    undone = client.post(reverse("action_undo", args=[Action.objects.get().pk]))
    assert (undone.status_code, undone["Location"]) == (303, "/")
    assert not Action.objects.standing().exists()


def test_done_with_htmx_swaps_the_row_and_updates_the_rest(dora: Distributor) -> None:
    client = signed_in(dora)
    response = client.post(
        reverse("activity_action", args=[first_row_key(client), "complete"]), {"in": "row"}, headers=HTMX
    )
    text = words(response)
    assert text.lstrip().startswith('<li class="act done"')
    assert 'id="goals"' in text and 'id="done"' in text and 'id="undo"' in text
    # Goals, what is done, both headings of the list, and the undo bar.
    assert text.count('hx-swap-oob="true"') == 5
    assert "1 of 5 done today" in text
    assert "<html" not in text
    assert "HX-Request" in response["Vary"]


def test_undo_with_htmx_returns_the_row(dora: Distributor) -> None:
    client = signed_in(dora)
    key = first_row_key(client)
    client.post(reverse("activity_action", args=[key, "complete"]), headers=HTMX)
    text = words(client.post(reverse("action_undo", args=[Action.objects.get().pk]), {"in": "row"}, headers=HTMX))
    assert text.lstrip().startswith('<li class="act"') and reverse("activity", args=[key]) in text


def test_later_is_tomorrow_unless_she_says(dora: Distributor) -> None:
    client = signed_in(dora)
    key = first_row_key(client)
    text = words(client.post(reverse("activity_action", args=[key, "snooze"]), {"in": "next"}, headers=HTMX))
    assert "Back on Friday 28 August." in text and text.lstrip().startswith("<article")
    client.post(reverse("activity_action", args=[key, "snooze"]), {"until": "2026-08-31"})
    assert Action.objects.standing().get().until.isoformat() == "2026-08-31"


@pytest.mark.parametrize("until", ["", "never", "2020-01-01", "9999-12-31"])
def test_a_bad_day_is_put_right(dora: Distributor, until: str) -> None:
    client = signed_in(dora)
    client.post(reverse("activity_action", args=[first_row_key(client), "snooze"]), {"until": until})
    action = Action.objects.standing().get()
    assert make.TODAY < action.until <= make.TODAY + timedelta(days=90)


def test_dismiss_keeps_its_reason(dora: Distributor) -> None:
    client = signed_in(dora)
    client.post(reverse("activity_action", args=[first_row_key(client), "dismiss"]), {"reason": "fewer"})
    assert Action.objects.get().reason == "fewer"


def test_start_is_remembered(dora: Distributor) -> None:
    client = signed_in(dora)
    key = client.get("/").context["next_card"].key
    assert client.post(reverse("activity_action", args=[key, "start"]), headers=HTMX).status_code == 204
    assert client.get("/").context["next_card"].started


@pytest.mark.parametrize("verb", ["explode", "undo", "Complete"])
def test_an_unknown_verb_is_not_there(dora: Distributor, verb: str) -> None:
    client = signed_in(dora)
    assert client.post(reverse("activity_action", args=[first_row_key(client), verb])).status_code == 404


def test_somebody_elses_card_and_action_are_not_there(dora: Distributor) -> None:
    other = make.distributor()
    customer = make.customer(other)
    client = signed_in(dora)
    assert client.post(reverse("activity_action", args=[f"win-back.c{customer.pk}", "complete"])).status_code == 404
    client.post(reverse("activity_action", args=[first_row_key(client), "complete"]))
    action = Action.objects.get()
    assert signed_in(other).post(reverse("action_undo", args=[action.pk])).status_code == 404
    assert Action.objects.standing().filter(pk=action.pk).exists()


def test_actions_need_a_token(dora: Distributor) -> None:
    key = first_row_key(signed_in(dora))
    client = signed_in(dora, enforce_csrf_checks=True)
    assert client.post(reverse("activity_action", args=[key, "complete"])).status_code == 403


def test_actions_are_not_links(dora: Distributor) -> None:
    client = signed_in(dora)
    assert client.get(reverse("activity_action", args=[first_row_key(client), "complete"])).status_code == 405


def test_day_one_asks_for_a_number() -> None:
    text = words(signed_in(make.distributor()).get("/"))
    assert "Start with one number" in text and reverse("goal_add") in text


def test_her_own_language_wins(dora: Distributor) -> None:
    Distributor.objects.filter(pk=dora.pk).update(language="de")
    page = signed_in(dora).get("/", headers={"Accept-Language": "es"})
    assert '<html lang="de"' in words(page) and page["Content-Language"] == "de"
    assert "62,50" in words(page)


def done_of(client: Client, n: int) -> list[int]:
    """Marks the first of the list done, so many times, and gives the actions."""
    for _ in range(n):
        client.post(reverse("activity_action", args=[client.get("/").context["feed"].cards[0].key, "complete"]))
    return list(Action.objects.standing().order_by("pk").values_list("pk", flat=True))


def test_the_day_ends_with_the_fifth(dora: Distributor) -> None:
    client = signed_in(dora)
    for n in range(6):  # enough for more lists than one
        make.activity(f"habit-{n}", f"Habit {n}", p_done=0.4, impacts={"sales": 4})
    text = words(client.get("/"))
    assert "1 of 5 today" in text and "Next up" in text and "That is today done" not in text
    done_of(client, 4)
    text = words(client.get("/"))
    assert "4 of 5 done today" in text and "Next up" in text and "That is today done" not in text
    actions = done_of(client, 1)
    page = client.get("/")
    text = words(page)
    assert len(page.context["feed"].cards) == 5, "what was drawn is shown all the same"
    assert "That is today done" in text and "What follows is extra." in text and "tomorrow morning" in text
    assert (
        "If you want more" in text and "Next up" not in text and "And after that" in text and "Then today" not in text
    )
    assert "of 5 today" not in text and "of 5 done today" not in text
    client.post(reverse("action_undo", args=[actions[-1]]))
    text = words(client.get("/"))
    assert "4 of 5 done today" in text and "That is today done" not in text and "Next up" in text


def test_the_fifth_closes_the_day_without_a_reload(dora: Distributor) -> None:
    client = signed_in(dora)
    for n in range(6):
        make.activity(f"habit-{n}", f"Habit {n}", p_done=0.4, impacts={"sales": 4})
    done_of(client, 4)
    url = reverse("activity_action", args=[client.get("/").context["then_cards"][0].key, "complete"])
    text = words(client.post(url, {"in": "row"}, headers=HTMX))
    assert 'id="next-head" hx-swap-oob="true"' in text and "That is today done" in text and "If you want more" in text
    last = Action.objects.standing().latest("pk")
    text = words(client.post(reverse("action_undo", args=[last.pk]), {"in": "row"}, headers=HTMX))
    assert 'id="next-head" hx-swap-oob="true"' in text and "That is today done" not in text and "4 of 5 done" in text


def test_a_short_list_counts_what_there_is(dora: Distributor) -> None:
    client = signed_in(dora)
    cards = len(client.get("/").context["feed"].cards)
    done_of(client, 3)
    page = client.get("/")
    left = len(page.context["feed"].cards)
    assert 0 < left < cards and f"3 of {min(5, 3 + left)} done today" in words(page)


def test_nobody_is_to_be_written_to_without_a_word_that_there_is_no_number(dora: Distributor) -> None:
    client = signed_in(dora)
    customer = dora.customers.get(name="Maria Ruiz")
    dora.customers.exclude(pk=customer.pk).update(do_not_contact=True)
    page = client.get("/")
    card = page.context["next_card"]
    assert card.candidate.customer == customer and card.candidate.activity.form == "message"
    said, link = "There is no number or address of Maria yet.", reverse("person_edit", args=[customer.pk])
    assert said in words(page) and link in words(page)
    customer.phone = "+1 555 0100"
    customer.save()
    assert said not in words(client.get("/"))


def test_why_the_list_discloses_the_companys_share(dora: Distributor) -> None:
    page = signed_in(dora).get(reverse("why_list"))
    text = words(page)
    for card in page.context["feed"].cards:
        assert f"{card.company_share}%" in text
