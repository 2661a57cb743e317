"""What to expect: a fragment for the console and a page by itself, for HQ, with a figure or with the reason why not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from activities.evidence import off_policy_log
from activities.evidence.off_policy import Estimate
from activities.evidence.off_policy_log import KEPT, Answer
from activities.models import Slate
from activities.views.estimate import Lines
from distributors.models import Role
from kpis.models import Campaign
from tests import factories as f
from tests.activities.test_off_policy import LAST, proposal, weeks_of_lists

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    KEPT.results.clear()
    with time_machine.travel(f.NOW, tick=False):
        yield
    KEPT.results.clear()


@pytest.fixture
def campaign() -> Campaign:
    return weeks_of_lists()


def of(role: Role = Role.HQ_VIEWER) -> Client:
    client = Client()
    client.force_login(f.user(role))
    return client


def asked(campaign: Campaign, query: str, client: Client | None = None, **headers: str) -> Any:
    return (client or of()).get(f"{reverse('estimate', args=[campaign.pk])}?{query}", headers=headers)


def test_it_works(campaign: Campaign) -> None:
    query = proposal(campaign, repeat_orders=30, order_size=35).query
    page = asked(campaign, query)
    text = page.content.decode()
    found = off_policy_log.answer(proposal(campaign, repeat_orders=30, order_size=35), f.NOW)
    lines = Lines(found)
    for said in (lines.done, lines.was, lines.would_be, lines.range, lines.effective, "280 lists, 40 people"):
        assert said in text
    assert "27 July to 23 August" in text
    assert "never a promise" in text
    assert f"Of {lines.answer.cards:,} cards shown" in text
    assert "<h1>" in text and reverse("console", args=[campaign.pk]) in text


def test_for_htmx_it_is_a_fragment(campaign: Campaign) -> None:
    page = asked(campaign, proposal(campaign).query, **{"HX-Request": "true"})
    text = page.content.decode()
    assert text.startswith('<div class="ph"><h2 id="e-h">')
    assert "<html" not in text and "style=" not in text
    assert page["Vary"].find("HX-Request") >= 0


def test_without_weights_it_is_of_those_published_last(campaign: Campaign) -> None:
    text = asked(campaign, "").content.decode()
    assert "Those lists were drawn with these weights." in text
    assert "<dl class" not in text


@pytest.mark.parametrize(("headers", "status"), [({}, 422), ({"HX-Request": "true"}, 200)])
@pytest.mark.parametrize("query", ["w1=x&share=60", "share=40", "w1=200&share=60", "w1=5"])
def test_what_is_no_weight_is_said_in_a_sentence(query: str, headers: dict[str, str], status: int) -> None:
    page = asked(f.campaign(), query, **headers)
    assert page.status_code == status
    assert '<p class="problem">' in page.content.decode()
    assert "lines" not in page.context


def test_a_refusal_has_no_figure(campaign: Campaign) -> None:
    Slate.objects.all().delete()
    text = asked(campaign, proposal(campaign).query, **{"HX-Request": "true"}).content.decode()
    assert "None of these people has been shown a list yet." in text
    assert "<dl" not in text and '<svg class="ci' not in text


@pytest.mark.parametrize("role", Role)
def test_who_may_read_it(role: Role) -> None:
    expected = 200 if role in {Role.HQ_VIEWER, Role.HQ_EDITOR, Role.HQ_APPROVER} else 404
    assert asked(f.campaign(), "share=60", of(role)).status_code == expected


def test_nothing_is_sent_to_it() -> None:
    url = reverse("estimate", args=[f.campaign().pk])
    assert of(Role.HQ_EDITOR).post(url).status_code == 405
    assert of().get(reverse("estimate", args=[999_999])).status_code == 404
    assert Client().get(url).status_code == 302


def test_queries_do_not_grow_with_the_lists(campaign: Campaign, django_assert_max_num_queries: Any) -> None:
    client = of()
    asked(campaign, proposal(campaign).query, client)
    with django_assert_max_num_queries(18):
        asked(campaign, proposal(campaign, order_size=30, repeat_orders=35).query, client, **{"HX-Request": "true"})


def lines(was: float = 1.0, would_be: float = 1.1, error: float = 0.02, **fields: Any) -> Lines:
    found = Estimate(was, would_be, error, 850.7, 2140, 412)
    return Lines(
        Answer(found, LAST, LAST, **{"cards": 10700, "possible": 1.0, "left_out": 0, "capped": False} | fields)
    )


def test_what_is_said() -> None:
    assert lines().done == "Of 10,700 cards shown, 2,140 were done. With these weights about 2,354 would have been."
    assert (lines().difference, lines().range) == ("+0.10", "+0.06 to +0.14")
    assert lines().effective == "850"
    assert lines().verdict == "A rise that chance does not explain."
    assert lines(would_be=0.9).verdict == "A drop that chance does not explain."
    assert lines(would_be=0.9).difference == "−0.10"
    assert lines(error=0.2).verdict.startswith("No clear difference")
    # As written, not as computed: +0.00 is none.
    assert lines(would_be=1.003, error=0.001).verdict.startswith("No clear difference")
    assert lines(would_be=1.001, error=0.001).difference == "0.00"


def test_the_weights_of_then_are_compared_with_nothing() -> None:
    same = lines(would_be=1.0 + 1e-13, error=1e-17)
    assert same.done == "Of 10,700 cards shown, 2,140 were done."
    assert same.verdict.startswith("Those lists were drawn with these weights.")


def test_what_is_added() -> None:
    assert lines().caveats == []
    assert lines(possible=0.987).caveats[0].startswith("98% of the cards these weights draw could be on those lists")
    assert lines(left_out=1).caveats == ["1 more list cannot be weighed again and is left out."]
    assert lines(capped=True).caveats == ["Only the newest 20,000 lists are read."]
