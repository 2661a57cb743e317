"""The schedule rows are what the list says, no more and no less."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_q import scheduler
from django_q.models import OrmQ, Schedule

from pep import schedules

pytestmark = pytest.mark.django_db


def rows():
    return {row.name: row for row in Schedule.objects.all()}


def test_it_works():
    Schedule.objects.all().delete()
    schedules.sync()
    assert {name: row.func for name, row in rows().items()} == {job.name: job.func for job in schedules.JOBS}
    assert rows()["canary"].minutes == 1
    assert (rows()["morning"].minutes, rows()["changed"].minutes, rows()["recalculation sweep"].minutes) == (15, 5, 1)
    assert rows()["scales"].schedule_type == Schedule.CRON
    assert rows()["scales"].next_run > timezone.now()


def test_again_changes_nothing_and_keeps_the_next_run():
    schedules.sync()
    before = {name: (row.pk, row.next_run) for name, row in rows().items()}
    schedules.sync()
    assert {name: (row.pk, row.next_run) for name, row in rows().items()} == before


def test_a_row_that_is_not_in_the_list_goes():
    Schedule.objects.create(name="mischief", func="os.system", args="'true'")
    schedules.sync()
    assert "mischief" not in rows()


def test_a_tampered_or_doubled_row_is_put_right():
    Schedule.objects.filter(name="sweep").update(func="os.system", args="'true'")
    Schedule.objects.create(name="canary", func="pep.supervision.beat", schedule_type=Schedule.MINUTES, minutes=1)
    schedules.sync()
    assert rows()["sweep"].func == "activities.actions.settle_recent"
    assert rows()["sweep"].args is None
    assert Schedule.objects.filter(name="canary").count() == 1


def test_migrate_brings_them():
    Schedule.objects.all().delete()
    call_command("migrate", verbosity=0)
    assert set(rows()) == {job.name for job in schedules.JOBS}


def test_the_scheduler_turns_each_into_a_task(monkeypatch):
    """All of them at once, by django-q2's own code: a row it cannot read would stop the others."""
    monkeypatch.setattr(scheduler, "close_old_django_connections", lambda: None)  # it would end the test's transaction
    schedules.sync()
    Schedule.objects.update(next_run=timezone.now() - timedelta(minutes=2))
    scheduler.scheduler()
    assert {task.func() for task in OrmQ.objects.all()} == {job.func for job in schedules.JOBS}
