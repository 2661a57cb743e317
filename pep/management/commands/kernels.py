"""`manage.py kernels`: compile what pages and recalculations run, ahead of the first one that needs it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from activities.ranking import compiled


class Command(BaseCommand):
    help = "Compile the ranking kernels for this machine, as far as that is not done. Half a minute once; `up` does it too."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write("Compiled." if compiled.compile_ahead() else "Up to date.")
