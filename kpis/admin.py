"""Where HQ steers: KPIs, campaigns with their weights, incentives."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from distributors.admin import HQ_EDITS, HQ_READS
from distributors.desk import REMOVE, May, RoleAdmin, RoleInline
from distributors.languages import ByLanguageField
from distributors.metrics import METRICS
from distributors.models import ProductLine, Role

from .models import KPI, Campaign, Incentive, IncentiveTier, PriorityVersion
from .weights import PREFIX, newest_version, weights_form


class MetricForm(forms.ModelForm):
    """A metric of the one vocabulary, for one product line or all."""

    metric = forms.ChoiceField(
        label=_("Metric"),
        choices=lambda: [(name, metric.label) for name, metric in METRICS.items()],
        widget=UnfoldAdminSelectWidget,
    )
    scope = forms.ChoiceField(
        label=_("Product line"),
        required=False,
        choices=lambda: [("", _("All")), *ProductLine.objects.order_by("name").values_list("code", "name")],
        widget=UnfoldAdminSelectWidget,
    )

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        metric = METRICS.get(self.cleaned_data.get("metric", ""))
        if metric and self.cleaned_data.get("scope") and not metric.scoped:
            self.add_error("scope", gettext("%(metric)s is not counted by product line.") % {"metric": metric.label})
        return data


class KPIForm(MetricForm):
    focus_by_language = ByLanguageField(label=_("The same in other languages"))


@admin.register(KPI)
class KPIAdmin(RoleAdmin):
    may: May = HQ_EDITS
    form = KPIForm
    fields = ["name", "metric", "scope", "direction", "target", "focus", "focus_by_language", "owner"]
    list_display = ["name", "metric", "scope", "direction", "target", "focus", "owner"]
    ordering = ["name"]


class VersionInline(RoleInline):
    """Who published what, when and why: newest first, never changed."""

    model = PriorityVersion
    may: May = HQ_READS
    verbose_name_plural = _("Published versions")
    fields = readonly_fields = ["number", "published_at", "who", "reason", "own_goal_share", "weights"]
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[PriorityVersion]:
        return super().get_queryset(request).select_related("by").prefetch_related("priorities__kpi")

    @admin.display(description=_("by"))
    def who(self, version: PriorityVersion) -> str:
        return str(version.by or "")

    @admin.display(description=_("weights"))
    def weights(self, version: PriorityVersion) -> str:
        heaviest = sorted(version.priorities.all(), key=lambda priority: -priority.weight)
        return " · ".join(f"{priority.kpi.name} {priority.weight}" for priority in heaviest)


@admin.register(Campaign)
class CampaignAdmin(RoleAdmin):
    may: May = HQ_EDITS
    inlines = [VersionInline]
    list_display = ["name", "status", "starts_on", "ends_on", "version"]
    list_filter = ["status"]
    ordering = ["-starts_on"]
    filter_horizontal: list[str] = []

    def get_form(self, request: HttpRequest, obj: Campaign | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None and self.has_change_permission(request, obj):
            kwargs["form"] = weights_form()
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        about = (None, {"fields": ["name", "status", ("starts_on", "ends_on"), "markets"]})
        if obj is None or not self.has_change_permission(request, obj):
            return [about]
        weights = [f"{PREFIX}{pk}" for pk in KPI.objects.order_by("name").values_list("pk", flat=True)]
        told = _("Points out of 100. They decide what the company's share of each ranking is made of.")
        return [
            (_("Weights"), {"fields": [*weights, "own_goal_share", "reason", "expected_version"], "description": told}),
            about,
        ]

    def get_inlines(self, request: HttpRequest, obj: Campaign | None = None) -> list[Any]:
        return [VersionInline] if obj else []

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and form.publishes:
            version = form.publish(by=request.user, as_of=timezone.now())
            said = gettext("Version %(number)d is published. Everybody's next page counts with it.")
            messages.success(request, said % {"number": version.number})

    def response_add(self, request: HttpRequest, obj: Campaign, post_url_continue: str | None = None) -> HttpResponse:
        messages.info(request, gettext("Now set the weights."))
        return HttpResponseRedirect(reverse("admin:kpis_campaign_change", args=[obj.pk]))

    @admin.display(description=_("version"))
    def version(self, campaign: Campaign) -> str:
        newest = newest_version(campaign)
        return str(newest.number) if newest else gettext("none yet")


class TierInline(RoleInline):
    model = IncentiveTier
    may: May = HQ_EDITS | {Role.HQ_EDITOR: REMOVE, Role.HQ_APPROVER: REMOVE}
    fields = ["threshold", "prize"]


@admin.register(Incentive)
class IncentiveAdmin(RoleAdmin):
    may: May = HQ_EDITS
    form = MetricForm
    inlines = [TierInline]
    fieldsets = [
        (None, {"fields": ["name", ("form", "market"), ("metric", "scope"), ("starts_on", "ends_on"), "terms"]}),
    ]
    list_display = ["name", "form", "market", "metric", "starts_on", "ends_on"]
    list_filter = ["market", "form"]
    list_select_related = ["market"]
    ordering = ["-starts_on"]
