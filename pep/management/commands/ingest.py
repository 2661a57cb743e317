"""`manage.py ingest FILE`: events from a file. Safe to run again: what is stored already is skipped."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from distributors.bulk import Summary, bulk_numbered
from distributors.event_files import CSV_HELP, FORMATS


class Command(BaseCommand):
    help = (
        "Store events from FILE through the same checks as the API, and print a JSON summary. Each block of rows is "
        "committed by itself and events are unique by source and id, so a run that was cut short is simply run again. "
        "Refused rows are listed on stderr with their line numbers and make the exit code 1; the others are stored.\n\n"
        "NDJSON has one CloudEvent 1.0 a line.\n\n" + CSV_HELP
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="an NDJSON or CSV file in UTF-8")
        parser.add_argument("--format", choices=sorted(FORMATS), help="default: by the file's ending")
        parser.add_argument("--dry-run", action="store_true", help="check every row, write nothing")
        parser.add_argument("--progress", action="store_true", help="show a progress bar on stderr")

    def handle(self, *args: Any, file: Path, format: str | None, dry_run: bool, progress: bool, **options: Any) -> None:
        reader = FORMATS[format or format_of(file)]
        try:
            with file.open(encoding="utf-8-sig", newline="") as lines:
                summary = self.ingest(reader(lines), lines, dry_run=dry_run, progress=progress)
        except UnicodeDecodeError as error:
            raise CommandError(f"{file} is not UTF-8 text (byte {error.start} of a block).") from error
        except ValueError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        self.report(summary)

    def ingest(self, rows: Any, lines: IO[str], *, dry_run: bool, progress: bool) -> Summary:
        size = os.fstat(lines.fileno()).st_size
        with tqdm(total=size, unit="B", unit_scale=True, disable=not progress, delay=0.2) as bar:

            def moved(_rows: int) -> None:
                bar.update(lines.buffer.tell() - bar.n)  # type: ignore[attr-defined]

            return bulk_numbered(rows, received_at=timezone.now(), dry_run=dry_run, progress=moved)

    def report(self, summary: Summary) -> None:
        for error in summary.errors:
            self.stderr.write(f"row {error['row']}: {error['error']}")
        unlisted = summary.invalid + summary.conflicts - len(summary.errors)
        if unlisted:
            self.stderr.write(f"and {unlisted} more rows")
        self.stdout.write(json.dumps(summary.as_dict()))
        if summary.failed:
            raise SystemExit(1)


def format_of(file: Path) -> str:
    ending = file.suffix.lower().lstrip(".")
    if ending in ("json", "jsonl"):
        return "ndjson"
    if ending not in FORMATS:
        raise CommandError(f"Say what {file.name} holds, with --format csv or --format ndjson.")
    return ending
