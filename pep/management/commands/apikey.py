"""`manage.py apikey NAME --scope events:write --scope feed:read`: a machine's key, printed once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from distributors.models import ApiKey


class Command(BaseCommand):
    help = "Issue an API key (printed once), or revoke one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="who will use it, for example shop")
        parser.add_argument("--scope", action="append", default=[], help=f"one of: {', '.join(ApiKey.SCOPES)}")
        parser.add_argument("--revoke", action="store_true", help="end the key of that name")

    def handle(self, *args: Any, name: str, scope: list[str], revoke: bool, **options: Any) -> None:
        if revoke:
            self.revoke(name)
        else:
            self.issue(name, list(dict.fromkeys(scope)))

    def issue(self, name: str, scopes: list[str]) -> None:
        unknown = [scope for scope in scopes if scope not in ApiKey.SCOPES]
        if unknown:
            raise CommandError(f"There is no scope {unknown[0]!r}; there are {', '.join(ApiKey.SCOPES)}.")
        if not scopes:
            raise CommandError(f"Say what the key may do, with --scope {' or --scope '.join(ApiKey.SCOPES)}.")
        if not name.strip() or len(name) > 80:
            raise CommandError("The name must have 1 to 80 characters.")
        if ApiKey.objects.filter(name=name).exists():
            raise CommandError(f"There is a key named {name!r} already (a revoked one keeps its name too).")
        _, text = ApiKey.issue(name=name, scopes=scopes)
        self.stderr.write(f"The key of {name} ({', '.join(scopes)}); it cannot be shown again:")
        self.stdout.write(text)

    def revoke(self, name: str) -> None:
        if not ApiKey.objects.filter(name=name, revoked_at=None).update(revoked_at=timezone.now()):
            raise CommandError(f"There is no working key named {name!r}.")
        self.stderr.write(f"The key of {name} no longer works.")
