"""What is wired once, when Django starts."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class PepConfig(AppConfig):
    name = "pep"
    verbose_name = "PEP"
    default_auto_field = "django.db.models.BigAutoField"
    default = True

    def ready(self) -> None:
        from django_q.signals import post_spawn

        from . import logs

        # Where the breadcrumb of the audit would say the library's name.
        apps.get_app_config("pghistory").verbose_name = _("Operation")  # type: ignore[assignment]
        post_migrate.connect(sync_schedules, sender=self)
        post_spawn.connect(bind_to_parent)
        logs.follow_tasks()


def sync_schedules(using: str = "default", **_: Any) -> None:
    """After each migrate the rows are what pep/schedules.py says."""
    from . import schedules

    schedules.sync(using=using)


def bind_to_parent(**_: Any) -> None:
    """A queue worker whose guard was killed would keep its tasks for ever: it goes with it."""
    from . import supervision

    supervision.die_with_parent()


class DeskConfig(admin_apps.AdminConfig):
    """Django's admin on our own site: who may enter, and what is registered at all."""

    default = False
    default_site = "pep.site.Desk"
