"""The desk of the operator: the queue and the audit. Read-only: a schedule row can run any function."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from copy import copy
from datetime import datetime
from itertools import islice
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure, OrmQ, Schedule, Success
from pghistory.admin.core import EventModelFilter, LabelFilter
from pghistory.models import MiddlewareEvents

from distributors.desk import VIEW, RoleAdmin
from distributors.models import Role

from . import audit_words
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
    list_display = ["name", "func", "schedule_type", "cron_in_utc", "minutes", "next_run"]
    ordering = ["name"]

    @admin.display(description=_("cron, in UTC"))
    def cron_in_utc(self, schedule: Schedule) -> str:
        """The queue's clock, whoever reads: next_run beside it is on hers."""
        return schedule.cron or ""


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


class Line:
    """What a CSV writer writes to: gives each line back."""

    def write(self, line: str) -> str:
        return line


def harmless(cell: str) -> str:
    """A spreadsheet takes what begins like a formula for one; behind an apostrophe it is text."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


#: Changes of an export that are put into words together.
CHUNK = 500


def in_words(changes: Iterable[Any]) -> list[Any]:
    rows = list(changes)
    for row, told in zip(rows, audit_words.told(rows), strict=True):
        row.told = told
    return rows


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
    list_before_template = "admin/pghistory/export.html"

    def __init__(self, model: type[MiddlewareEvents], site: admin.AdminSite) -> None:
        super().__init__(model, site)
        # Copies: what the library calls its table is part of its migrations.
        self.opts: Any = copy(model._meta)
        self.opts.verbose_name, self.opts.verbose_name_plural = _("change"), _("audit")
        self.counted: Any = copy(self.opts)
        self.counted.verbose_name_plural = _("changes")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With its page in words: read together, a query a table."""
        found = super().get_changelist_instance(request)
        found.opts, found.title = self.counted, _("Audit")
        found.result_list = in_words(found.result_list)
        return found

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"opts": self.opts} | (extra_context or {}))

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(self.export)
        return [path("export/", export, name="pghistory_middlewareevents_export"), *super().get_urls()]

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """The rows that the page's filters leave, all of them, as a file for a spreadsheet."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return HttpResponseNotAllowed(["GET", "HEAD"])
        changes = self.get_changelist_instance(request).queryset
        response = StreamingHttpResponse(self.as_csv(changes), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="audit.csv"'
        return response

    def as_csv(self, changes: QuerySet[Any]) -> Iterator[str]:
        """A line at a time: the audit is long."""
        writer = csv.writer(Line())
        yield writer.writerow([str(_(one)) for one in ("when", "who", "kind", "what", "from and to", "page")])
        rows = changes.iterator(chunk_size=CHUNK)
        while some := in_words(islice(rows, CHUNK)):
            for one in some:
                said = [self.who(one), self.kind(one), self.what(one), self.changes(one), self.page(one)]
                yield writer.writerow([self.when(one).isoformat(), *map(harmless, said)])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Its default manager yields nothing, so that no page joins all tables by accident; this page means to.
        return MiddlewareEvents.objects.all()

    @admin.display(description=_("when"), ordering="pgh_created_at")
    def when(self, change: Any) -> datetime:
        return change.pgh_created_at

    @admin.display(description=_("who"))
    def who(self, change: Any) -> str:
        return change.told.who

    @admin.display(description=_("kind"))
    def kind(self, change: Any) -> str:
        return str(KINDS.get(change.pgh_label, change.pgh_label))

    @admin.display(description=_("what"))
    def what(self, change: Any) -> str:
        return change.told.what

    @admin.display(description=_("from and to"))
    def changes(self, change: Any) -> str:
        return change.told.changes

    @admin.display(description=_("page"))
    def page(self, change: Any) -> str:
        return change.url or ""
