"""`manage.py health live|ready|worker`: exit code 0 if so; for the health checks of containers."""

from __future__ import annotations

import http.client
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from pep import views


class Command(BaseCommand):
    help = "Ask the web server on this machine, or the database about the worker, whether all is well."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["live", "ready", "worker"])
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, what: str, port: int, **options: Any) -> None:
        said = views.worker() if what == "worker" else self.asked(what, port)
        if said != "ok":
            raise CommandError(said)
        self.stdout.write(said)

    def asked(self, what: str, port: int) -> str:
        try:
            status, body = ask(what, port)
        except OSError as error:
            return f"No answer on port {port}: {error}"
        return "ok" if status == HTTPStatus.OK else f"{status}: {body}"


def ask(what: str, port: int, *, host: str = "127.0.0.1") -> tuple[int, str]:
    """Status and text of /health/<what>, asked under a name that this installation answers to."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    name = settings.ALLOWED_HOSTS[0].lstrip(".*") or "localhost"
    try:
        connection.request("GET", f"/health/{what}", headers={"Host": name})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()
