"""Start, complete, snooze, dismiss, undo: once, with an event each, and what they leave behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection

from activities import actions, recommend
from activities.models import Action, Activity, Mastery
from activities.ranking.person import rank
from distributors import outreach
from distributors.models import Distributor, Event, Measure, Note
from tests import factories as f
from tests.activities.stage import arrive, at, stage

pytestmark = pytest.mark.django_db


def keys(of: Distributor, days: int = 0) -> list[str]:
    feed = recommend.feed(of, as_of=f.NOW + timedelta(days=days), size=50, log=False, noise=False)
    return [card.key for card in feed.cards]


def maria_of(jenna: Distributor):
    return jenna.customers.get(name="Maria Ruiz")


def refill(jenna: Distributor) -> str:
    return f"eye-refill-video.c{maria_of(jenna).pk}"


def done(jenna: Distributor) -> int:
    return int(sum(Measure.objects.filter(distributor=jenna, metric="activities_done").values_list("value", flat=True)))


def do(verb: str, jenna: Distributor, key: str, **more: object) -> Action:
    options = {"as_of": f.NOW, "by": None} | more
    return getattr(actions, verb)(distributor=jenna, card_key=key, **options)


def test_it_works() -> None:
    jenna = stage()
    hers = f.user()
    action = do("complete", jenna, refill(jenna), by=hers)
    event = action.event
    assert (event.type, event.source, event.customer) == ("activity.completed", "pep", maria_of(jenna))
    assert (event.data["activity"], event.data["form"]) == ("eye-refill-video", "message")
    assert refill(jenna) not in keys(jenna)
    note = Note.objects.get()
    assert (note.text, note.by, note.at) == ("Send Maria the Eye line refill video", hers, f.NOW)
    assert maria_of(jenna).last_contact_at == f.NOW
    assert done(jenna) == 1


def test_done_today_is_listed() -> None:
    jenna = stage()
    do("complete", jenna, "reorder-talk")
    (line,) = recommend.feed(jenna, as_of=f.NOW, log=False).done
    assert (line.title, line.closed_by) == ("The re-order talk", "")


def test_undo_puts_everything_back() -> None:
    jenna = stage()
    outreach.contacted(customer=maria_of(jenna), channel="call", as_of=at(40), by=None, key="earlier")
    before = keys(jenna)
    action = do("complete", jenna, refill(jenna))
    actions.undo(distributor=jenna, action_id=action.pk, as_of=f.NOW + timedelta(seconds=5), by=None)
    assert keys(jenna) == before
    assert not Note.objects.exists()
    assert maria_of(jenna).last_contact_at == at(40)
    assert done(jenna) == 0
    undone = Event.objects.get(type="activity.undone")
    assert undone.data["undoes"] == action.event.external_id


def test_undo_twice_is_one_undo_and_doing_it_again_counts_again() -> None:
    jenna = stage()
    action = do("complete", jenna, refill(jenna))
    for _ in range(2):
        actions.undo(distributor=jenna, action_id=action.pk, as_of=f.NOW, by=None)
    assert Event.objects.filter(type="activity.undone").count() == 1
    again = do("complete", jenna, refill(jenna))
    assert again.pk != action.pk
    assert done(jenna) == 1


def test_a_double_submit_is_one_row_with_equal_answers() -> None:
    jenna = stage()
    first, second = (do("complete", jenna, refill(jenna)) for _ in range(2))
    assert first == second
    assert (Action.objects.count(), Note.objects.count(), done(jenna)) == (1, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_fifty_threads_make_one_completion() -> None:
    jenna = stage()
    key = refill(jenna)

    def complete(_n: int) -> int:
        try:
            return do("complete", jenna, key).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(25) as pool:
        answers = set(pool.map(complete, range(50)))
    assert len(answers) == 1
    assert (Action.objects.count(), Note.objects.count(), done(jenna)) == (1, 1, 1)
    assert Event.objects.filter(type="activity.completed").count() == 1


def test_snooze_hides_until_its_day() -> None:
    jenna = stage()
    action = do("snooze", jenna, "reorder-talk", until=f.TODAY + timedelta(days=3))
    assert action.event.type == "activity.snoozed"
    assert "reorder-talk" not in keys(jenna)
    assert "reorder-talk" not in keys(jenna, days=2)
    assert "reorder-talk" in keys(jenna, days=3)


def test_snoozing_again_takes_the_last_day() -> None:
    jenna = stage()
    do("snooze", jenna, "reorder-talk", until=f.TODAY + timedelta(days=3))
    do("snooze", jenna, "reorder-talk", until=f.TODAY + timedelta(days=1))
    assert "reorder-talk" in keys(jenna, days=1)
    assert Action.objects.standing().count() == 1


def test_snooze_needs_a_later_day() -> None:
    with pytest.raises(ValueError, match="after today"):
        do("snooze", stage(), "reorder-talk", until=f.TODAY)


def test_start_marks_the_card() -> None:
    jenna = stage()
    assert do("start", jenna, refill(jenna)).event.type == "activity.started"
    cards = {card.key: card for card in recommend.feed(jenna, as_of=f.NOW, log=False, noise=False).cards}
    assert cards[refill(jenna)].started
    do("complete", jenna, refill(jenna))
    actions.undo(distributor=jenna, action_id=Action.objects.get(kind="done").pk, as_of=f.NOW, by=None)
    assert refill(jenna) in keys(jenna)


@pytest.mark.parametrize(("reason", "days", "back"), [
    ("not_now", 6, False), ("not_now", 7, True), ("fewer", 59, False), ("fewer", 60, True),
    ("known", 360, False), ("known", 400, False),
])  # fmt: skip
def test_a_dismissal_lasts_as_long_as_its_reason_says(reason: str, days: int, back: bool) -> None:
    jenna = stage()
    do("dismiss", jenna, "reorder-talk", reason=reason)
    assert "reorder-talk" not in keys(jenna)
    assert ("reorder-talk" in keys(jenna, days=days)) is back


def test_wrong_person_is_for_good_and_for_that_pair_only() -> None:
    jenna = stage()
    f.activity("eye-call", "Call {name}", about="one_time")
    do("dismiss", jenna, refill(jenna), reason="wrong_person")
    assert f"eye-call.c{maria_of(jenna).pk}" in keys(jenna)
    jenna.customers.filter(name="Maria Ruiz").update(last_order_on=f.TODAY + timedelta(days=370))
    assert refill(jenna) not in keys(jenna)


def test_fewer_like_this_damps_the_same_kind() -> None:
    jenna = stage()
    Activity.objects.filter(key="win-back").update(kind=Activity.Kind.REFOCUS)
    do("dismiss", jenna, f"nurture.c{jenna.customers.get(name='Ana Vidal').pk}", reason="fewer")
    ranking = rank(jenna, as_of=f.NOW)
    by_key = {ranking.activity(i).key: float(ranking.terms.rules[i]) for i in range(len(ranking))}
    assert by_key["basket-add-on"] == pytest.approx(-0.05)
    assert by_key["win-back"] == 0


def test_an_unknown_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="one of the reasons"):
        do("dismiss", stage(), "reorder-talk", reason="bored")


def test_wrong_person_needs_a_person() -> None:
    with pytest.raises(ValueError, match="not about a person"):
        do("dismiss", stage(), "reorder-talk", reason="wrong_person")


def test_a_person_just_contacted_is_left_alone() -> None:
    jenna = stage()
    f.activity("eye-call", "Call {name}", about="one_time")
    do("complete", jenna, refill(jenna))
    assert f"eye-call.c{maria_of(jenna).pk}" not in keys(jenna)


def test_nobody_elses_cards() -> None:
    jenna, other = stage(), f.distributor()
    theirs, recruit = f.customer(other), f.distributor(sponsor=other)
    wrong = [
        f"eye-refill-video.c{theirs.pk}", f"check-recruit.r{recruit.pk}", f"check-recruit.c{recruit.pk}",
        "eye-refill-video", "eye-refill-video.c999999999", f"reorder-talk.c{maria_of(jenna).pk}", "nothing", "", "a.b.c",
        f"eye-refill-video.r{maria_of(jenna).pk}", "eye-refill-video.c" + "9" * 30,
    ]  # fmt: skip
    for key in wrong:
        with pytest.raises(ObjectDoesNotExist):
            do("complete", jenna, key)
    hers = do("complete", jenna, refill(jenna))
    with pytest.raises(ObjectDoesNotExist):
        actions.undo(distributor=other, action_id=hers.pk, as_of=f.NOW, by=None)


def test_a_draft_is_nobodys_card() -> None:
    f.activity("draft", status=Activity.Status.DRAFT)
    with pytest.raises(ObjectDoesNotExist):
        do("complete", f.distributor(), "draft")


def test_a_lesson_goes_into_memory_and_undo_takes_it_out() -> None:
    jenna = stage()
    action = do("complete", jenna, "reorder-talk")
    held = Mastery.objects.get()
    assert held.score == pytest.approx(0.45)
    assert int(Measure.objects.get(metric="lessons_done").value) == 1
    actions.undo(distributor=jenna, action_id=action.pk, as_of=f.NOW, by=None)
    assert not Mastery.objects.exists()
    assert not Measure.objects.filter(metric="lessons_done").exists()


def test_a_completion_reported_by_another_system_counts_as_hers() -> None:
    jenna = stage()
    data = {"activity": "eye-refill-video", "customer": maria_of(jenna).external_id}
    arrive("activity.completed", "jenna", data, time=f.NOW, received_at=f.NOW)
    event = Event.objects.get(type="activity.completed")
    for _ in range(2):
        actions.settle([jenna.pk], as_of=f.NOW + timedelta(minutes=1))
    action = Action.objects.get()
    assert (action.event, action.customer, action.kind) == (event, maria_of(jenna), "done")
    assert refill(jenna) not in keys(jenna)
    actions.undo(distributor=jenna, action_id=action.pk, as_of=f.NOW, by=None)
    actions.settle([jenna.pk], as_of=f.NOW + timedelta(minutes=1))
    assert done(jenna) == 0
    assert not Action.objects.standing().exists()
