"""The admin's door and its menu."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any

from allauth.account.adapter import get_adapter
from django.apps import apps
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import resolve, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from distributors import zones
from distributors.access import EVERYONE, HQ, ask_to_sign_in
from distributors.desk import ByRole
from distributors.models import Role, User
from kpis.models import PriorityDraft, RuleDraft

View = Callable[..., HttpResponse]

METHODS = ("GET", "HEAD", "POST")
OPERATORS = frozenset({Role.OPERATOR})


@dataclass(frozen=True)
class Item:
    """A line of the menu. `to` is a model's label, or the name of a URL without arguments; `also` are other paths of it."""

    to: str
    icon: str
    title: str | Promise = ""  # empty: the model's own name
    also: tuple[str, ...] = ()
    roles: frozenset[Role] = EVERYONE  # narrower than who may open it: the same page stands in two groups
    count: Callable[[User], int] | None = None  # how many of it wait for this reader


def waiting_for(user: User) -> int:
    """Drafts that this approver may approve. One query for approvers, none for others."""
    if user.role != Role.HQ_APPROVER:
        return 0
    return PriorityDraft.objects.filter(state=PriorityDraft.State.IN_REVIEW).exclude(by=user).count()


def rules_waiting_for(user: User) -> int:
    """Drafts of rules, likewise."""
    if user.role != Role.HQ_APPROVER:
        return 0
    return RuleDraft.objects.filter(state=RuleDraft.State.IN_REVIEW).exclude(by=user).count()


#: The menu: a heading and what stands under it. What the reader may not open is left out, and a heading with nothing too.
MENU: list[tuple[str | Promise, tuple[Item, ...]]] = [
    (
        _("Steer"),
        (
            Item("overview", "space_dashboard", _("Overview"), also=("/admin/never-signed-in/",)),
            Item(
                "priorities", "tune", _("Priorities"),
                also=("/admin/preview/", "/admin/estimate/", "/admin/propagation/"), count=waiting_for,
            ),
            Item("campaigns", "flag", _("Campaigns"), also=("/admin/kpis/campaign/",)),
            Item("rules", "account_tree", _("Rules"), count=rules_waiting_for),
            Item("kpis.incentive", "trophy"),
            Item("field", "visibility", _("View as field")),
        ),
    ),
    (
        _("Learn from it"),
        (
            Item("kpi_list", "trending_up", _("KPIs"), also=("/admin/kpis/kpi/",)),
            Item("activities.effectversion", "science", _("What we learned")),
            Item("activities.slate", "format_list_numbered", _("Why this list")),
            Item("pghistory.middlewareevents", "history", _("Audit"), roles=HQ),
        ),
    ),
    (
        _("Content"),
        (
            Item("activities.activity", "checklist"), Item("activities.skill", "school"),
            Item("activities.asset", "collections_bookmark", also=("/admin/library/",)),
            Item("activities.messagetemplate", "sms"), Item("activities.blockedphrase", "block"),
        ),
    ),
    (
        _("Field"),
        (
            Item("distributors.distributor", "group"), Item("distributors.segment", "filter_alt"),
            Item("distributors.goal", "target"), Item("distributors.market", "public"),
            Item("distributors.productline", "category"), Item("distributors.product", "inventory_2"),
            Item("kpis.policy", "gavel", _("Rules of publishing")),
        ),
    ),
    (
        _("What happened"),
        (
            Item("distributors.event", "receipt_long"), Item("distributors.order", "shopping_bag"),
            # HQ reads these where they mean something: on a KPI's page, a person's list, the propagation of a version.
            Item("distributors.measure", "monitoring", roles=OPERATORS), Item("activities.action", "task_alt", roles=OPERATORS),
            Item("activities.scaleset", "straighten", roles=OPERATORS), Item("notifications.notice", "notifications"),
        ),
    ),
    (_("Machines"), (Item("distributors.apikey", "key"),)),
    (
        _("Operation"),
        (
            Item("activities.recalculation", "autorenew", roles=OPERATORS), Item("distributors.user", "badge"),
            Item("django_q.schedule", "schedule"), Item("django_q.ormq", "queue"),
            Item("django_q.success", "done_all"), Item("django_q.failure", "error"),
            Item("pep.heartbeat", "favorite"),
            Item("pghistory.middlewareevents", "history", _("Audit"), roles=OPERATORS),
        ),
    ),
]  # fmt: skip

#: Where each role begins its day.
START = {
    **dict.fromkeys(HQ, "overview"),
    Role.TRAINER: "admin:activities_activity_changelist",
    Role.INTEGRATOR: "admin:distributors_event_changelist",
    Role.OPERATOR: "admin:activities_recalculation_changelist",
}


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

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Each role has its own first page; there is no list of models to begin with."""
        start = START.get(Role(request.user.role))  # type: ignore[union-attr]
        return HttpResponseRedirect(reverse(start)) if start else super().index(request, extra_context)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        # The colours come from static/css/desk.css: Unfold would write them into a <style>, which the CSP refuses.
        return super().each_context(request) | {
            "colors": None,
            "border_radius": None,
            "user_initials": initials(str(request.user)),
            "desk_zone": zones.here(),
        }


def menu(request: HttpRequest) -> list[dict[str, Any]]:
    """UNFOLD's SIDEBAR.navigation for this reader, the page she is on marked."""
    groups = []
    for title, items in MENU:
        if lines := [line for item in items if (line := line_of(item, request))]:
            groups.append({"title": title, "items": lines})
    return groups


def line_of(item: Item, request: HttpRequest) -> dict[str, Any] | None:
    """None for what this reader may not open."""
    user = request.user
    assert isinstance(user, User)
    if user.role not in item.roles or not may_open(item.to, request):
        return None
    link = link_of(item.to)
    return {
        "title": str(item.title) or named_by(item.to),
        "icon": item.icon,
        "link": link,
        "active": request.path.startswith((link, *item.also)),
        "badge": item.count(user) if item.count else 0,
    }


def may_open(to: str, request: HttpRequest) -> bool:
    if "." in to:
        return desk_of(to).has_view_permission(request)
    return Role(request.user.role) in open_to(to)  # type: ignore[union-attr]


@cache
def open_to(name: str) -> frozenset[Role]:
    """Who may open the page of this URL name, as its view declares."""
    return resolve(reverse(name)).func.access  # type: ignore[attr-defined,no-any-return]


def link_of(to: str) -> str:
    return reverse(f"admin:{to.replace('.', '_')}_changelist" if "." in to else to)


def desk_of(label: str) -> ModelAdmin:
    from django.contrib.admin import site

    return site._registry[apps.get_model(label)]


def named_by(label: str) -> str:
    title = str(apps.get_model(label)._meta.verbose_name_plural)
    return title[:1].upper() + title[1:]


def initials(name: str) -> str:
    """RM for Renata Moss; h for hq@example.com."""
    parts = name.split()
    return "".join(part[0] for part in (parts[0], *parts[1:][-1:])).upper()


def account_links(request: HttpRequest) -> list[dict[str, Any]]:
    """UNFOLD's ACCOUNT.navigation."""
    return [
        {"title": _("Change password"), "link": reverse("account_change_password")},
        {"title": _("Passkeys and codes"), "link": reverse("mfa_index")},
        {"title": _("Time zone"), "link": reverse("time_zone")},
    ]
