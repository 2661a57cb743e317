"""Why this list: for any person and moment, what was shown, what else could have been, and every number of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Max, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from distributors import looks
from distributors.access import HQ
from distributors.admin import HQ_READS, LogAdmin
from distributors.desk import VIEW, May
from distributors.models import Distributor, Look, Role

from .. import recommend
from ..models import EffectVersion, ScaleSet, Slate
from ..ranking.person import rank
from . import slate_table
from .slate_table import Table

#: People and lists on a page.
PEOPLE, LISTS = 20, 50
#: Candidates that are open to see; the rest is one click away.
OPEN = 40
LONGEST_SEARCH = 100


@admin.register(Slate)
class SlateDesk(LogAdmin):
    """Read by everybody who steers or writes. Whom a card is about is a number: no customer is named here."""

    may: May = HQ_READS | {Role.TRAINER: VIEW, Role.OPERATOR: VIEW}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Slate]:
        return super().get_queryset(request).select_related("distributor__market")

    def get_urls(self) -> list[URLPattern]:
        now = path("<int:object_id>/now/", self.admin_site.admin_view(self.now_view), name="activities_slate_now")
        return [now, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Find a person, then one of her lists; without a search the newest lists of everybody."""
        self.only_readers(request)
        if request.method == "POST":
            return HttpResponseRedirect(request.path)
        q = request.GET.get("q", "").strip()[:LONGEST_SEARCH]
        whose = person_of(request.GET.get("of", ""))
        context = {
            "title": _("Why this list"),
            "q": q,
            "whose": whose,
            "people": people_found(q) if q else None,
            "lists": [] if q else lists_of(self.get_queryset(request), whose, number(request.GET.get("before", ""))),
        }
        return self.page(request, "find", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One list as it was shown."""
        self.only_readers(request)
        if request.method == "POST":
            raise PermissionDenied
        slate = self.get_object(request, object_id)
        if slate is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        self.write_down_the_look(request, slate.distributor)
        return self.page(request, "table", table_context(request, slate))

    def now_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """What she would be shown now, or at another time of today. Nothing is logged but the look."""
        self.only_readers(request)
        if request.method == "POST":
            return HttpResponseRedirect(request.path)
        distributor = Distributor.objects.with_market().filter(pk=object_id).first()
        if distributor is None:
            return self._get_obj_does_not_exist_redirect(request, Distributor._meta, str(object_id))
        self.write_down_the_look(request, distributor)
        asked = request.GET.get("at", "")
        at = time_of(asked)
        as_of = at_time(distributor, at, timezone.now())
        ranking = rank(distributor, as_of=as_of)
        slate = recommend.as_logged(ranking, recommend.slate(ranking))
        problem = _("Write a time such as 14:30. This is now.") if asked and at is None else ""
        return self.page(request, "table", table_context(request, slate) | {"is_now": True, "problem": problem})

    def write_down_the_look(self, request: HttpRequest, whose: Distributor) -> None:
        looks.looked(whose, by=request.user, page=Look.Page.WHY, as_of=timezone.now())  # type: ignore[arg-type]

    def only_readers(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        everywhere = self.admin_site.each_context(request)
        # Without `opts`, from which Unfold would make a heading of the model's name.
        wide = {"content_title": context["title"], "is_fullwidth": "1"}
        return TemplateResponse(request, f"admin/activities/slate/{name}.html", everywhere | wide | context)


# Finding


def people_found(q: str) -> dict[str, Any]:
    """By name or external id, with the day of their last list; one more than shown says that there are more."""
    found = list(
        Distributor.objects.filter(Q(name__icontains=q) | Q(external_id__icontains=q))
        .select_related("market").order_by("name", "pk")[: PEOPLE + 1]
    )  # fmt: skip
    last = dict(
        Slate.objects.filter(distributor__in=found).order_by().values_list("distributor_id").annotate(Max("day"))
    )
    return {"rows": [(one, last.get(one.pk)) for one in found[:PEOPLE]], "more": len(found) > PEOPLE}


def lists_of(slates: QuerySet[Slate], whose: Distributor | None, before: int | None) -> dict[str, Any]:
    """The newest lists of one person or of everybody, without the long part of the log."""
    if whose is not None:
        slates = slates.filter(distributor=whose)
    if before is not None:
        slates = slates.filter(pk__lt=before)
    found = list(slates.defer("eligible", "digest").order_by("-pk")[: LISTS + 1])
    older = found[LISTS - 1].pk if len(found) > LISTS else None
    return {"rows": [(slate, local(slate)) for slate in found[:LISTS]], "older": older}


def person_of(raw: str) -> Distributor | None:
    """Http404 for somebody who is not there; None when nobody is asked for."""
    if not raw:
        return None
    found = Distributor.objects.with_market().filter(pk=number(raw) or 0).first()
    if found is None:
        raise Http404
    return found


def number(raw: str) -> int | None:
    return int(raw) if raw.isascii() and raw.isdecimal() and len(raw) <= 18 else None


# The table


def table_context(request: HttpRequest, slate: Slate) -> dict[str, Any]:
    table = slate_table.table_of(slate)
    return {
        "title": _("Why this list"),
        "slate": slate,
        "whose": slate.distributor,
        "at": local(slate),
        "table": table,
        "groups": groups(table),
        "versions": [
            (label, said, version_link(request, name, slate.versions))
            for name, label, said in slate_table.versions_said(slate)
        ],
        "activity_link": may_open(request, "activities.activity"),
        "rule_link": rules_link(request) != "",
    }


def groups(table: Table) -> list[dict[str, Any]]:
    """The best ones open, and all others behind one click."""
    lines = table.lines
    return [{"lines": part, "folded": at > 0} for at, part in enumerate((lines[:OPEN], lines[OPEN:])) if part]


def local(slate: Slate) -> datetime:
    """When it was shown, on her market's clock."""
    return slate.shown_at.astimezone(slate.distributor.market.zone)


def time_of(raw: str) -> time | None:
    try:
        return time.fromisoformat(raw).replace(tzinfo=None)
    except ValueError:
        return None


def at_time(distributor: Distributor, at: time | None, now: datetime) -> datetime:
    """That time of her market's today, now without one. In UTC: a time that a clock change leaves out is no instant."""
    if at is None:
        return now
    return datetime.combine(distributor.local_day(now), at, distributor.market.zone).astimezone(UTC)


def may_open(request: HttpRequest, label: str) -> bool:
    """Whether the reader has the desk of a model."""
    desk = admin.site._registry.get(apps.get_model(label))
    return desk is not None and desk.has_view_permission(request)


def version_link(request: HttpRequest, name: str, versions: Mapping[str, Any]) -> str:
    """The desk that shows this version; empty when there is none, or not for this reader."""
    number_said = str(versions[name])
    if name == "kpi":
        return link(request, "kpis.campaign", number(number_said.partition(".")[0]))
    if name == "scales":
        return link(request, "activities.scaleset", pk_of(ScaleSet, number_said))
    if name == "effects":
        return link(request, "activities.effectversion", pk_of(EffectVersion, number_said))
    if name == "rules":
        return rules_link(request)
    if name == "catalogue":
        return reverse("admin:activities_activity_changelist") if may_open(request, "activities.activity") else ""
    return ""


def rules_link(request: HttpRequest) -> str:
    """The list of rules, for those of HQ; others read their names."""
    return reverse("rules") if request.user.is_authenticated and Role(request.user.role) in HQ else ""


def pk_of(model: Any, version: str) -> int | None:
    found = number(version)
    return model.objects.filter(version=found).values_list("pk", flat=True).first() if found else None


def link(request: HttpRequest, label: str, pk: int | None) -> str:
    if pk is None or not may_open(request, label):
        return ""
    return reverse(f"admin:{label.replace('.', '_')}_change", args=[pk])
