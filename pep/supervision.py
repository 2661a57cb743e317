"""Keeping the processes alive: the web server, the queue's cluster, and the embedded PostgreSQL below them.

A child that dies is started again. A cluster can also fall silent with a clean log (reliability.md), so it has to
prove that it turns: a worker answers a beat that we ask for, and the scheduler brings one of its own each minute.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.utils import timezone
from django_q.tasks import async_task

from .models import Heartbeat

#: The name of the beat that the schedule brings, and of the one that the supervisor asks for.
SCHEDULE, WORKER = "schedule", "worker"
#: The scheduler looks once in 30 s for what is due each minute.
SILENT_SECONDS = 180
GRACE_SECONDS = 40
PR_SET_PDEATHSIG = 1


def beat(name: str = SCHEDULE) -> None:
    """A job: say that a worker is alive."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=timezone.now())],
        update_conflicts=True, unique_fields=["name"], update_fields=["at"],
    )  # fmt: skip


def silence() -> timedelta | None:
    """Since the scheduler's last beat; None when there never was one."""
    last = Heartbeat.objects.filter(name=SCHEDULE).values_list("at", flat=True).first()
    return timezone.now() - last if last else None


def die_with_parent(sign: int = signal.SIGKILL) -> None:
    """Ask the kernel to send this process a signal when the one that started it ends (Linux only)."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, int(sign))


@dataclass
class Child:
    """A process in a group of its own, so that whatever it started can be ended with it."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    #: Seconds to wait before the next start; grows while it keeps dying young.
    pause: float = 0.0

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"PEP_SUPERVISED": "1"},
            start_new_session=True,  # Ctrl-C reaches us alone, and we stop our children in order
            preexec_fn=lambda: die_with_parent(signal.SIGTERM),
        )
        self.started_at = time.monotonic()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        """SIGTERM to the parent only: it stops its own children in order."""
        if self.process is not None and self.running:
            self.process.terminate()

    def kill_group(self) -> None:
        """End what is left of the group, also after its leader died."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def wait(self, seconds: float) -> bool:
        """Whether it ended in time."""
        try:
            if self.process is not None:
                self.process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return False
        return True


@dataclass
class Canary:
    """Watches the beats by their change, on our own clock: the machine's may be set back or forward."""

    limit: float
    last: dict[str, object] = field(default_factory=dict)
    changed_at: dict[str, float] = field(default_factory=dict)
    asked: bool = False

    def reset(self) -> None:
        """A new cluster, or a database that was away: every silence starts again."""
        self.changed_at = dict.fromkeys((SCHEDULE, WORKER), time.monotonic())
        self.asked = False

    def look(self) -> None:
        for name, at in Heartbeat.objects.values_list("name", "at"):
            if self.last.get(name) != at:
                self.last[name], self.changed_at[name] = at, time.monotonic()
                self.asked = self.asked and name != WORKER
        if not self.asked and self.silent_for(WORKER) > self.limit / 3:
            async_task("pep.supervision.beat", WORKER)
            self.asked = True

    def silent_for(self, name: str) -> float:
        return time.monotonic() - self.changed_at[name]

    @property
    def silent(self) -> bool:
        return self.silent_for(WORKER) > self.limit or self.silent_for(SCHEDULE) > max(self.limit, SILENT_SECONDS)


@dataclass
class Supervisor:
    """Runs the children until told to stop; `say` gets one line for each thing that happens."""

    children: Sequence[Child]
    say: Callable[[str], None]
    canary: Canary | None = None
    cluster: Child | None = None
    #: Starts the embedded PostgreSQL if it is down; True when it had to.
    mend_database: Callable[[], bool] = lambda: False
    grace: float = GRACE_SECONDS
    stopping: threading.Event = field(default_factory=threading.Event)
    hurry: bool = False
    started: bool = False

    def listen(self) -> None:
        """SIGTERM, Ctrl-C and a closed terminal stop us; a second one stops us without grace."""
        for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(sign, lambda *_: self.stop())

    def stop(self) -> None:
        self.hurry = self.stopping.is_set()
        self.stopping.set()
        if not self.started:
            raise SystemExit(130)  # breaks off whatever is being prepared

    def start(self) -> None:
        self.started = True
        for child in self.children:
            child.start()
        if self.canary:
            self.canary.reset()

    def watch(self, *, every: float = 0.5) -> None:
        """Until told to stop."""
        while not self.stopping.wait(every):
            if self.mend_database():
                self.say("PostgreSQL was gone and has been started again.")
                self.forgive()
            for child in self.children:
                if not child.running:
                    self.revive(child)
            self.listen_for_beats()

    def revive(self, child: Child) -> None:
        child.kill_group()
        died_young = time.monotonic() - child.started_at < 10
        child.pause = min(30.0, child.pause * 2 or 1.0) if died_young else 0.0
        code = child.process.returncode if child.process else None
        self.say(f"The {child.name} ended unexpectedly (code {code}); it is started again.")
        if not self.stopping.wait(child.pause):
            child.start()
            self.forgive()

    def listen_for_beats(self) -> None:
        if self.canary is None or self.cluster is None:
            return
        try:
            close_old_connections()
            self.canary.look()
        except DatabaseError:
            self.canary.reset()  # says nothing about the cluster
        if self.canary.silent:
            self.say(f"The {self.cluster.name} has been silent for too long; it is started again.")
            self.end([self.cluster])
            self.cluster.start()
            self.canary.reset()

    def forgive(self) -> None:
        if self.canary:
            self.canary.reset()

    def end(self, children: Sequence[Child]) -> None:
        """Ask them all, give them the grace together, then end what is left."""
        deadline = time.monotonic() + self.grace
        for child in children:
            child.ask_to_stop()
        while any(child.running for child in children) and time.monotonic() < deadline and not self.hurry:
            time.sleep(0.05)
        for child in children:
            if child.running:
                self.say(f"The {child.name} did not stop in time and is ended.")
            child.kill_group()
