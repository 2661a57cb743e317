"""What a stranger sees behind a personal link: the item and no more; and which requests count as an open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from activities import richtext
from activities.library import sharing
from activities.models import Asset, AssetText, ShareLink
from distributors.models import Distributor
from tests import factories as make
from tests.activities import library_stage as stage
from tests.pages import now, signed_in  # noqa: F401  (a fixture)
from tests.pep.test_logging import Lines, written  # noqa: F401  (a fixture)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]

ADDRESS = "https://shop.example/liner?a=1"


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def page(link: ShareLink, **headers: str) -> Any:
    return Client().get(f"/s/{link.token}/", headers={"User-Agent": stage.BROWSER, **headers})


def seen(link: ShareLink, client: Client | None = None, /, **headers: str) -> Any:
    told = {**stage.PERSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return (client or Client(enforce_csrf_checks=True)).post(f"/s/{link.token}/seen/", headers=told)


def opens(link: ShareLink) -> int:
    return sharing.opens([link])[link.pk]


def elsewhere(kind: str = Asset.Kind.LINK, **fields: Any) -> Asset:
    return stage.item("", kind, words={"url": ADDRESS}, **fields)


def test_it_works() -> None:
    her = make.distributor(name="Jenna Rivera")
    link = stage.link(her, stage.article("three-steps"), make.customer(her, name="Maya Ortiz"))
    response = page(link)
    assert response.status_code == 200
    assert "Jenna of YouSystem shared this with you" in response.text
    assert "<em>middle</em>" in response.text
    assert "A question? Answer the message this came with." in response.text
    assert "Jenna sees that this link was opened. Nothing about you or your phone is kept." in response.text
    assert seen(link).status_code == 204
    assert opens(link) == 1


def test_a_text_is_rendered_for_the_first_reader_only(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(richtext.markdown, "render", lambda text: read.append(text) or "<p>once</p>")
    richtext.rendered_once.cache_clear()
    link = stage.link(asset=stage.article("three-steps"))
    assert ["<p>once</p>" in page(link).text for _reader in range(3)] == [True] * 3
    assert len(read) == 1
    richtext.rendered_once.cache_clear()


def test_it_says_nothing_else_of_her_and_nothing_of_her_customer() -> None:
    her = make.distributor(name="Jenna Rivera", external_id="D-4711")
    customer = make.customer(her, name="Maya Ortiz", phone="+1 555 0100", email="maya@example.com")
    text = page(stage.link(her, customer=customer)).text
    for private in ("Rivera", "D-4711", "Maya", "Ortiz", "555", "maya@", f"/people/{customer.pk}"):
        assert private not in text


def test_no_cookie_whatever_a_stranger_does() -> None:
    link = stage.link(asset=stage.item("", Asset.Kind.DOCUMENT, words={"data": stage.PDF}))
    client = Client(enforce_csrf_checks=True)
    answers = [
        client.get(f"/s/{link.token}/"), client.head(f"/s/{link.token}/"), client.get("/s/unknown-token-0000000/"),
        client.post(f"/s/{link.token}/seen/", headers=stage.PERSON), client.get(f"/s/{link.token}/file/"),
        client.post(f"/s/{link.token}/open/", headers=stage.PERSON), client.post(f"/s/{link.token}/seen/"),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [200, 200, 404, 204, 200, 303, 204]
    assert stage.read(answers[4]) == stage.PDF
    assert [answer.cookies.output() for answer in answers] == [""] * 7
    assert not client.cookies


def test_it_stays_out_of_search_engines_and_of_the_next_site_s_logs() -> None:
    for response in (page(stage.link()), Client().get("/s/unknown-token-0000000/")):
        assert response["Referrer-Policy"] == "same-origin"
        assert "noindex" in response["X-Robots-Tag"]
    text = page(stage.link()).text
    assert 'content="noindex,nofollow"' in text
    # Not "no-referrer": with it older browsers say "Origin: null" on our own page, and their opens are not counted.
    assert 'name="referrer" content="same-origin"' in text and "no-referrer" not in text


def test_a_messenger_shows_a_preview_of_it() -> None:
    link = stage.link(asset=stage.item("chart", Asset.Kind.IMAGE, words={"data": stage.picture(), "alt": "Six shades"}))
    text = page(link, **{"User-Agent": "WhatsApp/2.23"}).text
    assert '<meta property="og:title" content="chart in en">' in text
    assert '<meta property="og:description" content="Three small moves.">' in text
    assert f'<meta property="og:image" content="http://testserver/s/{link.token}/file/">' in text
    assert 'alt="Six shades"' in text


def test_the_page_is_in_the_link_s_language() -> None:
    asset = stage.article("three-steps")
    stage.text(asset, "de", title="Drei Schritte", body="Fang in der Mitte an.")
    text = page(stage.link(asset=asset, language="de")).text
    assert '<html lang="de"' in text and "Drei Schritte" in text
    # Not written in it: the English one, as one page.
    assert '<html lang="en"' in page(stage.link(make.distributor(), asset, language="pt-br")).text


def test_a_trainer_s_text_runs_nothing() -> None:
    body = '<script>x()</script> [a](javascript:x) <img src=x onerror=y> [b](https://a.example/ "t")'
    text = page(stage.link(asset=stage.item(words={"title": "<b>T</b>", "body": body, "caption": '"><script>'}))).text
    assert "<script>" not in text and "javascript:" not in text.replace("[a](javascript:x)", "") and "<img" not in text
    assert "&lt;b&gt;T&lt;/b&gt;" in text


@pytest.mark.parametrize(
    ("kind", "words", "there", "missing"),
    [
        ("image", {"data": stage.picture(), "alt": "Six"}, ["<img", "/file/"], ["<form", "<video"]),
        ("document", {"data": stage.PDF}, ['method="post"', "Open the PDF"], ["<img", "<video"]),
        ("video", {"data": stage.MP4}, ["<video", 'preload="metadata"', "controls"], ["<form", "<iframe"]),
        ("video", {"url": ADDRESS}, ["Watch the video", 'method="post"'], ["<video", "<iframe"]),
        ("link", {"url": ADDRESS}, ["Open the page", 'method="post"'], ["<video", "<iframe"]),
    ],
)
def test_each_kind_has_its_own_body(kind: str, words: dict[str, Any], there: list[str], missing: list[str]) -> None:
    text = page(stage.link(asset=stage.item("", kind, words=words))).text
    assert all(part in text for part in there)
    assert not any(part in text for part in missing)
    assert "csrfmiddlewaretoken" not in text


def test_an_unknown_link_is_told_kindly() -> None:
    for token in ("x", "unknown-token-0000000", "a" * 40, "..%2F..", "'%20OR%201=1"):
        response = Client().get(f"/s/{token}/")
        assert response.status_code == 404
    assert "Ask who sent it" in Client().get("/s/unknown-token-0000000/").text


@pytest.mark.parametrize("changed", [{"status": "retired"}, {"status": "draft"}, {"expires_on": "2026-08-26"}])
def test_what_has_ended_says_so(changed: dict[str, Any]) -> None:
    link = stage.link(asset=elsewhere())
    Asset.objects.update(**changed)
    response = page(link)
    assert (response.status_code, "no longer shared" in response.text) == (410, True)
    assert ADDRESS not in response.text
    assert seen(link).status_code == 404
    assert Client().post(f"/s/{link.token}/open/", headers=stage.PERSON).status_code == 404
    assert Client().get(f"/s/{link.token}/file/").status_code == 404
    assert opens(link) == 0


def test_the_last_day_is_her_market_s() -> None:
    link = stage.link(make.distributor(market=make.market("us")))  # New York
    Asset.objects.update(expires_on="2026-08-27")
    with time_machine.travel("2026-08-28T03:30Z"):
        assert page(link).status_code == 200
    with time_machine.travel("2026-08-28T04:30Z"):
        assert page(link).status_code == 410


def test_who_left_is_not_named() -> None:
    link = stage.link(make.distributor(name="Jenna Rivera"))
    Distributor.objects.update(left_on="2026-08-01")
    response = page(link)
    assert response.status_code == 200
    assert "Jenna" not in response.text and "From YouSystem" in response.text
    assert "It is counted that this link was opened. Nothing about you or your phone is kept." in response.text


# What counts


def test_looking_at_it_by_get_or_head_never_counts() -> None:
    link = stage.link(asset=stage.item("", Asset.Kind.DOCUMENT, words={"data": stage.PDF}))
    for path in ("", "file/"):
        for method in ("get", "head"):
            stage.read(getattr(Client(), method)(f"/s/{link.token}/{path}", headers=stage.PERSON))
    for path in ("seen/", "open/"):
        assert Client().get(f"/s/{link.token}/{path}", headers=stage.PERSON).status_code == 405
    assert opens(link) == 0


@pytest.mark.parametrize(
    "agent",
    [
        "", "WhatsApp/2.23.20.0", "facebookexternalhit/1.1", "Slackbot-LinkExpanding 1.0", "Twitterbot/1.0",
        "TelegramBot (like TwitterBot)", "SkypeUriPreview Preview/0.5", "Mozilla/5.0 (compatible; Googlebot/2.1)",
        "LinkedInBot/1.0", "Mozilla/5.0 (compatible; bingbot/2.0)", "curl/8.5.0", "python-requests/2.32", "Discordbot/2.0",
        "Mozilla/5.0 HeadlessChrome/126.0", "Mozilla/5.0 (compatible; Yahoo! Slurp)", "BingPreview/1.0b",
    ],
)  # fmt: skip
def test_a_program_is_no_open(agent: str) -> None:
    link = stage.link()
    seen(link, User_Agent=agent)
    assert opens(link) == 0


@pytest.mark.parametrize(
    "agent",
    [
        stage.BROWSER,
        "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Mobile Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) AppleWebKit/605.1.15 Mobile/15E148 [FBAN/FBIOS;FBAV/440.0]",
        "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36 Instagram 310.0",
    ],
)
def test_a_person_in_a_browser_or_an_app_is(agent: str) -> None:
    link = stage.link()
    seen(link, User_Agent=agent)
    assert opens(link) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Purpose": "prefetch"}, {"Sec_Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}, {"X_Moz": "prefetch"},
        {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Sec_Fetch_Site": "none"},
    ],
)  # fmt: skip
def test_ahead_of_time_or_from_another_site_is_no_open(headers: dict[str, str]) -> None:
    link = stage.link()
    assert seen(link, **headers).status_code == 204
    assert opens(link) == 0


@pytest.mark.parametrize(
    ("origin", "counts"), [("http://testserver", 1), ("https://evil.example", 0), ("null", 0), ("", 0)]
)
def test_an_older_browser_is_judged_by_its_origin(origin: str, counts: int) -> None:
    link = stage.link()
    headers = {"User-Agent": stage.BROWSER} | ({"Origin": origin} if origin else {})
    Client().post(f"/s/{link.token}/seen/", headers=headers)
    assert opens(link) == counts


def test_she_does_not_count_when_she_looks_herself() -> None:
    her = make.distributor()
    link = stage.link(her)
    seen(link, signed_in(her))
    seen(link, signed_in(make.distributor()))
    assert opens(link) == 0


def test_a_second_tap_within_ten_minutes_is_the_same_open() -> None:
    link = stage.link(asset=elsewhere())
    seen(link)
    Client().post(f"/s/{link.token}/open/", headers=stage.PERSON)
    assert opens(link) == 1
    with time_machine.travel(make.NOW + timedelta(minutes=11)):
        seen(link)
    assert opens(link) == 2


# The button


def test_the_button_counts_and_leads_to_the_item_s_own_address() -> None:
    link = stage.link(asset=elsewhere())
    response = Client(enforce_csrf_checks=True).post(f"/s/{link.token}/open/", headers=stage.PERSON)
    assert (response.status_code, response["Location"]) == (303, ADDRESS)
    assert opens(link) == 1


def test_a_browser_may_follow_the_button_there_and_nowhere_else() -> None:
    policy = page(stage.link(asset=elsewhere()))["Content-Security-Policy"]
    assert "form-action 'self' https://shop.example;" in policy + ";"
    assert "form-action 'self';" in page(stage.link())["Content-Security-Policy"] + ";"


@pytest.mark.parametrize("url", ["https://shop.example:99999/", "https://[::1", "https://" + "a" * 70 + ".example/"])
def test_an_address_that_no_browser_opens_is_no_fault_of_the_page(url: str) -> None:
    """The admin refuses it; this is what happens when it stands in the table anyway."""
    link = stage.link(asset=elsewhere())
    AssetText.objects.update(url=url)
    response = page(link)
    assert response.status_code == 200
    assert "form-action 'self';" in response["Content-Security-Policy"] + ";"
    assert Client().post(f"/s/{link.token}/open/", headers=stage.PERSON).status_code == 404


def test_no_word_of_the_request_changes_where_it_leads() -> None:
    link = stage.link(asset=elsewhere())
    evil = "https://evil.example/"
    response = Client().post(
        f"/s/{link.token}/open/?next={evil}&url={evil}",
        {"next": evil, "url": evil},
        headers={**stage.PERSON, "Referer": evil},
    )
    assert response["Location"] == ADDRESS


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://shop.example/", "//evil.example", "data:text/html,x"])
def test_an_address_that_is_no_https_leads_nowhere(url: str) -> None:
    """The admin refuses it; this is what happens when it stands in the table anyway."""
    link = stage.link(asset=elsewhere())
    AssetText.objects.update(url=url)
    assert Client().post(f"/s/{link.token}/open/", headers=stage.PERSON).status_code == 404


def test_an_article_s_address_is_not_followed() -> None:
    link = stage.link(asset=stage.item(words={"url": ADDRESS, "body": "x"}))
    assert Client().post(f"/s/{link.token}/open/", headers=stage.PERSON).status_code == 404


# Cost and traces


def test_a_page_costs_two_queries_and_an_open_a_few(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    link = stage.link(asset=stage.article(line=make.product_line()))
    with django_assert_num_queries(2):
        page(link)
    seen(link)
    with django_assert_num_queries(6):  # two to find it, then savepoint, lock, newest day, release
        seen(link)


def test_the_token_is_in_no_log(written: Lines) -> None:  # noqa: F811
    link = stage.link(asset=elsewhere())
    page(link)
    seen(link)
    Client().post(f"/s/{link.token}/open/", headers=stage.PERSON)
    Client().get(f"/s/{link.token}/nothing-here/")
    assert {line["route"] for line in written.parsed("request")} >= {"s/<str:token>/", "s/<str:token>/seen/"}
    assert link.token not in written.getvalue()


def test_the_token_is_in_no_table_but_its_own() -> None:
    link = stage.link(asset=elsewhere())
    seen(link)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pghistory_context WHERE metadata::text LIKE %s", [f"%{link.token}%"])
        assert cursor.fetchone() == (0,)
