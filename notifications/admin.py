"""Notices on the desk: to look at only."""

from __future__ import annotations

from django.contrib import admin

from distributors.admin import LogAdmin
from distributors.desk import VIEW, May
from distributors.models import Role

from .models import Notice


@admin.register(Notice)
class NoticeAdmin(LogAdmin):
    """That and when, not what: the facts name customers."""

    may: May = {Role.OPERATOR: VIEW}
    fields = ["distributor", "kind", "at", "read_at"]
    list_display = ["at", "distributor", "kind", "read_at"]
    list_select_related = ["distributor"]
