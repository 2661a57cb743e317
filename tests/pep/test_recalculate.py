"""`manage.py recalculate`: made, watched and summed up; cut short, it is gone on with."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from activities.models import Chunk, DaySlate, Recalculation
from activities.ranking import dayslates, recalculating
from pep.models import Heartbeat
from pep.supervision import SCHEDULE
from tests import factories as make
from tests.activities.test_recalculating import by_id, field, small  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    """The command's way to the work list; the ranking itself is tested elsewhere."""
    work_here = recalculating.work_here
    monkeypatch.setattr(recalculating, "work_here", lambda *args, **options: work_here(*args, by=by_id, **options))


def recalculate(capsys, *words):
    call_command("recalculate", *words)
    said = capsys.readouterr()
    return json.loads(said.out), said.err


def test_it_works(capsys):
    field()
    summary, said = recalculate(capsys, "--all")
    assert {name: summary[name] for name in ("people", "changed", "chunks", "parked")} == {
        "people": 10, "changed": 10, "chunks": 3, "parked": 0,
    }  # fmt: skip
    assert summary["people_per_second"] > 0
    assert summary["peak_memory_mb"] > 10
    assert "No worker is running, so it is done here." in said
    assert DaySlate.objects.count() == 10


def test_who_changed_in_one_market_as_of_an_instant(capsys):
    field(3)
    east = make.market("jp", time_zone="Asia/Tokyo", currency="JPY")
    make.distributor(market=east)
    summary, said = recalculate(capsys, "--changed", "--market", "jp", "--here", "--as-of", "2026-08-27T20:00:00+00:00")
    assert (summary["people"], summary["changed"]) == (1, 1)
    assert str(DaySlate.objects.get().day) == "2026-08-28"
    assert (
        recalculate(capsys, "--changed", "--market", "jp", "--here", "--as-of", "2026-08-27T20:00:00Z")[0]["people"]
        == 0
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--all", "--market", "mars"], "There is no market mars. The markets are: us."),
        (["--resume"], "There is no run to go on with."),
        (["--all", "--as-of", "2026-08-27T20:00:00"], "invalid instant value"),
        (["--all", "--changed"], "not allowed with"),
        ([], "one of the arguments --all --changed --resume is required"),
    ],
)
def test_what_cannot_be_done(words, sentence):
    make.market()
    with pytest.raises(CommandError, match=sentence):
        call_command("recalculate", *words)


def test_stopped_and_gone_on_with(capsys, monkeypatch):
    field()
    claim, left = recalculating.claim, [2]

    def interrupted(run_id):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return claim(run_id)

    monkeypatch.setattr(recalculating, "claim", interrupted)
    with pytest.raises(SystemExit) as stopped:
        call_command("recalculate", "--all", "--here")
    assert stopped.value.code == 130
    assert "`manage.py recalculate --resume` goes on with it." in capsys.readouterr().err
    assert Chunk.objects.filter(state="done").count() == 2
    monkeypatch.setattr(recalculating, "claim", claim)
    summary, _said = recalculate(capsys, "--resume")
    assert (summary["people"], summary["chunks"]) == (10, 3)
    assert Recalculation.objects.get().finished_at is not None


def test_what_fails_for_good_is_said(capsys, monkeypatch):
    field(2)

    def broken(*_args, **_options):
        raise ValueError("the kernel is not in the mood")

    monkeypatch.setattr(dayslates, "staged", broken)
    with pytest.raises(SystemExit) as failed:
        call_command("recalculate", "--all", "--here")
    said = capsys.readouterr()
    assert failed.value.code == 1
    assert json.loads(said.out)["parked"] == 1
    assert "It failed 3 times, at last with ValueError: the kernel is not in the mood." in said.err


def test_with_a_worker_it_is_left_to_it(capsys, monkeypatch, django_capture_on_commit_callbacks):
    field()
    Heartbeat.objects.update_or_create(name=SCHEDULE, defaults={"at": timezone.now()})
    woken = []

    def wake(run_id, many):
        woken.append(many)
        recalculating.work_here(run_id)

    monkeypatch.setattr(recalculating, "wake_workers", wake)
    summary, said = recalculate(capsys, "--all")
    assert (summary["people"], woken[0]) == (10, 2)
    assert "No worker" not in said
