"""`manage.py up`: starts everything, mends what dies or falls silent, and leaves nobody behind."""

from __future__ import annotations

import signal
import socket
import time

import psutil
import pytest

from .house import House, until

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def house():
    # A short canary and grace, so that a silent cluster is noticed and ended within a test's patience.
    one = House(PEP_CANARY_LIMIT="8", PEP_GRACE="4")
    one.start()
    yield one
    one.close()


@pytest.fixture
def fresh():
    one = House()
    yield one
    one.close()


def test_it_works(house):
    assert house.answers()
    until(lambda: house.query("SELECT 1 FROM pep_heartbeat"), why="no worker gave a sign of life")
    for line in ("PostgreSQL", "Database", "Languages", "Static files", "Web server", "Ready after"):
        assert line in house.said()


def test_a_killed_cluster_is_started_again(house):
    before = house.child("qcluster")
    family = before.children(recursive=True)
    before.kill()
    until(lambda: house.has_new_child("qcluster", before.pid))
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive  # no orphan keeps a task


def test_a_killed_sentinel_takes_the_cluster_down_and_it_is_started_again(house):
    before = house.child("qcluster")
    until(lambda: before.children())
    before.children()[0].kill()
    until(lambda: house.has_new_child("qcluster", before.pid))


def test_a_silent_cluster_is_started_again(house):
    before = house.child("qcluster")
    until(lambda: before.children())
    for process in [before, *before.children(recursive=True)]:
        process.suspend()
    until(lambda: house.has_new_child("qcluster", before.pid))
    assert "has been silent" in house.said()


def test_a_killed_web_server_is_started_again(house):
    before = house.child("granian")
    before.kill()
    until(lambda: house.has_new_child("granian", before.pid) and house.answers())


def test_a_killed_database_is_started_again(house):
    from pep import postgres

    before = postgres.postmaster(house.data)
    psutil.Process(before).kill()
    until(lambda: postgres.postmaster(house.data) not in (None, before))
    until(lambda: postgres.accepting(house.data))


def test_it_refuses_a_port_in_use_before_it_starts_anything(fresh):
    with socket.create_server(("127.0.0.1", fresh.port)):
        done = fresh.manage("up", "--no-demo", "--port", str(fresh.port))
    assert done.returncode != 0
    assert done.stderr.strip() == (
        f"CommandError: Port {fresh.port} on 127.0.0.1 is in use: stop what uses it, or choose another with --port."
    )
    assert not (fresh.data / "postgres").exists()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly(fresh, sign):
    fresh.start()
    begun = time.monotonic()
    fresh.up.send_signal(sign)
    assert fresh.up.wait(45) == 0
    assert time.monotonic() - begun < 40
    assert not fresh.processes()
    assert "did not stop in time" not in fresh.said()


def test_nothing_outlives_a_killed_one_but_the_database(fresh):
    fresh.start()
    fresh.up.kill()
    fresh.up.wait()
    until(lambda: not [p for p in fresh.processes() if "postgres" not in p.name()])
    fresh.start()  # on the same port, with the database that was left running
    fresh.up.terminate()
    fresh.up.wait(45)
    assert not fresh.processes()
