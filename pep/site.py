"""The admin's door and its menu."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from distributors.access import ask_to_sign_in
from distributors.desk import ByRole

View = Callable[..., HttpResponse]

METHODS = ("GET", "HEAD", "POST")

#: The menu: a heading, and the models under it with their icon. A model that the reader may not view is left out.
MENU: list[tuple[str | Promise, dict[str, str]]] = [
    (_("Steering"), {"kpis.campaign": "campaign", "kpis.kpi": "trending_up", "kpis.incentive": "trophy"}),
    (
        _("Content"),
        {
            "activities.activity": "checklist", "activities.skill": "school",
            "activities.effectversion": "insights",
        },
    ),
    (
        _("Field"),
        {
            "distributors.distributor": "group", "distributors.goal": "flag", "distributors.market": "public",
            "distributors.productline": "category", "distributors.product": "inventory_2",
        },
    ),
    (
        _("What happened"),
        {
            "distributors.event": "receipt_long", "distributors.order": "shopping_bag",
            "distributors.measure": "monitoring", "activities.action": "task_alt", "activities.slate": "view_list",
            "activities.scaleset": "straighten", "notifications.notice": "notifications",
        },
    ),
    (_("Machines"), {"distributors.apikey": "key"}),
    (
        _("Operation"),
        {
            "distributors.user": "badge", "activities.recalculation": "autorenew",
            "django_q.schedule": "schedule", "django_q.ormq": "queue",
            "django_q.success": "done_all", "django_q.failure": "error", "pep.heartbeat": "favorite",
            "pghistory.middlewareevents": "history",
        },
    ),
]  # fmt: skip

#: Where the library's own name says nothing to the reader.
TITLES = {"pghistory.middlewareevents": _("Audit"), "activities.slate": _("Why this list")}


class Desk(UnfoldAdminSite):
    """Anonymous: the sign-in page of everybody else. Not staff: as if it were not there."""

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Only pages that say what each role may do; what libraries register on their own stays out."""
        if admin_class is not None and issubclass(admin_class, ByRole):
            super().register(model_or_iterable, admin_class, **options)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        inner = super().admin_view(view, cacheable)

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return ask_to_sign_in(request)
            if not self.has_permission(request):
                raise Http404
            if request.method not in METHODS:
                return HttpResponse(status=405, headers={"Allow": ", ".join(METHODS)})
            try:
                return inner(request, *args, **kwargs)
            except PermissionDenied as refused:
                raise Http404 from refused

        return guarded

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one sign-in, with its rate limits and second factors."""
        if not request.user.is_authenticated:
            return ask_to_sign_in(request)
        if not self.has_permission(request):
            raise Http404
        return HttpResponseRedirect(reverse("admin:index"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        get_adapter().logout(request)
        return HttpResponseRedirect(reverse("account_login"))

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("account_change_password"))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        # The colours come from static/css/desk.css: Unfold would write them into a <style>, which the CSP refuses.
        return super().each_context(request) | {"colors": None, "border_radius": None}


def menu(request: HttpRequest) -> list[dict[str, Any]]:
    """UNFOLD's SIDEBAR.navigation for this reader."""
    from django.contrib.admin import site

    pages = {page.model._meta.label_lower: page for page in site._registry.values()}
    groups = []
    for title, models in MENU:
        items = [
            item_of(pages[label], icon)
            for label, icon in models.items()
            if label in pages and pages[label].has_view_permission(request)
        ]
        if items:
            groups.append({"title": title, "separator": True, "items": items})
    return groups


def item_of(page: ModelAdmin, icon: str) -> dict[str, Any]:
    meta = page.model._meta
    link = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    title = str(TITLES.get(meta.label_lower, meta.verbose_name_plural))
    return {"title": title[:1].upper() + title[1:], "icon": icon, "link": link}


def account_links(request: HttpRequest) -> list[dict[str, Any]]:
    """UNFOLD's ACCOUNT.navigation."""
    return [
        {"title": _("Change password"), "link": reverse("account_change_password")},
        {"title": _("Passkeys and codes"), "link": reverse("mfa_index")},
    ]
