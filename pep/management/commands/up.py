"""`manage.py up`: everything this installation needs, in one process group, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import sys
import time
from argparse import BooleanOptionalAction
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from activities.ranking import compiled
from distributors.models import Distributor
from pep import catalogues, postgres, supervision
from pep.management.commands import health

WEB, WORKER = "web server", "worker"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait for whoever else is writing to this folder: web and worker of one machine may be started at once."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Command(BaseCommand):
    help = (
        "Start PostgreSQL (unless DATABASE_URL is set), migrate, load the demo company, run the web server and worker."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000)")
        parser.add_argument(
            "--demo",
            action=BooleanOptionalAction,
            default=settings.LOCAL,
            help="load the demo company into an empty database (the default without DATABASE_URL)",
        )
        parser.add_argument("--only", choices=["web", "worker"], help="run one of the two, and prepare nothing")

    def handle(self, *args: Any, host: str, port: int, demo: bool, only: str | None, **options: Any) -> None:
        if only != "worker":
            refuse_a_port_in_use(host, port)
        self.started = time.monotonic()
        supervisor = self.supervisor(host, port, only)
        supervisor.listen()
        try:
            self.start_database()
            if only is None:
                self.prepare(demo)
            supervisor.start()
            self.announce(supervisor, host, port, only)
            supervisor.watch()
        except (postgres.PostgresError, catalogues.CatalogueError) as error:
            raise CommandError(str(error)) from error
        finally:
            self.finish(supervisor)

    def start_database(self) -> None:
        if not settings.LOCAL:
            return
        with self.step("PostgreSQL") as note:
            started = postgres.ensure_running(settings.DATA_DIR)
            note(f"{'started' if started else 'already running'}, data in {settings.DATA_DIR}")

    def prepare(self, demo: bool) -> None:
        with self.step("Database") as note:
            call_command("migrate", interactive=False, verbosity=0)
            note("up to date")
        with self.step("Languages") as note:
            note(f"{catalogues.compile_changed()} compiled")
        with self.step("Kernels") as note:
            note("compiled" if compiled.compile_ahead() else "up to date")
        with self.step("Static files"), alone(settings.STATIC_ROOT):
            call_command("collectstatic", interactive=False, verbosity=0)
        if demo and not Distributor.objects.exists():
            with self.step("Demo company"):
                call_command("demo", print_sign_ins=False)  # announced when all is up

    def supervisor(self, host: str, port: int, only: str | None) -> supervision.Supervisor:
        web = supervision.Child(WEB, web_command(host, port))
        worker = supervision.Child(WORKER, [sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster"])
        children = [child for child, name in ((web, "web"), (worker, "worker")) if only in (None, name)]
        limit = float(os.environ.get("PEP_CANARY_LIMIT", supervision.SILENT_SECONDS))
        return supervision.Supervisor(
            children,
            say=self.say,
            canary=supervision.Canary(limit) if worker in children else None,
            cluster=worker,
            mend_database=mend_database if settings.LOCAL else lambda: False,
            grace=float(os.environ.get("PEP_GRACE", supervision.GRACE_SECONDS)),
        )

    def announce(self, supervisor: supervision.Supervisor, host: str, port: int, only: str | None) -> None:
        """The address once it answers, and how to get in."""
        if only == "worker":
            return self.say("The worker runs. Ctrl-C stops it.")
        with self.step("Web server"):
            wait_until_it_answers(supervisor, host, port)
        if supervisor.stopping.is_set():
            return None
        sign_ins = settings.DATA_DIR / "demo-sign-ins.txt"
        self.tell(f"\nReady after {time.monotonic() - self.started:.1f} s: http://{shown(host)}:{port}/")
        if settings.LOCAL and sign_ins.exists():
            self.tell(f"\n{sign_ins.read_text().rstrip()}")
        return self.tell("\nCtrl-C stops everything.\n")

    def finish(self, supervisor: supervision.Supervisor) -> None:
        begun = time.monotonic()
        supervisor.end(supervisor.children)
        if settings.LOCAL:
            postgres.release(settings.DATA_DIR)
        self.say(f"Stopped in {time.monotonic() - begun:.1f} s.")

    def say(self, line: str) -> None:
        """What happened and when, among the lines of the web server and the worker."""
        self.tell(f"{time.strftime('%H:%M:%S')} {line}")

    def tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()  # in order with what the children write

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """One line when it is done: what, how long, and a word about it."""
        words: list[str] = []
        begun = time.monotonic()
        yield words.append
        self.tell(f"{name:<14}{time.monotonic() - begun:6.1f} s  {' '.join(words)}".rstrip())


def web_command(host: str, port: int) -> list[str]:
    """granian: its Rust side waits for slow headers and slow readers; a slow upload holds a thread, so there are many."""
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port),
        "--workers", os.environ.get("PEP_WEB_WORKERS", "2"),
        "--blocking-threads", os.environ.get("PEP_WEB_THREADS", "64"),
        "--no-ws", "--http", "1", "--respawn-failed-workers", "--respawn-interval", "0.5",
        "--workers-kill-timeout", "30", "--log-level", "error",
        "--working-dir", str(settings.BASE_DIR), "pep.wsgi:application",
    ]  # fmt: skip


def refuse_a_port_in_use(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            if getattr(error, "errno", None) == errno.EADDRINUSE:
                raise CommandError(
                    f"Port {port} on {host} is in use: stop what uses it, or choose another with --port."
                ) from error
            raise CommandError(f"This machine cannot listen on {host} port {port}: {error}.") from error


def mend_database() -> bool:
    return postgres.postmaster(settings.DATA_DIR) is None and postgres.ensure_running(settings.DATA_DIR)


def wait_until_it_answers(supervisor: supervision.Supervisor, host: str, port: int, *, seconds: float = 120) -> None:
    """Until the application has been loaded and answers well."""
    deadline, said = time.monotonic() + seconds, "not at all"
    while not supervisor.stopping.wait(0.1):
        if not supervisor.children[0].running:
            raise CommandError("The web server did not start; the lines above say why.")
        if time.monotonic() > deadline:
            raise CommandError(f"The web server answers {said} after {seconds:.0f} s; the lines above say why.")
        with suppress(OSError):
            status = health.ask("live", port, host=shown(host).strip("[]"))[0]
            if status == HTTPStatus.OK:
                return
            said = f"with {status}"


def shown(host: str) -> str:
    """An address that a browser on this machine can open."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - compared, not listened on
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
