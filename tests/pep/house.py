"""A whole installation of its own for the fault tests: `manage.py up` with a data folder and a port to itself."""

from __future__ import annotations

import http.client
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg

from pep import postgres

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """Below those that the kernel gives to clients: one that knocks at a dead server could be given its very port."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def until(what: Callable[[], object], seconds: float = 60, why: str = "") -> None:
    """Wait for it; a machine under load is slow, not wrong."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, why or f"it did not happen within {seconds} s"
        time.sleep(0.1)


class House:
    def __init__(self, **env: str) -> None:
        # Short: a socket lives in it.
        self.data = Path(tempfile.mkdtemp(prefix="pep-house-"))
        self.port = free_port()
        self.log = self.data / "up.log"
        inherited = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "PEP_SECRET_KEY", "PEP_HOSTS"}}
        self.env = inherited | {"PEP_DATA": str(self.data)} | env
        self.up: subprocess.Popen[bytes] | None = None

    def command(self, *words: str) -> list[str]:
        return [sys.executable, str(ROOT / "manage.py"), *words]

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*words), env=self.env, capture_output=True, text=True, timeout=120)

    def start(self, *words: str) -> None:
        mark = len(self.said())
        with self.log.open("ab") as log:
            self.up = subprocess.Popen(
                self.command("up", "--no-demo", "--port", str(self.port), *words),
                env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            until(lambda: "Ready after" in self.said()[mark:] or self.up.poll() is not None, 300, "it was never ready")
        except AssertionError:
            # Nobody else would: what is left of it slows all that follows.
            self.close()
            raise
        assert self.up.poll() is None, self.said()

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/health/live")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def processes(self) -> list[psutil.Process]:
        """Everything that was started with this data folder, orphans too."""
        return [process for process in psutil.process_iter() if self._ours(process)]

    def _ours(self, process: psutil.Process) -> bool:
        try:
            return process.status() != psutil.STATUS_ZOMBIE and process.environ().get("PEP_DATA") == str(self.data)
        except psutil.Error:
            return False

    def child(self, word: str) -> psutil.Process:
        """The child of `up` with that word in its command: "granian" or "qcluster"."""
        assert self.up is not None
        found = [c for c in psutil.Process(self.up.pid).children() if word in " ".join(c.cmdline())]
        assert len(found) == 1, (word, found)
        return found[0]

    def has_new_child(self, word: str, than: int) -> bool:
        try:
            return self.child(word).pid != than
        except (AssertionError, psutil.Error):
            return False

    def query(self, sql: str) -> list[tuple]:
        with psycopg.connect(postgres.url(self.data)) as connection:
            return connection.execute(sql).fetchall()

    def kill_everything(self) -> None:
        """kill -9, the top first, so that nobody mends anything."""
        for process in sorted(self.processes(), key=lambda p: p.pid != getattr(self.up, "pid", None)):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        if self.up is not None:
            self.up.wait(30)
        until(lambda: not self.processes(), 30)

    def close(self) -> None:
        self.kill_everything()
        shutil.rmtree(self.data, ignore_errors=True)
