"""The admin by role: each model says what each role may do with it, and nothing else is possible."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin, StackedInline, TabularInline

from .models import Role

VIEW = frozenset({"view"})
EDIT = frozenset({"view", "add", "change"})
REMOVE = frozenset({"view", "add", "change", "delete"})

#: What each role may do with a model: role -> view, add, change, delete. A role that is not named sees nothing.
May = Mapping[Role, frozenset[str]]


class ByRole:
    """Permissions by role alone; Django's groups and permission rows play no part, nor does `is_superuser`."""

    may: May = {}

    def verbs(self, request: HttpRequest) -> frozenset[str]:
        user = request.user
        return self.may.get(Role(user.role), frozenset()) if user.is_authenticated else frozenset()

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return "view" in self.verbs(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return "add" in self.verbs(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return "change" in self.verbs(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return "delete" in self.verbs(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return "view" in self.verbs(request)


class RoleAdmin(ByRole, ModelAdmin):
    """A page of the admin. No bulk actions: their bar needs inline styles, and deleting in bulk has no place here."""

    actions = None
    list_fullwidth = True
    warn_unsaved_form = True


class RoleInline(ByRole, TabularInline):
    """Rows of a table below the form."""

    extra = 0


class RoleSections(ByRole, StackedInline):
    """One section a row, for rows with long texts."""

    extra = 0
