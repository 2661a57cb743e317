"""A person who is erased is named nowhere: a canary in everything personal, and every table of the database is looked through."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from activities import actions, forgetting, joining, recommend
from activities.models import Action, Asset, LinkDay, Outreach, ShareLink
from distributors import ingest, outreach
from distributors.models import ContactImport, Customer, Distributor, Event, Measure
from notifications import inbox
from tests import factories as f
from tests.activities.stage import stage
from tests.pages import signed_in

pytestmark = pytest.mark.django_db

#: Letters and digits alone: no way of writing text down changes it.
CANARY = f"canary{secrets.token_hex(6)}"


@pytest.fixture
def jenna() -> Distributor:
    return stage()


def places() -> set[str]:
    """The tables in which the canary is, in any column: a row as text has all of them."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}" AS t WHERE t::text ILIKE %s', [f"%{CANARY}%"])  # noqa: S608
            if cursor.fetchone()[0]:
                found.add(table)
    return found


def shop(jenna: Distributor, type_: str, days: int, **data: object) -> None:
    event = {
        "specversion": "1.0", "source": "shop", "id": f"e{f.number()}", "type": type_, "subject": jenna.external_id,
        "time": (f.NOW - timedelta(days=days)).isoformat(), "data": {"customer": f"{CANARY}@example.com"} | data,
    }  # fmt: skip
    summary = ingest.bulk([event], received_at=f.NOW)
    assert not summary.failed, summary


def canary(jenna: Distributor) -> Customer:
    """Somebody of whom everything is known, and whom everything has happened to."""
    line = {"sku": "EYE-1", "quantity": 1, "amount": "34.00", "engraved": CANARY}
    shop(jenna, "contact.added", 60, name=CANARY, phone=f"+1 {CANARY}", email=f"{CANARY}@example.com", birthday="1990-08-27",
         hotness="hot", language="es", kind="prospect", nickname=CANARY)  # fmt: skip
    shop(jenna, "consent.changed", 59, channel="all", state="given", origin=CANARY)
    shop(
        jenna,
        "order.placed",
        50,
        customer_name=CANARY,
        currency="USD",
        amount="34.00",
        lines=[line],
        ship_to={"street": CANARY},
    )
    shop(jenna, "order.refunded", 49, order="o", customer_name=CANARY, currency="USD", amount="4.00", reason=CANARY[:9])
    shop(jenna, "basket.opened", 1, address=CANARY, lines=[{"sku": "EYE-1", "comment": CANARY}])
    shop(jenna, "contact.replied", 2, tone="later", text=CANARY)
    shop(jenna, "activity.completed", 3, activity="win-back", note=CANARY)
    enrol = {
        "specversion": "1.0", "source": "shop", "id": "enrol", "type": "distributor.enrolled", "subject": "new-one",
        "time": f.NOW.isoformat(),
        "data": {"name": "New One", "sponsor": jenna.external_id, "contact": f"{CANARY}@example.com"},
    }  # fmt: skip
    assert not ingest.bulk([enrol], received_at=f.NOW).failed
    her = Customer.objects.get(external_id=f"{CANARY}@example.com")
    twin = f.customer(jenna, name=f"{CANARY} 2", external_id=f"{CANARY}-2", phone="+1 555 0100")
    actions.complete(distributor=jenna, card_key=f"eye-refill-video.c{twin.pk}", as_of=f.NOW, by=None)
    f.outreach(twin, text=f"Hi {CANARY}")
    joining.merge(survivor=her, other=twin, as_of=f.NOW, by=None)
    her.refresh_from_db()
    outreach.change(customer=her, by=None, as_of=f.NOW, name=f"{CANARY} Ortiz")
    outreach.add_note(customer=her, text=f"{CANARY} has a cat", as_of=f.NOW, by=None)
    ContactImport.objects.create(
        distributor=jenna, file_name="list.csv", at=f.NOW, rows=[{"row": 1, "email": her.email}]
    )
    shared = ShareLink.objects.create(
        token="t", distributor=jenna, customer=her, asset=Asset.objects.create(key="care", kind="article"), language="en",
        made_at=f.NOW,
    )  # fmt: skip
    LinkDay.objects.create(link=shared, day=f.TODAY, opens=2, last_at=f.NOW)
    f.outreach(her, subject=CANARY, text=f"Hi {CANARY}", state="sent", sent_at=f.NOW, waits_until=f.TODAY, link=shared)
    recommend.feed(jenna, as_of=f.NOW)
    inbox.pull(jenna, as_of=f.NOW)
    return her


def test_it_works(jenna: Distributor) -> None:
    her = canary(jenna)
    assert {
        "distributors_customer", "distributors_event", "distributors_note", "distributors_contactimport", "activities_outreach",
    } <= places()  # fmt: skip
    counts = sorted(Measure.objects.values_list("metric", "scope", "day", "value"))
    forgetting.erase(customer=her, as_of=f.NOW, by=None)
    assert places() == set()
    assert sorted(Measure.objects.values_list("metric", "scope", "day", "value")) == counts
    assert Customer.objects.get(pk=her.pk).orders == 1
    assert ingest.rebuild(check=True).equal


def test_pages_stand_and_name_nobody(jenna: Distributor) -> None:
    her = canary(jenna)
    forgetting.erase(customer=her, as_of=f.NOW, by=None)
    jenna.user = f.user()
    jenna.save()
    client = signed_in(jenna)
    for name in ("today", "people", "notices"):
        page = client.get(reverse(name))
        assert (
            page.status_code == 200 and CANARY not in page.content.decode() and "erased:" not in page.content.decode()
        )
    assert client.get(reverse("person", args=[her.pk])).status_code == 404


def test_that_she_was_written_to_stays(jenna: Distributor) -> None:
    her = canary(jenna)
    messages, deeds = Outreach.objects.count(), Action.objects.count()
    forgetting.erase(customer=her, as_of=f.NOW, by=None)
    assert (Outreach.objects.count(), Action.objects.count()) == (messages, deeds)
    assert not Outreach.objects.exclude(text="", subject="").exists()
    assert not Outreach.objects.filter(state="opened").exists(), "nobody is asked whether it was sent"
    assert not ShareLink.objects.exists() and not LinkDay.objects.exists()


def test_other_people_keep_everything(jenna: Distributor) -> None:
    tess = f.customer(jenna, name="Tess", external_id="tess")
    f.note(tess)
    f.outreach(tess, text="Hi Tess")
    her = canary(jenna)
    before = [event.data for event in Event.objects.filter(customer=tess)]
    forgetting.erase(customer=her, as_of=f.NOW, by=None)
    tess.refresh_from_db()
    assert tess.name == "Tess" and tess.notes.count() == 1 and Outreach.objects.get(customer=tess).text == "Hi Tess"
    assert [event.data for event in Event.objects.filter(customer=tess)] == before


def test_twice_is_refused(jenna: Distributor) -> None:
    her = canary(jenna)
    forgetting.erase(customer=her, as_of=f.NOW, by=None)
    with pytest.raises(ValueError, match="not there any more"):
        forgetting.erase(customer=her, as_of=f.NOW, by=None)


def test_exported(jenna: Distributor) -> None:
    her = canary(jenna)
    told = json.loads(json.dumps(forgetting.exported(her)))
    assert [(one["text"], one["state"]) for one in told["messages"]] == [
        (f"Hi {CANARY}", "opened"),
        (f"Hi {CANARY}", "sent"),
    ]
    assert [link["item"] for link in told["links"]] == ["care"]
    assert [day["opens"] for day in told["links_opened"]] == [2]
    assert "eye-refill-video" in [one["activity"] for one in told["actions"]]
    assert forgetting.exported(f.customer(jenna)) == {"messages": [], "links": [], "links_opened": [], "actions": []}
