"""What she sent to one person and what came of it, on the person's page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from activities import crediting
from activities.messages import outreach
from activities.models import Asset, AssetText, LinkDay, Outreach, ShareLink
from distributors.models import Customer
from tests import factories as make
from tests.activities.stage import order
from tests.pages import HTMX, now, signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now


@pytest.fixture
def maya() -> Customer:
    make.product("EYE-1")
    return make.customer(make.distributor(), name="Maya Okafor", phone="+1 555 0100")


def sent(to: Customer, days_ago: int = 0, **fields) -> Outreach:
    at = make.NOW - timedelta(days=days_ago)
    given = {"channel": "text", "language": "en", "text": "Hi Maya, how is the liner?", "activity": None}
    message = outreach.opened(distributor=to.distributor, customer=to, as_of=at, by=None, **given | fields)
    return outreach.sent(distributor=to.distributor, outreach_id=message.pk, as_of=at, by=None)


def fragment(customer: Customer, **headers) -> str:
    client = signed_in(customer.distributor)
    return words(client.get(reverse("person_outreach", args=[customer.pk]), headers=HTMX | headers))


def test_it_works(maya: Customer) -> None:
    sent(maya)
    text = fragment(maya)
    assert "Hi Maya, how is the liner?" in text and "27 August" in text and "<html" not in text
    assert "Sent by text" in text and "Looking out for an order or an answer from Maya until 10 September." in text


def test_nothing_sent_says_nothing(maya: Customer) -> None:
    assert "<section" not in fragment(maya)


def test_an_order_two_days_later(maya: Customer) -> None:
    sent(maya, days_ago=5)
    order(maya.distributor, maya, 3)
    crediting.credit([maya.distributor.pk], as_of=make.NOW)
    text = fragment(maya)
    assert "Ordered $34 2 days later" in text and "Looking out" not in text


def test_no_result_in_time_is_said(maya: Customer) -> None:
    sent(maya, days_ago=20)
    assert "No result by 21 August" in fragment(maya)


def test_how_often_the_link_was_opened(maya: Customer) -> None:
    asset = Asset.objects.create(key="look", kind="article", status="published")
    AssetText.objects.create(asset=asset, language="en", title="One look, two ways")
    link = ShareLink.objects.create(
        token="t", distributor=maya.distributor, customer=maya, asset=asset, language="en", made_at=make.NOW
    )
    sent(maya, link=link)
    LinkDay.objects.create(link=link, day=make.TODAY, opens=3, last_at=make.NOW)
    text = fragment(maya)
    assert "One look, two ways" in text and "Link opened 3 times" in text
    assert "Looking out for an order or an answer" in text  # an open is no result


def test_an_open_one_is_asked_about_here_too(maya: Customer) -> None:
    message = make.outreach(maya)
    client = signed_in(maya.distributor)
    assert "Sent it?" in fragment(maya)
    done = client.post(reverse("message_sent", args=[message.pk]), {"in": "person"}, headers=HTMX)
    assert 'id="outreach"' in words(done) and "Looking out for an order or an answer" in words(done)
    plain = client.post(reverse("message_undo", args=[message.pk]), {"in": "person"})
    assert plain.status_code == 303 and plain["Location"] == reverse("person", args=[maya.pk])
    client.post(reverse("message_not_sent", args=[message.pk]), {"in": "person"}, headers=HTMX)
    assert "Sent it?" not in fragment(maya)


def test_a_page_of_its_own_without_script(maya: Customer) -> None:
    sent(maya)
    page = words(signed_in(maya.distributor).get(reverse("person_outreach", args=[maya.pk])))
    assert "<html" in page and "What you sent Maya" in page


def test_nobody_elses(maya: Customer) -> None:
    message, other = make.outreach(maya), signed_in(make.distributor())
    assert other.get(reverse("person_outreach", args=[maya.pk])).status_code == 404
    for name in ("message_sent", "message_not_sent", "message_undo"):
        assert other.post(reverse(name, args=[message.pk])).status_code == 404


def test_queries_do_not_grow_with_the_messages(maya: Customer, django_assert_num_queries) -> None:
    client, url = signed_in(maya.distributor), reverse("person_outreach", args=[maya.pk])
    for day in range(1, 3):
        sent(maya, days_ago=day)
    client.get(url, headers=HTMX)
    with django_assert_num_queries(6):
        client.get(url, headers=HTMX)
    for day in range(3, 7):
        sent(maya, days_ago=day)
    with django_assert_num_queries(6):
        client.get(url, headers=HTMX)


def test_a_long_message_is_there_as_a_whole(maya: Customer) -> None:
    sent(maya, text="Hi Maya, " + "how is the liner? " * 9 + "See you on Friday")
    assert "See you on Friday</p></details>" in fragment(maya)


def test_what_was_sent_is_told_once_on_the_page(maya: Customer) -> None:
    card = make.activity("refill", "Ask {name}", form="message", about="check_in")
    sent(maya, activity=card, channel="whatsapp")
    sent(maya, channel="text")
    page = words(signed_in(maya.distributor).get(reverse("person", args=[maya.pk])))
    assert "Sent by WhatsApp" in page and "Sent by text" in page and "how is the liner" not in page
    assert maya.notes.count() == 2


def test_an_open_message_is_asked_about_before_anything_new(maya: Customer) -> None:
    one = outreach.opened(
        distributor=maya.distributor, customer=maya, as_of=make.NOW, by=None, channel="text", language="en",
        text="Hi Maya, how is the liner?", activity=None,
    )  # fmt: skip
    client, step = signed_in(maya.distributor), reverse("next_step", args=[maya.pk])
    asked = words(client.get(step))
    assert "Sent it?" in asked and "how is the liner?" in asked and reverse("message_not_sent", args=[one.pk]) in asked
    answered = client.post(reverse("message_sent", args=[one.pk]), {"in": "person"}, headers=HTMX)
    assert f'hx-get="{step}"' in words(answered), "the step is asked for again"
    assert "Sent it?" not in words(client.get(step))
