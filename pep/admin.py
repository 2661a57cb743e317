"""The desk of the operator: the queue and the audit. Read-only: a schedule row can run any function."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure, OrmQ, Schedule, Success
from pghistory.admin.core import EventModelFilter, LabelFilter
from pghistory.models import MiddlewareEvents

from distributors.desk import VIEW, RoleAdmin
from distributors.models import Role, User

from .models import Heartbeat

OPERATOR = {Role.OPERATOR: VIEW}


KINDS = {"insert": _("made"), "update": _("changed"), "delete": _("deleted")}


class TableFilter(EventModelFilter):
    title = _("table")


class KindFilter(LabelFilter):
    title = _("kind of change")


@admin.register(Schedule)
class ScheduleDesk(RoleAdmin):
    may = OPERATOR
    list_display = ["name", "func", "schedule_type", "cron", "minutes", "next_run"]
    ordering = ["name"]


class TaskDesk(RoleAdmin):
    may = OPERATOR
    list_display = ["name", "func", "started", "stopped"]
    list_filter = ["func"]
    # Not the arguments and results: numbers at best, a traceback with somebody's row at worst.
    fields = ["id", "name", "func", "group", "started", "stopped", "success", "attempt_count"]


@admin.register(Success)
class SuccessDesk(TaskDesk):
    pass


@admin.register(Failure)
class FailureDesk(TaskDesk):
    pass


@admin.register(OrmQ)
class QueueDesk(RoleAdmin):
    may = OPERATOR
    list_display = ["id", "key", "lock"]
    fields = ["id", "key", "lock"]


@admin.register(Heartbeat)
class HeartbeatDesk(RoleAdmin):
    may = OPERATOR
    list_display = ["name", "at"]


@admin.register(MiddlewareEvents)
class AuditDesk(RoleAdmin):
    """Every recorded change: who, when, from which page, what was before and after."""

    may = {Role.OPERATOR: VIEW, Role.HQ_APPROVER: VIEW}
    list_display = ["when", "who", "kind", "what", "changes", "page"]
    list_display_links = None
    list_filter = [TableFilter, KindFilter]
    list_per_page = 50
    ordering = ["-pgh_created_at"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        self.names = dict(User.objects.values_list("pk", "name"))
        # Its default manager yields nothing, so that no page joins all tables by accident; this page means to.
        return MiddlewareEvents.objects.all()

    @admin.display(description=_("when"), ordering="pgh_created_at")
    def when(self, change: Any) -> datetime:
        return change.pgh_created_at

    @admin.display(description=_("who"))
    def who(self, change: Any) -> str:
        return self.names.get(change.user_id) or (f"#{change.user_id}" if change.user_id else str(_("the system")))

    @admin.display(description=_("kind"))
    def kind(self, change: Any) -> str:
        return str(KINDS.get(change.pgh_label, change.pgh_label))

    @admin.display(description=_("what"))
    def what(self, change: Any) -> str:
        return f"{apps.get_model(change.pgh_obj_model)._meta.verbose_name} {change.pgh_obj_id or ''}"

    @admin.display(description=_("from and to"))
    def changes(self, change: Any) -> str:
        return " · ".join(f"{field}: {old} → {new}" for field, (old, new) in (change.pgh_diff or {}).items())

    @admin.display(description=_("page"))
    def page(self, change: Any) -> str:
        return change.url or ""
