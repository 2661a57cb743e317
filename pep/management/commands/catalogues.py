"""`manage.py catalogues`: compile the translations; `--check` only reads them all."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from pep import catalogues


class Command(BaseCommand):
    help = "Compile the message catalogues that changed, or check them all."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="read and check every catalogue, write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["check"]:
                for po in catalogues.files():
                    catalogues.read(po)
                self.stdout.write(f"{len(catalogues.files())} catalogues are sound.")
            else:
                self.stdout.write(f"{catalogues.compile_changed()} catalogues compiled.")
        except catalogues.CatalogueError as error:
            raise CommandError(str(error)) from error
