"""The field recalculated in chunks: everybody once, only what changed is written, and whoever is killed loses nothing."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django_q.models import OrmQ

from activities.models import Chunk, DaySlate, Recalculation
from activities.ranking import dayslates, recalculating
from distributors import features
from distributors.models import Distributor, ForecastPool
from distributors.records import SLATE_CARD, native, unpacked
from tests import factories as make

ALL, CHANGED = Recalculation.Scope.ALL, Recalculation.Scope.CHANGED
WAITING, CLAIMED, DONE, PARKED = Chunk.State.WAITING, Chunk.State.CLAIMED, Chunk.State.DONE, Chunk.State.PARKED


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Chunks of four people, ranked three at a time and refreshed two at a time."""
    monkeypatch.setattr(recalculating, "CHUNK", 4)
    monkeypatch.setattr(dayslates, "BLOCK", 3)
    monkeypatch.setattr(dayslates, "REFRESH", 2)


def by_id(people, given):
    """Stands in for the ranking where only the work list is looked at: a few cards that follow from the person."""
    cards = np.zeros((len(people.ids), 5), native(SLATE_CARD))
    cards["activity"] = people.ids[:, None] * 10 + np.arange(5)
    cards["score"] = people.identity[:, None] % 1000 / 7 + given.calendar.today[people.market][:, None]
    return cards, people.ids % 6


def field(n=10):
    return [make.distributor() for _ in range(n)]


def run(scope=ALL, as_of=make.NOW, by=by_id, **options):
    """One that is worked here, to its end."""
    made = recalculating.start(scope, as_of, wake=False, **options)
    recalculating.work_here(made.pk, by=by)
    made.refresh_from_db()
    return made


def totals(run):
    return sum(chunk.people for chunk in run.chunks.all()), sum(chunk.changed for chunk in run.chunks.all())


def stored():
    return {
        row.pk: (row.day, bytes(row.cards), row.features, row.memory, row.versions) for row in DaySlate.objects.all()
    }


def slates():
    """What counts of them, whichever row numbers they were made from."""
    return {row.pk: (row.day, bytes(row.cards)) for row in DaySlate.objects.all()}


def written():
    """By the database's own mark of who wrote a row last."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT distributor_id, xmin::text, ctid::text FROM activities_dayslate")
        return {row[0]: row[1:] for row in cursor.fetchall()}


@pytest.mark.django_db
class TestRun:
    def test_it_works(self):
        people = field()
        done = run()
        assert totals(done) == (10, 10)
        assert done.finished_at is not None
        assert {chunk.state for chunk in done.chunks.all()} == {DONE}
        assert DaySlate.objects.count() == 10
        cards = unpacked(DaySlate.objects.get(pk=people[0].pk).cards, SLATE_CARD)
        assert cards["activity"].tolist() == [people[0].pk * 10 + i for i in range(people[0].pk % 6)]
        assert DaySlate.objects.get(pk=people[0].pk).day == make.TODAY

    def test_chunks_cover_everybody_once(self):
        people = field(11)
        chunks = list(recalculating.start(ALL, make.NOW, wake=False).chunks.all())
        assert [sum(c.first <= one.pk <= c.last for c in chunks) for one in people] == [1] * 11
        assert len(chunks) == 3

    def test_a_market_on_its_own(self):
        field(3)
        mexico = make.market("mx", time_zone="America/Mexico_City", currency="MXN")
        theirs = [make.distributor(market=mexico) for _ in range(5)]
        assert totals(run(market=mexico)) == (5, 5)
        assert set(stored()) == {one.pk for one in theirs}

    def test_again_changes_nothing(self):
        field()
        run()
        before, rows = stored(), written()
        assert totals(run()) == (10, 0)
        assert (stored(), written()) == (before, rows)

    def test_only_what_changed_is_written(self):
        people = field()
        run()
        rows = written()
        make.goal(people[3])
        assert totals(run()) == (10, 1)
        assert {pk for pk, row in written().items() if row != rows[pk]} == {people[3].pk}

    def test_another_day_is_another_slate(self):
        field(3)
        run()
        assert totals(run(as_of=make.NOW + timedelta(days=1))) == (3, 3)

    def test_an_older_run_that_comes_late_does_not_put_yesterday_back(self):
        field(3)
        late = recalculating.start(ALL, make.NOW - timedelta(days=1), wake=False)
        Chunk.objects.filter(recalculation=late).update(state=CLAIMED)  # so that the newer run leaves it alone
        run()
        before = stored()
        late.chunks.update(state=WAITING)
        recalculating.work_here(late.pk, by=by_id)
        assert stored() == before

    def test_a_newer_run_takes_over_what_an_older_one_had_not_begun(self):
        field()
        older = recalculating.start(ALL, make.NOW - timedelta(hours=1), wake=False)
        newer = recalculating.start(ALL, make.NOW, wake=False)
        older.refresh_from_db()
        assert older.finished_at is not None
        assert {chunk.problem for chunk in older.chunks.all()} == {f"Left to run {newer.pk}, which is newer."}

    def test_who_left_loses_her_slate(self):
        people = field(3)
        run()
        Distributor.objects.filter(pk=people[1].pk).update(left_on=make.TODAY)
        assert totals(run(CHANGED)) == (0, 1)
        assert people[1].pk not in stored()

    def test_nobody_is_a_run_too(self):
        assert run().finished_at is not None

    def test_workers_are_woken_after_the_commit(self, django_capture_on_commit_callbacks, settings):
        settings.Q_CLUSTER["workers"] = 2
        field()
        with django_capture_on_commit_callbacks(execute=True):
            made = recalculating.start(ALL, make.NOW)
        tasks = [task.task for task in OrmQ.objects.all()]
        assert [task["args"] for task in tasks] == [(made.pk,)] * 2
        assert {task["func"] for task in tasks} == {"activities.ranking.recalculating.work"}


@pytest.mark.django_db
class TestChanged:
    def test_it_works(self):
        people = field()
        assert totals(run(CHANGED)) == (10, 10)
        make.goal(people[2])
        make.customer(people[7])
        made = run(CHANGED)
        assert totals(made) == (2, 2)

    def test_nothing_changed(self):
        field()
        run()
        done = run(CHANGED)
        assert done.chunks.count() == 0
        assert done.finished_at is not None

    def test_a_row_that_a_page_refreshed_is_found_without_a_mark(self):
        people = field()
        run()
        make.goal(people[2])
        features.of([people[2].pk])
        assert totals(run(CHANGED)) == (1, 1)

    def test_a_mark_that_changed_nothing_writes_nothing(self):
        people = field()
        run()
        people[2].save()
        made = run(CHANGED)
        assert made.chunks.count() == 1
        assert totals(made) == (0, 0)

    def test_a_new_catalogue_is_news_for_everybody(self):
        field()
        make.activity()
        run()
        make.activity()
        assert totals(run(CHANGED)) == (10, 10)

    def test_another_day_of_one_market(self):
        field(3)
        east = make.market("jp", time_zone="Asia/Tokyo", currency="JPY")
        theirs = [make.distributor(market=east) for _ in range(2)]
        run(as_of=make.NOW - timedelta(hours=1))  # 10:00 in New York, 23:00 in Tokyo
        rows = written()
        assert totals(run(CHANGED)) == (2, 2)
        assert {pk for pk, row in written().items() if row != rows[pk]} == {one.pk for one in theirs}


@pytest.mark.django_db
class TestTrouble:
    @staticmethod
    def poisoned(pk):
        def rank(people, given):
            if pk in people.ids:
                raise ValueError("the row of this person cannot be read.\nand more")
            return by_id(people, given)

        return rank

    def test_poison_is_parked_and_the_others_are_done(self):
        people = field()
        made = run(by=self.poisoned(people[5].pk))
        states = {chunk.state: chunk for chunk in made.chunks.all()}
        assert made.chunks.filter(state=DONE).count() == 2
        assert made.finished_at is not None
        parked = states[PARKED]
        assert parked.first <= people[5].pk <= parked.last
        assert parked.attempts == 3
        assert parked.problem == ("It failed 3 times, at last with ValueError: the row of this person cannot be read.")
        assert set(stored()) == {one.pk for one in people if not parked.first <= one.pk <= parked.last}

    def test_what_passes_is_tried_again(self):
        field()
        left = [2]

        def shaky(people, given):
            if left[0]:
                left[0] -= 1
                raise OSError("gone for a moment")
            return by_id(people, given)

        made = run(by=shaky)
        assert {chunk.state for chunk in made.chunks.all()} == {DONE}
        assert {chunk.problem for chunk in made.chunks.all()} == {""}
        assert totals(made) == (10, 10)

    def test_half_a_chunk_is_nothing(self, monkeypatch):
        field(4)

        def cut(*_args, **_options):
            write(*_args, **_options)
            raise RuntimeError("cut")

        write = dayslates.write
        monkeypatch.setattr(dayslates, "write", cut)
        made = run()
        assert made.chunks.get().state == PARKED
        assert stored() == {}

    def test_stopped_by_hand_the_attempt_does_not_count(self):
        field()

        def stop(people, given):
            raise KeyboardInterrupt

        made = recalculating.start(ALL, make.NOW, wake=False)
        with pytest.raises(KeyboardInterrupt):
            recalculating.work_here(made.pk, by=stop)
        assert {(chunk.state, chunk.attempts) for chunk in made.chunks.all()} == {(WAITING, 0)}
        recalculating.work_here(made.pk, by=by_id)
        assert totals(made) == (10, 10)

    def test_who_took_too_long_does_not_write_over_who_took_over(self):
        field(4)
        made = recalculating.start(ALL, make.NOW, wake=False)

        def slow(people, given):
            made.chunks.update(attempts=2)  # handed on, and claimed by another
            return by_id(people, given)

        recalculating.work_here(made.pk, by=slow)
        assert made.chunks.get().state == CLAIMED
        assert stored() == {}

    def test_a_turn_ends_and_another_task_goes_on(self, monkeypatch, django_capture_on_commit_callbacks):
        monkeypatch.setattr(recalculating, "TURN", 0.0)
        field()
        made = recalculating.start(ALL, make.NOW, wake=False)
        recalculating.work(made.pk)
        assert made.chunks.filter(state=DONE).count() == 1
        assert [task.task["args"] for task in OrmQ.objects.all()] == [(made.pk,)]

    def test_more_tasks_than_workers_do_not_pile_up(self):
        field(12)
        made = recalculating.start(ALL, make.NOW, wake=False)
        recalculating.claim(made.pk)
        recalculating.claim(made.pk)
        recalculating.work(made.pk)
        assert made.chunks.filter(state=DONE).count() == 0

    def test_a_run_that_is_gone(self):
        recalculating.work(10**12)


@pytest.mark.django_db
class TestMorning:
    NEW_YORK, TOKYO = "America/New_York", "Asia/Tokyo"

    def mornings(self, code="us"):
        return [str(run.morning) for run in Recalculation.objects.filter(market__code=code).order_by("pk")]

    def test_once_a_local_day_from_four_on(self):
        field(2)
        start = make.NOW.replace(hour=0)  # 20:00 of the day before
        for quarter in range(4 * 48):
            recalculating.morning(start + timedelta(minutes=15 * quarter))
        assert self.mornings() == ["2026-08-26", "2026-08-27", "2026-08-28"]
        first = Recalculation.objects.get(morning="2026-08-27")
        assert first.as_of.astimezone(make.market().zone).strftime("%H:%M") == "04:00"

    @pytest.mark.parametrize(
        ("zone", "change"),
        [
            ("America/New_York", "2026-03-08"), ("America/New_York", "2026-11-01"),
            ("Europe/Berlin", "2026-03-29"), ("Europe/Berlin", "2026-10-25"),
            ("Australia/Lord_Howe", "2026-04-05"), ("Australia/Lord_Howe", "2026-10-04"),
            ("America/Santiago", "2026-04-05"), ("America/Santiago", "2026-09-06"),
        ],
    )  # fmt: skip
    def test_also_when_the_clocks_change(self, zone, change):
        market = make.market("us", time_zone=zone)
        noon = make.NOW.fromisoformat(f"{change}T12:00:00+00:00")
        for quarter in range(-4 * 30, 4 * 30):
            recalculating.morning(noon + timedelta(minutes=15 * quarter))
        days = self.mornings()
        assert len(days) == len(set(days)) >= 2
        assert change in days
        runs = Recalculation.objects.filter(market=market).order_by("pk")[1:]
        assert {run.as_of.astimezone(market.zone).strftime("%H:%M") for run in runs} <= {"04:00", "04:15"}

    def test_an_outage_is_made_up_for_once(self):
        field(2)
        recalculating.morning(make.NOW)
        recalculating.morning(make.NOW + timedelta(days=3))
        recalculating.morning(make.NOW + timedelta(days=3, hours=1))
        assert self.mornings() == ["2026-08-27", "2026-08-30"]
        old, new = Recalculation.objects.order_by("pk")
        assert (old.finished_at is None, new.finished_at is None) == (False, True)

    def test_pools_of_long_ago_are_forgotten(self):
        for seller in field(2):
            make.goal(seller)
        recalculating.morning(make.NOW)
        first = set(ForecastPool.objects.values_list("pk", flat=True))
        assert first
        recalculating.morning(make.NOW + timedelta(days=35))
        assert first <= set(ForecastPool.objects.values_list("pk", flat=True))
        recalculating.morning(make.NOW + timedelta(days=40))
        assert ForecastPool.objects.exists() and not ForecastPool.objects.filter(pk__in=first).exists()

    def test_each_market_at_its_own_hour(self):
        make.market()
        make.market("jp", time_zone=self.TOKYO, currency="JPY")
        recalculating.morning(make.NOW.replace(hour=19))  # 15:00 and 04:00 of the next day
        assert (self.mornings(), self.mornings("jp")) == (["2026-08-27"], ["2026-08-28"])

    def test_one_market_that_fails_does_not_cost_the_others_their_morning(self, monkeypatch):
        make.market()
        make.market("mx")

        def pools(market, *, as_of):
            if market.code == "us":
                raise ValueError("no pools")

        monkeypatch.setattr(recalculating.forecast, "make_pools", pools)
        with pytest.raises(ExceptionGroup):
            recalculating.morning(make.NOW)
        assert (self.mornings(), self.mornings("mx")) == ([], ["2026-08-27"])

    def test_changes_of_the_day_wait_for_the_morning(self):
        people = field(2)
        recalculating.changed(make.NOW)
        assert not Recalculation.objects.exists()
        recalculating.morning(make.NOW)
        recalculating.changed(make.NOW)
        assert Recalculation.objects.count() == 1  # its run is not through
        recalculating.work_here(Recalculation.objects.get().pk, by=by_id)
        recalculating.changed(make.NOW)
        assert Recalculation.objects.count() == 1  # and nothing changed since
        make.goal(people[0])
        recalculating.changed(make.NOW)
        assert Recalculation.objects.first().scope == CHANGED

    def test_runs_are_forgotten_in_time(self):
        field(1)
        for scope, days in ((ALL, 36), (ALL, 34), (CHANGED, 3)):
            made = run(scope)
            Recalculation.objects.filter(pk=made.pk).update(finished_at=make.NOW - timedelta(days=days))
        recalculating.forget(make.NOW)
        assert Recalculation.objects.count() == 1
