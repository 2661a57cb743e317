"""The embedded PostgreSQL: starts, is shared, survives kill -9, and says in a sentence why it cannot start."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from pep import postgres

from .house import ROOT, until

pytestmark = pytest.mark.faults

START = (
    "import sys; from pathlib import Path; from pep import postgres; print(postgres.ensure_running(Path(sys.argv[1])))"
)


@pytest.fixture
def data():
    folder = Path(tempfile.mkdtemp(prefix="pep-pg-"))
    yield folder
    postgres.release(folder)
    kill_all(folder)
    shutil.rmtree(folder, ignore_errors=True)


def ask(data: Path, sql: str) -> list[tuple]:
    with psycopg.connect(postgres.url(data)) as connection:
        return connection.execute(sql).fetchall()


def kill_all(data: Path) -> None:
    for pid in postgres._processes_in(postgres.cluster(data)):
        with suppress(ProcessLookupError):  # its parent's end may have been its own
            os.kill(pid, signal.SIGKILL)


def test_it_works(data):
    assert postgres.ensure_running(data) is True
    assert postgres.ensure_running(data) is False
    assert ask(data, "SELECT current_setting('fsync'), current_setting('listen_addresses')") == [("on", "")]
    assert postgres.socket_dir(data).stat().st_mode & 0o777 == 0o700


def test_the_last_one_out_stops_it(data):
    postgres.ensure_running(data)
    other = subprocess.run([sys.executable, "-c", START, str(data)], cwd=ROOT, capture_output=True, text=True)
    assert other.stdout.strip() == "False", other.stderr
    assert postgres.postmaster(data)  # the other one ended, we are still here
    postgres.release(data)
    assert postgres.postmaster(data) is None
    assert not postgres._processes_in(postgres.cluster(data))


def test_two_that_start_at_once_get_one_server(data):
    both = [
        subprocess.Popen(
            [sys.executable, "-c", START + "; input()", str(data)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    answers = sorted(one.stdout.readline().strip() for one in both)
    for one in both:
        one.communicate("\n", timeout=30)
    assert answers == ["False", "True"]


def test_committed_rows_survive_kill_9_of_every_process(data):
    postgres.ensure_running(data)
    with psycopg.connect(postgres.url(data), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (id int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    for _ in range(3):
        kill_all(data)
        assert postgres.ensure_running(data) is True
        assert ask(data, "SELECT id FROM kept") == [(1,)]


def test_orphans_of_a_killed_server_are_waited_for(data):
    postgres.ensure_running(data)
    busy = psycopg.connect(postgres.url(data))
    os.kill(postgres.postmaster(data), signal.SIGKILL)
    assert postgres.ensure_running(data) is True
    busy.close()


def test_a_pid_file_whose_pid_is_now_somebody_else(data):
    postgres.ensure_running(data)
    kill_all(data)
    until(lambda: not postgres._processes_in(postgres.cluster(data)))
    file = postgres.cluster(data) / "postmaster.pid"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert postgres.ensure_running(data) is True


def test_a_half_made_cluster_is_made_again(data):
    (data / "postgres.new").mkdir()
    (data / "postgres.new" / "rubbish").write_text("killed during initdb")
    assert postgres.ensure_running(data) is True


def test_a_folder_too_deep_for_a_socket(data):
    deep = data / ("d" * 60) / ("e" * 60)
    try:
        assert postgres.ensure_running(deep) is True
        assert str(postgres.socket_dir(deep)).startswith("/tmp/")
        assert ask(deep, "SELECT 1") == [(1,)]
    finally:
        postgres.release(deep)
        shutil.rmtree(postgres.socket_dir(deep), ignore_errors=True)


def test_it_refuses_a_socket_folder_of_somebody_else(data):
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    postgres.socket_dir(data).mkdir()
    os.chown(postgres.socket_dir(data), 12345, 12345)
    with pytest.raises(postgres.PostgresError, match="belongs to somebody else"):
        postgres.ensure_running(data)


def test_it_says_why_it_cannot_start(data):
    postgres.ensure_running(data)
    postgres.release(data)
    (postgres.cluster(data) / "postgresql.auto.conf").write_text("shared_preload_libraries = 'no_such_thing'\n")
    with pytest.raises(postgres.PostgresError, match="did not start in .*(?s:.*)no_such_thing"):
        postgres.ensure_running(data)


def test_it_refuses_the_data_of_another_release(data):
    postgres.cluster(data).mkdir()
    (postgres.cluster(data) / "PG_VERSION").write_text("17\n")
    with pytest.raises(postgres.PostgresError, match="written by PostgreSQL 17"):
        postgres.ensure_running(data)


def test_a_command_ends_with_the_sentence_and_no_traceback(data):
    postgres.cluster(data).mkdir()
    (postgres.cluster(data) / "PG_VERSION").write_text("17\n")
    env = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"} | {"PEP_DATA": str(data)}
    done = subprocess.run([sys.executable, "manage.py", "check"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert "written by PostgreSQL 17" in done.stderr
    assert "Traceback" not in done.stderr
