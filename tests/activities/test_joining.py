"""Two contacts become one, with what she did about them and wrote to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from activities import actions, joining, recommend
from activities.evidence import replay
from activities.models import Action, Asset, Credit, Outreach, ShareLink, Slate
from distributors import ingest
from distributors.models import Customer, Distributor, Event
from tests import factories as f
from tests.activities.stage import order, stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def jenna() -> Distributor:
    return stage()


@pytest.fixture
def maria(jenna: Distributor) -> Customer:
    return jenna.customers.get(name="Maria Ruiz")


@pytest.fixture
def twin(jenna: Distributor) -> Customer:
    return f.customer(jenna, name="Mary R.", external_id="twin")


def merge(survivor: Customer, other: Customer) -> Customer:
    return joining.merge(survivor=survivor, other=other, as_of=f.NOW, by=None)


def done(about: Customer, days: int = 0, verb: str = "complete", **more: Any) -> Action:
    key, at = f"eye-refill-video.c{about.pk}", f.NOW - timedelta(days=days)
    return getattr(actions, verb)(distributor=about.distributor, card_key=key, as_of=at, by=None, **more)


def link(to: Customer, asset: Asset, token: str, language: str = "en") -> ShareLink:
    return ShareLink.objects.create(
        token=token, distributor=to.distributor, customer=to, asset=asset, language=language, made_at=f.NOW
    )


def test_it_works(jenna: Distributor, maria: Customer, twin: Customer) -> None:
    action, message = done(twin), f.outreach(twin, activity=None)
    shared = link(twin, Asset.objects.create(key="care", kind="article"), "t")
    merged = merge(maria, twin)
    for row in (action, message, shared):
        row.refresh_from_db()
        assert row.customer == merged
    assert action.about_key == f"c{maria.pk}"
    assert [note.text for note in merged.notes.all()]
    assert merged.last_contact_at == f.NOW
    actions.undo(distributor=jenna, action_id=action.pk, as_of=f.NOW, by=None)
    merged.refresh_from_db()
    assert merged.last_contact_at is None and not merged.notes.exists()
    assert ingest.rebuild(check=True).equal


def test_the_same_on_one_day_about_both_is_done_once(maria: Customer, twin: Customer) -> None:
    hers, others = done(maria), done(twin)
    earlier = done(twin, days=3)
    message = f.outreach(twin, action=others, state="sent", sent_at=f.NOW, waits_until=f.TODAY)
    bought = order(maria.distributor, twin, 0, time=f.NOW + timedelta(minutes=1))
    Credit.objects.create(
        distributor=maria.distributor, event=bought, kind="order", action=others, touched_at=f.NOW, at=bought.time
    )
    merge(maria, twin)
    assert set(Action.objects.filter(customer=maria, kind="done")) == {hers, earlier}
    assert Credit.objects.get().action == hers
    message.refresh_from_db()
    assert message.action == hers
    assert Event.objects.filter(type="activity.completed").count() == 3, "the log keeps what happened"
    assert ingest.rebuild(check=True).equal


def test_undone_it_goes_with_all_that_its_twin_left(maria: Customer, twin: Customer) -> None:
    hers = done(maria)
    actions.complete(
        distributor=twin.distributor,
        card_key=f"eye-refill-video.c{twin.pk}",
        as_of=f.NOW + timedelta(minutes=1),
        by=None,
    )
    merged = merge(maria, twin)
    assert merged.notes.count() == 2 and merged.recent_contacts == [f.NOW], "one contact with both notes"
    assert ingest.rebuild(check=True).equal
    actions.undo(distributor=maria.distributor, action_id=hers.pk, as_of=f.NOW, by=None)
    merged.refresh_from_db()
    assert merged.notes.count() == 0 and merged.recent_contacts == []
    assert ingest.rebuild(check=True).equal


def test_what_was_taken_back_comes_along(maria: Customer, twin: Customer) -> None:
    done(maria)
    undone = done(twin)
    actions.undo(distributor=twin.distributor, action_id=undone.pk, as_of=f.NOW, by=None)
    merge(maria, twin)
    undone.refresh_from_db()
    assert undone.customer == maria and undone.undone_at == f.NOW


def test_one_message_waits_for_sent_it(maria: Customer, twin: Customer) -> None:
    card = f.activity(about="one_time")
    older = f.outreach(maria, activity=card, opened_at=f.NOW - timedelta(hours=1))
    newer = f.outreach(twin, activity=card)
    another = f.outreach(twin, activity=None)
    merge(maria, twin)
    states = dict(Outreach.objects.filter(customer=maria).values_list("pk", "state"))
    assert states == {older.pk: "dropped", newer.pk: "opened", another.pk: "opened"}


def test_both_addresses_of_one_item_go_on_working(maria: Customer, twin: Customer) -> None:
    asset = Asset.objects.create(key="care", kind="article")
    link(maria, asset, "hers")
    link(twin, asset, "others")
    link(twin, asset, "spanish", language="es")
    merge(maria, twin)
    assert dict(ShareLink.objects.values_list("token", "customer")) == {
        "hers": maria.pk, "others": twin.pk, "spanish": maria.pk,
    }  # fmt: skip


def test_nothing_moves_when_it_is_refused(maria: Customer) -> None:
    stranger = f.customer(f.distributor())
    action = done(maria)
    with pytest.raises(ValueError, match="not there any more"):
        merge(stranger, maria)
    action.refresh_from_db()
    assert action.customer == maria and not Event.objects.filter(type="contact.merged").exists()


# The log of lists stays as it was


def shown(jenna: Distributor, about: Customer) -> Slate:
    recommend.feed(jenna, as_of=f.NOW, noise=False)
    slate = Slate.objects.get()
    assert about.pk in {card.get("customer") for card in slate.cards}
    return slate


@pytest.mark.parametrize("comes_for", ["survivor", "other"])
def test_a_card_shown_of_who_went_closes_by_a_later_order(jenna: Distributor, maria: Customer, comes_for: str) -> None:
    slate = shown(jenna, maria)
    survivor = f.customer(jenna, name="Maria R.", external_id="survivor")
    merge(survivor, maria)
    event = order(jenna, {"survivor": survivor, "other": maria}[comes_for], 0, time=f.NOW + timedelta(minutes=10))
    assert event.customer == survivor
    (action,) = actions.settle([jenna.pk], as_of=f.NOW + timedelta(hours=1))
    assert (action.customer, action.closed_by, action.about_key) == (survivor, event, f"c{survivor.pk}")
    assert actions.settle([jenna.pk], as_of=f.NOW + timedelta(hours=2)) == []
    after = Slate.objects.get(pk=slate.pk)
    assert (after.cards, after.eligible, after.digest) == (slate.cards, slate.eligible, slate.digest)
    assert replay.replayed(after).same


def test_who_was_merged_twice_closes_too_and_a_card_done_does_not(jenna: Distributor, maria: Customer) -> None:
    shown(jenna, maria)
    done(maria)
    middle, last = (f.customer(jenna, name="Maria R.", external_id=one) for one in ("middle", "last"))
    merge(middle, maria)
    merge(last, middle)
    order(jenna, maria, 0, time=f.NOW + timedelta(minutes=10))
    assert actions.settle([jenna.pk], as_of=f.NOW + timedelta(hours=1)) == []
    Action.objects.filter(kind="done").update(undone_at=f.NOW)
    (action,) = actions.settle([jenna.pk], as_of=f.NOW + timedelta(hours=1))
    assert action.customer == last
