"""Her memory row: a function of what is stored about her, made again when that changes, and what it answers in ranking."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Event as Signal
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from activities import actions, history, learning, recommend
from activities.models import Action, Activity, Mastery, Memory, MemoryMark, Skill, Slate
from activities.ranking import memory
from distributors.models import Customer, Distributor
from distributors.records import FOREVER, HIDE, SHOWN, day_number, microseconds, native
from tests import factories as f
from tests.activities.stage import order, stage

pytestmark = pytest.mark.django_db

LATER = f.NOW + timedelta(minutes=30)
TODAY = day_number(f.TODAY)
KINDS = Activity.Kind.values


def row(of: Distributor, as_of: datetime = LATER, **more: Any) -> memory.Row:
    return memory.of([of.pk], as_of, **more)[of.pk]


def packed(ids: list[int]) -> list[tuple[bytes, ...]]:
    rows = Memory.objects.filter(pk__in=ids).order_by("pk").values_list("hides", "shown", "skills")
    return [tuple(bytes(part) for part in one) for one in rows]


def act(of: Distributor, activity: Activity, kind: str, day: date, **more: Any) -> Action:
    """A bare row, as demo data and imports write them."""
    return Action(distributor=of, activity=activity, kind=kind, day=day, at=midday(day), **more)


def about(person: Customer | Distributor | None) -> dict[str, Any]:
    if person is None:
        return {}
    if isinstance(person, Customer):
        return {"customer": person, "about_key": f"c{person.pk}"}
    return {"recruit": person, "about_key": f"r{person.pk}"}


def midday(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 16, tzinfo=f.NOW.tzinfo)


def slate(of: Distributor, day: date, cards: list[tuple[int, int, int]], at: datetime | None = None) -> Slate:
    shown = [
        {"activity": activity, "customer": whom if kind == 1 else None, "recruit": whom if kind == 2 else None}
        for activity, kind, whom in cards
    ]
    digest = f.number().to_bytes(32, "big")
    return Slate(distributor=of, day=day, shown_at=at or midday(day), seed=0, cards=shown, digest=digest)


def queries(of: Distributor, **more: Any) -> int:
    with CaptureQueriesContext(connection) as captured:
        row(of, **more)
    return len([one for one in captured if "SAVEPOINT" not in one["sql"]])


def test_it_works() -> None:
    jenna = stage()
    recommend.feed(jenna, as_of=f.NOW, noise=False)
    maria = jenna.customers.get(name="Maria Ruiz")
    actions.complete(distributor=jenna, card_key="reorder-talk", as_of=f.NOW, by=None)
    actions.complete(distributor=jenna, card_key=f"eye-refill-video.c{maria.pk}", as_of=f.NOW, by=None)
    held = row(jenna)
    talk, video = (Activity.objects.get(key=key).pk for key in ("reorder-talk", "eye-refill-video"))
    assert sorted(held.hides.tolist()) == sorted([
        (0, 4, maria.pk, TODAY + 3), (talk, 0, 0, TODAY + 14), (video, 1, maria.pk, TODAY + 14),
    ])  # fmt: skip
    assert (talk, 0, 0, TODAY, 1.0) in held.shown.tolist()
    ((skill, score, _stability, reviewed),) = held.skills.tolist()
    assert (skill, score, reviewed) == (Skill.objects.get().pk, 0.45, microseconds(f.NOW))
    assert memory.wrong() == []


def test_who_never_did_anything_has_an_empty_row_and_who_does_not_exist_none() -> None:
    jenna = f.distributor()
    held = memory.of([jenna.pk, 10**12], LATER)
    assert list(held) == [jenna.pk]
    assert [len(part) for part in (held[jenna.pk].hides, held[jenna.pk].shown, held[jenna.pk].skills)] == [0, 0, 0]
    assert held[jenna.pk].changed > 0
    assert memory.of([], LATER) == {}


# What ranking asked before there were rows, read plainly: over everything she was shown and did.


@dataclass
class Plainly:
    actions: list[Action]
    slates: list[Slate]

    def hides(self, activity: Activity, kind: int, whom: int, today: date) -> bool:
        return any(self.rests(one, kind, whom, today) for one in self.standing()) or any(
            self.rules_out(one, activity, (kind, whom), today)
            for one in self.standing()
            if one.activity_id == activity.pk
        )

    def standing(self) -> list[Action]:
        return [one for one in self.actions if one.undone_at is None]

    def rests(self, one: Action, kind: int, whom: int, today: date) -> bool:
        return one.kind == "done" and kind > 0 and card_of(one) == (kind, whom) and (today - one.day).days < 3

    def rules_out(self, one: Action, activity: Activity, card: tuple[int, int], today: date) -> bool:
        ago, same = (today - one.day).days, card_of(one) == card
        if one.kind == "done":
            return same and ago < max(1, activity.again_after_days)
        if one.kind == "snooze":
            return same and today < one.until
        if one.kind != "dismiss":
            return False
        if one.reason in {"known", "fewer"}:
            return one.reason == "known" or ago < 60
        return same and (one.reason == "wrong_person" or ago < 7)

    def fewer(self, activity: Activity, today: date) -> int:
        waved = {a.activity_id for a in self.standing() if a.activity.kind == activity.kind and a.reason == "fewer"
                 and (today - a.day).days < 60}  # fmt: skip
        return len(waved - {activity.pk})

    def exposure(self, activity: int, kind: int, whom: int, today: date) -> float:
        card = {"activity": activity, "customer": whom if kind == 1 else None, "recruit": whom if kind == 2 else None}
        days = {one.day for one in self.slates if card in one.cards and one.day < today}
        return sum(0.5 ** ((today - day).days / 15) for day in days)


def card_of(action: Action) -> tuple[int, int]:
    if action.customer_id:
        return 1, action.customer_id
    return (2, action.recruit_id) if action.recruit_id else (0, 0)


@dataclass
class World:
    activities: list[Activity]
    people: list[Distributor]
    about: dict[int, list[Customer | Distributor | None]]


def world(people: int) -> World:
    kinds = [*KINDS, *KINDS[:3]]
    activities = [f.activity(f"a{n}", kind=kind, again_after_days=n * 7 % 30) for n, kind in enumerate(kinds)]
    made = [f.distributor() for _ in range(people)]
    recruit = f.distributor()
    return World(activities, made, {one.pk: [None, f.customer(one), f.customer(one), recruit] for one in made})


def some_action(rng: random.Random, here: World, of: Distributor, day: date) -> Action:
    kind = rng.choice(["start", "done", "done", "snooze", "dismiss"])
    more = about(rng.choice(here.about[of.pk]))
    if kind == "snooze":
        more["until"] = day + timedelta(days=rng.randint(1, 12))
    if kind == "dismiss":
        more["reason"] = rng.choice(["not_now", "fewer", "fewer", "known", "wrong_person"])
    if rng.random() < 0.1:
        more["undone_at"] = f.NOW
    return act(of, rng.choice(here.activities), kind, day, **more)


def some_slate(rng: random.Random, here: World, of: Distributor, day: date) -> Slate:
    cards = {(rng.choice(here.activities).pk, *whom(rng.choice(here.about[of.pk]))) for _ in range(5)}
    return slate(of, day, sorted(cards))


def whom(person: Customer | Distributor | None) -> tuple[int, int]:
    if person is None:
        return 0, 0
    return (1, person.pk) if isinstance(person, Customer) else (2, person.pk)


def test_lookups_answer_what_a_plain_reading_of_everything_answers() -> None:
    rng = random.Random(7)
    here = world(300)
    told: dict[int, Plainly] = {}
    for one in here.people:
        days = [f.TODAY - timedelta(days=rng.randint(0, 100)) for _ in range(rng.randint(0, 14))]
        deeds = {
            (a.activity_id, a.about_key, a.kind, a.day): a for a in (some_action(rng, here, one, day) for day in days)
        }
        told[one.pk] = Plainly(list(deeds.values()), [some_slate(rng, here, one, day) for day in days])
    Action.objects.bulk_create(action for plain in told.values() for action in plain.actions)
    Slate.objects.bulk_create(one for plain in told.values() for one in plain.slates)
    held = memory.of(told, LATER)
    seen: set[tuple[bool, int, bool]] = set()
    for pk, plain in told.items():
        # Rows hold for every day from her newest action on.
        today = f.TODAY + timedelta(days=rng.choice([0, 0, 1, 2, 6, 13, 40]))
        number = day_number(today)
        for activity in here.activities:
            assert memory.fewer(held[pk].hides, activity.pk, KINDS.index(activity.kind), number) == plain.fewer(
                activity, today
            )
            for person in here.about[pk]:
                card = (activity.pk, *whom(person))
                hidden, exposed = plain.hides(activity, *card[1:], today), plain.exposure(*card, today)
                assert memory.hidden(held[pk].hides, *card, number) == hidden, (card, today, held[pk].hides)
                assert memory.exposure_of(held[pk].shown, *card, number) == pytest.approx(exposed, rel=1e-12, abs=1e-12)
                seen.add((hidden, plain.fewer(activity, today), exposed > 0))
    assert len(seen) >= 8  # there was something to be told apart
    assert memory.wrong() == []


def test_records_are_ordered_and_one_a_card() -> None:
    rng = random.Random(8)
    here = world(5)
    days = [f.TODAY - timedelta(days=n) for n in range(60)]
    for one in here.people:
        Action.objects.bulk_create(some_action(rng, here, one, day) for day in days)
        Slate.objects.bulk_create(some_slate(rng, here, one, day) for day in days)
        for part in (row(one).hides, row(one).shown):
            keys = [tuple(record)[:3] for record in part.tolist()]
            assert keys == sorted(set(keys))
            assert len(keys) >= 15


# It is a function of what is stored, however that came about.


def test_the_same_facts_are_the_same_bytes_whatever_the_way() -> None:
    rng = random.Random(9)
    here = world(12)
    skills = [f.skill("one"), f.skill("two")]
    ids = [one.pk for one in here.people]
    for step in range(120):
        one, day = rng.choice(here.people), f.TODAY - timedelta(days=90 - step // 2)
        something(rng, here, skills, one, day)
        if rng.random() < 0.4:
            memory.of(rng.sample(ids, 4), LATER)
        if step % 40 == 20:
            Activity.objects.filter(pk=rng.choice(here.activities).pk).update(again_after_days=step % 23)
    memory.refresh_marked(min(ids), max(ids), as_of=LATER)
    assert memory.wrong() == []
    step_by_step = packed(ids)
    Memory.objects.all().delete()
    memory.of(ids, LATER)
    assert packed(ids) == step_by_step
    assert any(hides and shown and known for hides, shown, known in step_by_step)


def something(rng: random.Random, here: World, skills: list[Skill], of: Distributor, day: date) -> None:
    """One of all the ways in which the facts behind a row change."""
    way = rng.randint(0, 5)
    if way < 2:
        Action.objects.bulk_create([some_action(rng, here, of, day)], ignore_conflicts=True)
    elif way == 2:
        some_slate(rng, here, of, day).save()
    elif way == 3:
        learning.learned(distributor=of, skill=rng.choice(skills), gain=0.4, score=None, as_of=midday(day))
    elif way == 4:
        Action.objects.filter(pk__in=Action.objects.of(of.pk).order_by("-pk")[:1]).update(undone_at=f.NOW)
    else:
        Mastery.objects.filter(distributor=of, skill=rng.choice(skills)).delete()
        Slate.objects.filter(distributor=of, day=day - timedelta(days=10)).delete()


def test_changed_is_a_new_number_only_when_a_byte_is() -> None:
    jenna, talk = f.distributor(), f.activity()
    first = row(jenna).changed
    assert memory.refresh([jenna.pk], as_of=LATER) == 0
    f.event(jenna)  # reaches her, and changes nothing of the row
    assert row(jenna).changed == first
    act(jenna, talk, "done", f.TODAY).save()
    second = row(jenna).changed
    assert second > first
    Activity.objects.filter(pk=talk.pk).update(minutes=3)  # a new version of the catalogue, the same bytes
    assert row(jenna).changed == second
    Activity.objects.filter(pk=talk.pk).update(again_after_days=30)
    assert row(jenna).changed > second


def test_what_is_long_over_is_left_out() -> None:
    jenna, talk, other = f.distributor(), f.activity(again_after_days=5), f.activity()
    act(jenna, talk, "done", f.TODAY - timedelta(days=40)).save()
    slate(jenna, f.TODAY - timedelta(days=200), [(talk.pk, 0, 0)]).save()
    assert len(row(jenna).hides) == len(row(jenna).shown) == 1
    act(jenna, other, "start", f.TODAY).save()
    slate(jenna, f.TODAY, [(other.pk, 0, 0)]).save()
    assert len(row(jenna).hides) == 0
    assert row(jenna).shown["activity"].tolist() == [other.pk]


def test_days_beyond_what_a_record_holds_are_for_ever() -> None:
    jenna, talk = f.distributor(), f.activity(again_after_days=32_767)
    act(jenna, talk, "done", f.TODAY).save()
    act(jenna, f.activity(), "snooze", f.TODAY, until=date(9999, 12, 31)).save()
    assert row(jenna).hides["until"].tolist() == [FOREVER, FOREVER]


# When it is made again.


def test_whatever_is_stored_about_her_marks_her() -> None:
    rosa = f.distributor()
    jenna, talk, skill = f.distributor(), f.activity(), f.skill()
    rosa.sponsor = jenna
    rosa.save()
    done, shown = act(jenna, talk, "done", f.TODAY), slate(jenna, f.TODAY, [(talk.pk, 0, 0)])
    known = Mastery(distributor=jenna, skill=skill, score=1, memory={}, reviewed_at=f.NOW)
    ways = {
        "action": done.save,
        "undo": lambda: Action.objects.update(undone_at=f.NOW),
        "no action": done.delete,
        "slate": shown.save,
        "no slate": shown.delete,
        "mastery": known.save,
        "more mastery": lambda: Mastery.objects.update(score=0.5),
        "no mastery": known.delete,
        "event": lambda: f.event(jenna),
        "recruit's event": lambda: f.event(rosa, type="order.placed"),
    }
    for way, change in ways.items():
        row(jenna)
        assert not MemoryMark.objects.filter(distributor_id=jenna.pk).exists()
        change()
        assert MemoryMark.objects.filter(distributor_id=jenna.pk).exists(), way


def test_a_clean_row_is_one_query_and_the_rest_is_pinned() -> None:
    jenna = stage()
    recommend.feed(jenna, as_of=f.NOW, noise=False)
    row(jenna)
    assert queries(jenna) == 1
    slate(jenna, f.TODAY, []).save()
    assert queries(jenna) == 12  # settled first: nothing to close, nothing to credit
    assert queries(jenna) == 1
    Activity.objects.update(minutes=4)
    assert queries(jenna) == 1
    Activity.objects.update(again_after_days=4)
    assert queries(jenna) == 6  # nothing to settle
    slate(jenna, f.TODAY, []).save()
    assert queries(jenna, settle=False) == 5


# What an event closes, it closes at the next page, whoever looked at her in between.


def eye_order(jenna: Distributor) -> None:
    order(jenna, jenna.customers.get(name="Maria Ruiz"), 0, time=f.NOW + timedelta(minutes=10))


def closed() -> int:
    return Action.objects.filter(closed_by__isnull=False).count()


def test_an_order_closes_its_card_at_the_next_read_and_leaves_her_clean() -> None:
    jenna = stage()
    recommend.feed(jenna, as_of=f.NOW, noise=False)
    row(jenna, f.NOW)
    eye_order(jenna)
    before = closed()
    held = row(jenna)
    assert (before, closed()) == (0, 1)
    video = Activity.objects.get(key="eye-refill-video").pk
    assert memory.hidden(held.hides, video, 1, jenna.customers.get(name="Maria Ruiz").pk, TODAY)
    assert queries(jenna) == 1


def test_reads_that_may_not_write_leave_it_open() -> None:
    jenna = stage()
    recommend.feed(jenna, as_of=f.NOW, noise=False)
    eye_order(jenna)
    assert len(row(jenna, settle=False).shown) > 0  # up to date all the same
    memory.refresh([jenna.pk])
    memory.refresh_marked(jenna.pk, jenna.pk)
    assert closed() == 0
    row(jenna)
    assert closed() == 1


def test_a_recalculation_closes_what_events_settled() -> None:
    jenna = stage()
    recommend.feed(jenna, as_of=f.NOW, noise=False)
    eye_order(jenna)
    assert memory.refresh_marked(jenna.pk, jenna.pk, as_of=LATER) == 1
    assert closed() == 1
    assert queries(jenna) == 1


def test_a_recruits_order_closes_her_sponsors_card_at_the_next_read() -> None:
    jenna = stage()
    Activity.objects.filter(key="check-recruit").update(closes_on="order.placed")
    recommend.feed(jenna, as_of=f.NOW, noise=False)
    row(jenna, f.NOW)
    rosa = Distributor.objects.get(name="Rosa Blum")
    order(rosa, f.customer(rosa), 0, time=f.NOW + timedelta(minutes=10))
    row(jenna)
    assert closed() == 1


def test_an_order_that_arrives_while_her_page_is_being_made_closes_its_card() -> None:
    """The page began at NOW and stored its slate after the order came and somebody else had looked."""
    jenna = stage()
    eye_order(jenna)
    row(jenna, f.NOW)
    assert closed() == 0
    maria = jenna.customers.get(name="Maria Ruiz")
    video = Activity.objects.get(key="eye-refill-video").pk
    slate(jenna, f.TODAY, [(video, 1, maria.pk)], at=f.NOW).save()
    row(jenna, f.NOW - timedelta(seconds=1))  # a slower page, of an earlier instant
    assert closed() == 1


def test_a_snooze_ends_by_itself() -> None:
    jenna = stage()
    actions.snooze(distributor=jenna, card_key="reorder-talk", as_of=f.NOW, by=None, until=f.TODAY + timedelta(days=3))
    talk = Activity.objects.get(key="reorder-talk").pk
    held = row(jenna)
    assert [memory.hidden(held.hides, talk, 0, 0, TODAY + days) for days in range(5)] == [
        True,
        True,
        True,
        False,
        False,
    ]


# Two at once.


def elsewhere(work: Any, *said: Any) -> Any:
    """Do it in a thread with its own connection and wait for it: for longer means that it waits for us."""

    def run() -> Any:
        try:
            return work(*said)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(timeout=20)


@pytest.mark.django_db(transaction=True)
def test_a_reader_waits_for_no_change_under_way_and_misses_none() -> None:
    jenna, talk = f.distributor(), f.activity()
    act(jenna, talk, "done", f.TODAY - timedelta(days=1)).save()
    for _ in range(2):  # first a new mark, then one that is there already
        with transaction.atomic():
            act(jenna, f.activity(), "done", f.TODAY).save()
            before = elsewhere(row, jenna)
        assert len(row(jenna).hides) == len(before.hides) + 1
        act(jenna, f.activity(), "done", f.TODAY).save()
    assert MemoryMark.objects.exists()
    row(jenna)
    assert not MemoryMark.objects.exists()
    assert memory.wrong() == []


@pytest.mark.django_db(transaction=True)
def test_an_event_that_comes_after_settling_keeps_its_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its card closes with the next page, though this one has made the row again."""
    jenna = stage()
    recommend.feed(jenna, as_of=f.NOW, noise=False)
    really = memory.close_settled

    def settle_and_then_an_order(*said: Any, **more: Any) -> list[Action]:
        monkeypatch.setattr(memory, "close_settled", really)
        nothing = really(*said, **more)
        elsewhere(eye_order, jenna)
        return nothing

    monkeypatch.setattr(memory, "close_settled", settle_and_then_an_order)
    row(jenna)
    assert closed() == 0
    row(jenna)
    assert closed() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_make_a_row_again_the_later_one_writes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first has taken the row and waits; a change is stored; the second must not be overtaken by what the first saw."""
    jenna, talk = f.distributor(), f.activity()
    row(jenna)
    act(jenna, talk, "done", f.TODAY - timedelta(days=1)).save()
    holds, goes_on = Signal(), Signal()
    really = memory.ids_of

    def slowly(cursor: Any, statement: str, asked: dict[str, Any]) -> list[int]:
        found = really(cursor, statement, asked)
        if statement == memory.TAKE and not holds.is_set():
            holds.set()
            assert goes_on.wait(20)
        return found

    monkeypatch.setattr(memory, "ids_of", slowly)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(elsewhere, row, jenna)
        assert holds.wait(20)
        act(jenna, f.activity(), "done", f.TODAY).save()
        second = pool.submit(elsewhere, row, jenna)
        goes_on.set()
        first.result(30), second.result(30)
    assert len(row(jenna).hides) == 2
    assert memory.wrong() == []


@pytest.mark.django_db(transaction=True)
def test_many_at_once_lose_nothing() -> None:
    jenna, cards = f.distributor(), [f.activity() for _ in range(6)]

    def change(n: int) -> None:
        act(jenna, cards[n % 6], "done", f.TODAY - timedelta(days=n // 6)).save()

    def look(n: int) -> None:
        row(jenna, settle=n % 3 > 0)

    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(elsewhere, look if n % 2 else change, n) for n in range(60)]
        for job in jobs:
            job.result(60)
    assert len(row(jenna).hides) == len({n % 6 for n in range(0, 60, 2)})
    assert not MemoryMark.objects.exists()
    assert memory.wrong() == []


@pytest.mark.django_db(transaction=True)
def test_a_tap_and_an_order_at_once_do_not_wait_in_a_ring() -> None:
    """A tap that marked her before it took its turn would hold the mark that the order waits for."""
    jenna = stage()
    maria = jenna.customers.get(name="Maria Ruiz")

    def tap(n: int) -> None:
        until = f.TODAY + timedelta(days=1 + n)
        actions.snooze(distributor=jenna, card_key="reorder-talk", as_of=f.NOW, by=None, until=until)

    def buy(_n: int) -> None:
        order(jenna, maria, 0)

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(elsewhere, (tap, buy)[n % 2], n) for n in range(24)]
        for job in jobs:
            job.result(60)
    assert Action.objects.standing().count() == 1


# What a page says of its cards.


def test_cards_she_began_are_marked_until_they_are_done() -> None:
    jenna = stage()
    video = f"eye-refill-video.c{jenna.customers.get(name='Maria Ruiz').pk}"
    keys = ["reorder-talk", video]

    def started(days: int = 0) -> set[str]:
        day = f.TODAY + timedelta(days=days)
        return history.started(history.recent(jenna.pk, day), keys)

    assert started() == set()
    for key in keys:
        actions.start(distributor=jenna, card_key=key, as_of=f.NOW, by=None)
    assert (started(), started(14), started(15)) == (set(keys), set(keys), set())
    done = actions.complete(distributor=jenna, card_key=video, as_of=f.NOW, by=None)
    assert started() == {"reorder-talk"}
    actions.undo(distributor=jenna, action_id=done.pk, as_of=f.NOW, by=None)
    assert started() == set(keys)


def test_lists_shown_today_are_known_by_their_digests() -> None:
    jenna = f.distributor()
    today, yesterday = slate(jenna, f.TODAY, []), slate(jenna, f.TODAY - timedelta(days=1), [])
    Slate.objects.bulk_create([today, yesterday])
    assert history.shown_today(jenna.pk, f.TODAY) == {today.digest}


def test_todays_own_showing_does_not_tire_her() -> None:
    shown = np.zeros(1, native(SHOWN))
    shown[0] = (5, 0, 0, TODAY, 1.5)
    assert memory.exposure(shown[0], TODAY) == 0.5
    assert memory.exposure(shown[0], TODAY - 1) == 0.5  # a look back
    assert memory.exposure(shown[0], TODAY + 15) == 0.75


def test_nothing_is_hidden_by_an_empty_row() -> None:
    nothing = np.zeros(0, native(HIDE))
    assert not memory.hidden(nothing, 1, 0, 0, TODAY)
    assert memory.fewer(nothing, 1, 0, TODAY) == 0
    assert memory.exposure_of(np.zeros(0, native(SHOWN)), 1, 0, 0, TODAY) == 0
