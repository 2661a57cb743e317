"""After publishing: pages have it at once, what is written ahead follows within a minute, and once."""

from __future__ import annotations

import threading
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django_q.models import OrmQ

from activities.models import Chunk, DaySlate, Recalculation
from activities.preview import propagation
from activities.preview.propagation import State
from activities.ranking import dayslates, recalculating
from activities.views.propagation import said
from distributors.models import Distributor, Market, Role, Segment
from kpis import campaigns, priorities
from kpis.models import KPI, Campaign
from pep import schedules
from tests import factories as make
from tests.pages import HTMX, now, words

from .test_recalculating import by_id, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now

ALL, CHANGED = Recalculation.Scope.ALL, Recalculation.Scope.CHANGED
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def field(n: int = 4, market: Market | None = None) -> list[Distributor]:
    return [make.distributor(market=market or make.market()) for _ in range(n)]


@pytest.fixture
def campaign() -> Campaign:
    found = make.campaign()
    make.priority_version(found, {make.kpi(name="Sales", metric="sales"): 100})
    return found


def morning(as_of: datetime = make.NOW) -> None:
    """Every market's morning, worked to its end."""
    recalculating.morning(as_of)
    work()


def work() -> None:
    for made in Recalculation.objects.filter(finished_at=None):
        recalculating.work_here(made.pk, by=by_id)


def publish(campaign: Campaign, as_of: datetime = make.NOW, **fields: Any) -> None:
    newest = priorities.newest_version(campaign)
    make.priority_version(
        campaign, {make.kpi(): 100}, number=newest.number + 1 if newest else 1, published_at=as_of, **fields
    )


def runs() -> list[tuple[str, str]]:
    """Scope and market of each run after the morning's."""
    return [(one.scope, one.market.code) for one in Recalculation.objects.order_by("pk") if one.morning is None]


def current() -> int:
    return DaySlate.objects.filter(versions=recalculating.told_now()).count()


class TestSteered:
    def test_it_works(self, campaign: Campaign) -> None:
        field()
        morning()
        assert current() == 4
        publish(campaign)
        assert current() == 0
        recalculating.steered(make.NOW + MINUTE)
        assert runs() == [(CHANGED, "us")]
        work()
        assert current() == 4
        assert Recalculation.objects.first().versions == recalculating.told_now()

    def test_again_starts_nothing(self, campaign: Campaign) -> None:
        field()
        morning()
        recalculating.steered(make.NOW)
        assert runs() == []
        publish(campaign)
        for minute in range(3):
            recalculating.steered(make.NOW + minute * MINUTE)
            work()
        assert runs() == [(CHANGED, "us")]

    def test_what_hq_did_since_is_one_run(self, campaign: Campaign) -> None:
        field()
        morning()
        for _n in range(3):
            publish(campaign)
        recalculating.steered(make.NOW)
        assert len(runs()) == 1

    def test_it_waits_for_the_morning_and_for_what_is_under_way(self, campaign: Campaign) -> None:
        field()
        publish(campaign)
        recalculating.steered(make.NOW)
        assert not Recalculation.objects.exists()
        recalculating.morning(make.NOW)
        publish(campaign)
        recalculating.steered(make.NOW)
        assert runs() == []
        work()
        recalculating.steered(make.NOW)
        assert runs() == [(CHANGED, "us")]

    def test_each_market_by_itself(self, campaign: Campaign) -> None:
        field()
        field(2, make.market("jp", time_zone="Asia/Tokyo", currency="JPY"))  # midnight: no morning yet
        morning()
        publish(campaign)
        recalculating.steered(make.NOW)
        assert runs() == [(CHANGED, "us")]

    def test_the_other_schedule_does_not_do_it_twice(self, campaign: Campaign) -> None:
        field()
        morning()
        publish(campaign)
        recalculating.steered(make.NOW)
        recalculating.changed(make.NOW)  # waits for the run
        work()
        recalculating.changed(make.NOW)  # and finds nobody
        assert len(runs()) == 1
        publish(campaign)
        recalculating.changed(make.NOW)
        recalculating.steered(make.NOW)
        work()
        recalculating.steered(make.NOW)
        assert len(runs()) == 2

    def test_a_scheduled_start_is_followed(self, campaign: Campaign) -> None:
        """Nothing is written when it starts but the note of it; the slates follow that."""
        field()
        sales, other = KPI.objects.get(), make.kpi(metric="orders")
        noon = make.NOW.replace(hour=16)
        make.priority_version(
            campaign, {sales: 10, other: 90}, starts_on=make.TODAY, starts_time=time(12), published_at=make.NOW - MINUTE
        )
        morning()
        recalculating.steered(noon - MINUTE)
        assert runs() == []
        campaigns.turn(noon)
        recalculating.steered(noon)
        assert runs() == [(CHANGED, "us")]
        run_made = Recalculation.objects.first()
        given = dayslates.frame(run_made.as_of)
        assert given.course.priorities[0].version == f"{campaign.pk}.2"

    def test_a_chunk_of_a_run_from_before_the_start_is_steered_by_it_all_the_same(self, campaign: Campaign) -> None:
        """Its slates are stamped with versions that count the start: they must not be those of before it."""
        noon = make.NOW.replace(hour=16)
        make.priority_version(
            campaign, {make.kpi(): 100}, starts_on=make.TODAY, starts_time=time(12), published_at=make.NOW - MINUTE
        )
        field()
        seen = []

        def rank(people: Any, given: dayslates.Frame) -> Any:
            seen.append((given.course.priorities[0].version, given.calendar.now))
            return by_id(people, given)

        late = recalculating.start(ALL, noon - SECOND, wake=False)
        campaigns.turn(noon)
        recalculating.work_here(late.pk, by=rank)
        assert [version for version, _now in seen] == [f"{campaign.pk}.2"]
        assert current() == 4

    def test_a_minute_in_which_nothing_moved_is_cheap(self, campaign: Campaign, django_assert_num_queries: Any) -> None:
        field()
        field(2, make.market("mx", time_zone="America/Mexico_City"))
        morning()
        with django_assert_num_queries(4):  # numbers, markets, and the newest run of each
            recalculating.steered(make.NOW)


@pytest.mark.django_db(transaction=True)
def test_of_schedulers_that_ask_at_once_one_starts_a_run() -> None:
    campaign = make.campaign()
    make.priority_version(campaign, {make.kpi(): 100})
    field()
    morning()
    publish(campaign)
    gate, problems = threading.Barrier(4), []

    def ask(job: Any) -> None:
        try:
            gate.wait()
            job(make.NOW)
        except Exception as error:
            problems.append(error)
        finally:
            connections.close_all()

    jobs = [recalculating.steered, recalculating.steered, recalculating.changed, recalculating.changed]
    threads = [threading.Thread(target=ask, args=[job]) for job in jobs]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert problems == []
    assert runs() == [(CHANGED, "us")]


# The figures


def of(campaign: Campaign, as_of: datetime = make.NOW) -> propagation.Propagation:
    return propagation.of(campaign, as_of=as_of)


def test_it_works(campaign: Campaign) -> None:
    field()
    morning()
    Recalculation.objects.update(started_at=make.NOW - timedelta(hours=1))
    found = of(campaign)
    assert (found.slates.people, found.slates.written, found.slates.current, found.slates.state) == (
        4, 4, 4, State.CURRENT,
    )  # fmt: skip
    publish(campaign)
    found = of(campaign)
    assert (found.slates.current, found.slates.share, found.slates.state) == (0, 0, State.SOON)
    assert found.counts and found.moving and found.runs == [] and found.done_after is None
    recalculating.steered(make.NOW)
    assert of(campaign).slates.state is State.RUNNING
    work()
    Recalculation.objects.filter(scope=CHANGED).update(
        started_at=make.NOW + 20 * SECOND, finished_at=make.NOW + 21 * SECOND
    )
    found = of(campaign)
    assert (found.slates.share, found.slates.state, found.moving) == (100, State.CURRENT, False)
    (brought,) = found.runs
    assert (brought.market, brought.people, brought.after) == ("US", 4, 21 * SECOND)
    assert found.done_after == 21 * SECOND


def test_halfway(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recalculating, "CHUNK", 2)
    field(3)
    morning()
    publish(campaign)
    recalculating.steered(make.NOW)
    made = Recalculation.objects.first()
    recalculating.work_here(made.pk, seconds=0, by=by_id)
    found = of(campaign).slates
    assert (found.current, found.written, found.share, found.state) == (2, 3, 66, State.RUNNING)


def test_what_was_parked_is_said(campaign: Campaign) -> None:
    field()
    morning()
    publish(campaign)
    recalculating.steered(make.NOW)
    Chunk.objects.filter(state="waiting").update(state="parked")
    recalculating.settle(Recalculation.objects.first().pk)
    found = of(campaign)
    assert found.slates.state is State.LEFT and not found.moving


def test_before_a_market_has_its_morning_it_waits_for_it(campaign: Campaign) -> None:
    field()
    run()  # by hand, whatever the hour
    publish(campaign)
    assert of(campaign).slates.state is State.MORNING


def test_only_the_audience_and_only_todays_slates_are_counted(campaign: Campaign) -> None:
    new = Segment.objects.create(name="New", days_to=30)
    young = make.distributor(joined_on=make.TODAY)
    field(3)
    field(2, make.market("mx", time_zone="America/Mexico_City"))
    Campaign.objects.filter(pk=campaign.pk).update(segment=new)
    campaign.refresh_from_db()
    campaign.markets.add(make.market())
    assert of(campaign).slates == propagation.Slates(1, 0, 0, State.NONE)
    morning()
    assert of(campaign).slates == propagation.Slates(1, 1, 1, State.CURRENT)
    DaySlate.objects.filter(pk=young.pk).update(day=make.TODAY - timedelta(days=1))
    assert of(campaign).slates.state is State.NONE
    make.distributor(joined_on=make.TODAY, left_on=make.TODAY)
    assert of(campaign).slates.people == 1


def test_scheduled_it_counts_market_by_market(campaign: Campaign) -> None:
    us, berlin = make.market(), make.market("de", time_zone="Europe/Berlin", currency="EUR")
    publish(campaign, starts_on=make.TODAY, starts_time=time(12))
    found = of(campaign)  # 11:00 in New York, 17:00 in Berlin
    assert [(one.market, one.counts) for one in found.places] == [(us, False), (berlin, True)]
    assert [one.from_when.strftime("%H:%M") for one in found.places] == ["12:00", "17:00"]
    later = of(campaign, make.NOW + timedelta(hours=1))
    assert [one.counts for one in later.places] == [True, True]


def test_a_campaign_that_comes_first_is_named(campaign: Campaign) -> None:
    local = make.campaign(name="US only")
    local.markets.add(make.market())
    make.priority_version(local, {make.kpi(): 100})
    (place,) = of(campaign).places
    assert place.counts and place.behind == "US only"
    assert of(local).places[0].behind == ""


def test_over_and_never_approved(campaign: Campaign) -> None:
    make.market()
    Campaign.objects.filter(pk=campaign.pk).update(ends_on=date(2026, 8, 26))
    (place,) = of(Campaign.objects.get()).places
    assert place.over and not place.counts
    Campaign.objects.update(status="ended")
    assert of(Campaign.objects.get()).places == []


def test_runs_of_long_ago_are_not_taken_for_it(campaign: Campaign) -> None:
    field()
    make.market()
    old = of(campaign, make.NOW + timedelta(days=9))
    assert old.runs == []
    run(as_of=make.NOW + timedelta(days=9))
    assert of(campaign, make.NOW + timedelta(days=9)).runs == []


def test_it_takes_few_queries(campaign: Campaign, django_assert_num_queries: Any) -> None:
    field()
    morning()
    publish(campaign)
    recalculating.steered(make.NOW)
    work()
    with django_assert_num_queries(13):
        of(campaign)


# The page


def desk(role: Role = Role.HQ_EDITOR) -> Client:
    client = Client()
    client.force_login(make.user(role))
    return client


def page(campaign: Campaign) -> str:
    return reverse("propagation", args=[campaign.pk])


def test_the_page(campaign: Campaign) -> None:
    field()
    morning()
    publish(campaign, reason="Eyes come first")
    client = desk()
    text = words(client.get(page(campaign)))
    assert "Version 2 in the field" in text and "Eyes come first" in text
    assert "at the next page load" in text and 'hx-trigger="every 2s"' in text
    assert '<rect class="v" width="0%"' in text and "0 <small>of 4</small>" in text
    assert "starts by itself within a minute" in text and "Start it now" in text
    assert client.post(reverse("propagation_start", args=[campaign.pk]))["Location"] == page(campaign)
    assert runs() == [(CHANGED, "us")] and "being ranked again" in words(client.get(page(campaign)))
    client.post(reverse("propagation_start", args=[campaign.pk]))
    assert len(runs()) == 1
    work()
    text = words(client.get(page(campaign), headers=HTMX))
    assert "<html" not in text and "every 2s" not in text and "All of them are ranked by what counts now." in text
    assert '<rect class="v" width="100%"' in text and "Start it now" not in text


def test_workers_are_woken(campaign: Campaign, django_capture_on_commit_callbacks: Any) -> None:
    field()
    morning()
    OrmQ.objects.all().delete()
    publish(campaign)
    with django_capture_on_commit_callbacks(execute=True):
        desk().post(reverse("propagation_start", args=[campaign.pk]))
    assert [task.task["func"] for task in OrmQ.objects.all()] == ["activities.ranking.recalculating.work"]


def test_before_it_counts_and_after_it_ended(campaign: Campaign) -> None:
    make.market()
    Campaign.objects.filter(pk=campaign.pk).update(starts_on=date(2026, 8, 30), status="scheduled")
    text = words(desk().get(page(campaign)))
    assert "Not yet" in text and "Counts from then" in text and "30 August 2026, 00:00" in text
    Campaign.objects.update(status="ended")
    assert "nothing of it counts" in words(desk().get(page(campaign)))


def test_scheduled_it_names_what_counts_until_then(campaign: Campaign) -> None:
    field()
    morning()
    publish(campaign)  # the slates of today wait for a run that is not this version's
    publish(campaign, starts_on=date(2026, 9, 1), starts_time=time(9))
    found = of(campaign)
    assert (found.scheduled, found.counts, found.moving, found.live.number) == (True, False, False, 2)
    html = desk().get(page(campaign)).text
    assert "Version 3 is scheduled" in html
    assert "in the field" not in html
    assert "Version 2 counts" in html
    assert reverse("versions", args=[campaign.pk]) in html
    for gone in ("Slates written ahead", "Start it now", "every 2s"):
        assert gone not in html
    later = of(campaign, as_of=make.NOW + timedelta(days=7))
    assert (later.scheduled, later.live.number) == (False, 3)


def test_before_the_campaign_begins_nothing_of_it_counts(campaign: Campaign) -> None:
    Campaign.objects.update(starts_on=date(2026, 9, 15))
    make.market()
    assert of(campaign).live is None
    html = desk().get(page(campaign)).text
    assert "Version 1 is scheduled" in html
    assert "No version of this campaign counts yet." in html


def test_without_a_version(campaign: Campaign) -> None:
    empty = make.campaign(status="draft")
    assert "Nothing of this campaign is published yet." in words(desk().get(page(empty)))


@pytest.mark.parametrize("role", [*Role, None])
def test_hq_reads_and_editors_start(role: Role | None, campaign: Campaign) -> None:
    client = desk(role) if role else Client()
    hq = role in {Role.HQ_VIEWER, Role.HQ_EDITOR, Role.HQ_APPROVER}
    edits = role in {Role.HQ_EDITOR, Role.HQ_APPROVER}
    start = reverse("propagation_start", args=[campaign.pk])
    assert client.get(page(campaign)).status_code == (302 if role is None else 200 if hq else 404)
    assert client.post(page(campaign)).status_code == (302 if role is None else 405 if hq else 404)
    assert client.post(start).status_code == (302 if role is None else 303 if edits else 404)
    assert client.get(start).status_code == (302 if role is None else 405 if edits else 404)
    field()
    morning()
    publish(campaign)
    assert ("Start it now" in words(client.get(page(campaign)))) == edits


def test_a_campaign_that_is_not_there() -> None:
    client = desk()
    assert client.get(reverse("propagation", args=[10**9])).status_code == 404
    assert client.post(reverse("propagation_start", args=[10**9])).status_code == 404


@pytest.mark.parametrize(
    ("seconds", "words_said"),
    [(0, "0.0 seconds"), (4.23, "4.3 seconds"), (59.99, "60.0 seconds"), (61, "2 minutes"), (3601, "2 hours")],
)
def test_spans(seconds: float, words_said: str) -> None:
    assert said(timedelta(seconds=seconds)) == words_said


def test_turn_and_steered_are_scheduled_every_minute() -> None:
    jobs = {job.name: job for job in schedules.JOBS}
    assert (jobs["campaigns"].func, jobs["campaigns"].minutes) == ("kpis.campaigns.turn", 1)
    assert (jobs["steered"].func, jobs["steered"].minutes) == ("activities.ranking.recalculating.steered", 1)
