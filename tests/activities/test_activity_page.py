from __future__ import annotations

import pytest
from django.urls import reverse

from activities import richtext
from activities.models import ActivityText, AssetText
from activities.richtext import render_markdown
from distributors.models import Customer, Distributor, Role
from tests import factories as make
from tests.activities.stage import stage
from tests.pages import now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def dora() -> Distributor:
    return stage()


def about(dora: Distributor) -> tuple[str, Customer]:
    card = next(c for c in signed_in(dora).get("/").context["feed"].cards if c.candidate.customer)
    return card.key, card.candidate.customer


def test_it_works(dora: Distributor) -> None:
    page = signed_in(dora).get("/")
    for card in page.context["feed"].cards:
        detail = signed_in(dora).get(reverse("activity", args=[card.key]))
        text = words(detail)
        assert detail.status_code == 200 and card.title in text and "Why you see this" in text
        for reason in detail.context["card"].reasons:
            assert reason.heading.replace("’", "’") in text


def test_the_message_goes_out_by_her_own_phone(dora: Distributor) -> None:
    key, customer = about(dora)
    Customer.objects.filter(pk=customer.pk).update(phone="+1 555 0100", email="c@example.com")
    ActivityText.objects.filter(activity__key=key.partition(".")[0]).update(message="Hi {name}, & how is it?")
    text = words(signed_in(dora).get(reverse("message", args=[key])))
    given = customer.given_name
    assert f"sms:+15550100?&amp;body=Hi%20{given}%2C%20%26%20how%20is%20it%3F" in text
    assert "https://wa.me/15550100?text=Hi%20" in text and "mailto:c@example.com?subject=" in text


def test_nobody_is_reached_who_asked_not_to_be(dora: Distributor) -> None:
    key, customer = about(dora)
    Customer.objects.filter(pk=customer.pk).update(phone="+1 555 0100", do_not_contact=True)
    assert "sms:" not in words(signed_in(dora).get(reverse("message", args=[key])))


def test_a_done_one_can_still_be_read_and_undone(dora: Distributor) -> None:
    client, (key, _customer) = signed_in(dora), about(dora)
    client.post(reverse("activity_action", args=[key, "complete"]))
    text = words(client.get(reverse("activity", args=[key])))
    assert "Done 11:00." in text and "Undo" in text and "Why you see this" not in text


@pytest.mark.parametrize(
    "key", ["nothing", "win-back", "win-back.c999999", "reorder-talk.c1", "win-back.r1", "..", "win-back.c1x"]
)
def test_what_is_not_there_is_not_there(dora: Distributor, key: str) -> None:
    assert signed_in(dora).get(f"/activity/{key}/").status_code == 404


def test_somebody_elses_customer_is_not_there(dora: Distributor) -> None:
    theirs = make.customer(make.distributor())
    assert signed_in(dora).get(reverse("activity", args=[f"win-back.c{theirs.pk}"])).status_code == 404
    assert signed_in(dora).get(reverse("next_step", args=[theirs.pk])).status_code == 404


def test_next_step_is_the_best_card_about_that_person(dora: Distributor) -> None:
    key, customer = about(dora)
    text = words(signed_in(dora).get(reverse("next_step", args=[customer.pk])))
    assert reverse("activity", args=[key]) in text and "<html" not in text


@pytest.mark.parametrize(
    "stored",
    [
        "<script>alert(1)</script>",
        '<div hx-post="/x" hx-trigger="load">a</div>',
        '<div data-hx-post="/x" data-hx-trigger="load">a</div>',
        "[a](javascript:alert(1))",
        "![a](https://evil.example/pixel.png)",
        '<a href="x" onclick="y">z</a>',
        '<p style="position:fixed">a</p>',
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
    ],
)
def test_authors_text_cannot_act(stored: str) -> None:
    html = render_markdown(stored)
    for bad in ("<script", "<div", "<img", '<a href="x"', 'href="javascript', 'href="data', "<p style"):
        assert bad not in html


def test_authors_text_is_formatted() -> None:
    html = render_markdown("1. One\n2. *Two*\n\n[a](https://example.com)")
    assert "<ol>" in html and "<em>Two</em>" in html and 'rel="noopener nofollow"' in html


def test_a_text_longer_than_may_be_written_is_not_read_as_markdown(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(richtext.markdown, "render", lambda text: read.append(text) or "<p>read</p>")
    slow = "*a_ " * 40_000
    assert render_markdown(slow + "<script>").startswith("<p>*a_ *a_ ") and read == []
    assert "&lt;script&gt;" in render_markdown(slow + "<script>")
    assert render_markdown(slow[: richtext.LONGEST]) == "<p>read</p>" and len(read) == 1


def test_what_may_be_written_is_read_as_markdown_with_names_filled_in() -> None:
    for model in (AssetText, ActivityText):
        assert 2 * model._meta.get_field("body").max_length <= richtext.LONGEST


def test_team_step_is_about_her_own_recruit(dora: Distributor) -> None:
    rosa, stranger = dora.recruits.get(name="Rosa Blum"), make.distributor()
    leader = signed_in(dora, Role.LEADER)
    text = words(leader.get(reverse("team_step", args=[rosa.pk])))
    assert "Check in with Rosa" in text and f"check-recruit.r{rosa.pk}" in text
    assert leader.get(reverse("team_step", args=[stranger.pk])).status_code == 404
