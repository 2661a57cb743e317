"""`manage.py rebuild`: orders, measures, customers' order columns and lines again from events alone; compact rows too."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from distributors import ingest


class Command(BaseCommand):
    help = (
        "Recompute everything derived from events, put right what differs, and print how many rows did. "
        "New events wait until it is done; pages do not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only compare; exit code 1 when something differs")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        report = ingest.rebuild(check=check)
        self.stdout.write(json.dumps(report.as_dict()))
        if check and not report.equal:
            raise SystemExit(1)
