"""The admin by role: each model says what each role may do with it, and nothing else is possible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.db import IntegrityError, connection
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin, StackedInline, TabularInline

from .models import Role
from .once import once, token
from .said import SaidForm
from .seen import SeenForm

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
    change_form_before_template = "admin/_seen.html"

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """One that changes a row says what it was made from, so that the second of two editors is told."""
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form, SaidForm, *([SeenForm] if change else [])), {})

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Who saves it takes turns with whoever else writes the row, and sees what they wrote."""
        found = super().get_object(request, object_id, from_field)
        if found is None or request.method != "POST" or not connection.in_atomic_block:
            return found
        self.model._base_manager.select_for_update(of=("self",)).filter(pk=found.pk).first()
        return super().get_object(request, object_id, from_field)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A form that is sent twice makes one row; one that another row forbids comes back with a sentence."""
        view = super().changeform_view

        def save() -> HttpResponse:
            return view(request, object_id, form_url, extra_context)

        if request.method != "POST":
            return save()
        try:
            return once(
                request, save, otherwise=reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
            )
        except IntegrityError:
            messages.error(request, _("Somebody just saved the same. Look at the list, then try again."))
            return HttpResponseRedirect(request.path)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        request.added = obj  # type: ignore[attr-defined]
        return super().log_addition(request, obj, message)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if kwargs.get("add"):
            context["once"] = request.POST.get("once") or token()
        return super().render_change_form(request, context, *args, **kwargs)


class Rows(ByRole):
    """Rows below the form, each with its own form."""

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        own = self.form  # type: ignore[attr-defined]
        form = SaidForm if own is ModelForm else type(own.__name__, (own, SaidForm), {})
        return super().get_formset(request, obj, **{"form": form} | kwargs)  # type: ignore[misc]


class RoleInline(Rows, TabularInline):
    """Rows of a table below the form."""

    extra = 0


class RoleSections(Rows, StackedInline):
    """One section a row, for rows with long texts."""

    extra = 0


def page(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """A page of HQ's own inside the admin's frame: `template` extends admin/hq.html; `title` is the browser's.

    Its view is an ordinary one with `@access`, mounted under the admin's path by the app's desk_urls.
    """
    return TemplateResponse(
        request, template, admin.site.each_context(request) | {"is_fullwidth": "1"} | context, status=status
    )
