"""Where HQ steers: KPIs, campaigns with their weights, incentives."""

from __future__ import annotations

from datetime import time
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Max, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from distributors.admin import HQ_EDITS, HQ_READS, LogAdmin
from distributors.desk import REMOVE, VIEW, May, RoleAdmin, RoleInline
from distributors.languages import ByLanguageField
from distributors.metrics import METRICS
from distributors.models import Market, ProductLine, Role, User

from . import campaigns, drafts, figures, trends
from .board import Plan
from .models import KPI, Campaign, Firing, Incentive, IncentiveTier, Policy, PriorityDraft
from .models.campaign import FIRST_DAY, LAST_DAY

#: The primary key of the one row of rules.
ONLY = 1


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
    """A figure to move: a rate of the whole field or a metric, for one product line where its figure allows it."""

    metric = forms.ChoiceField(label=_("Figure"), choices=figures.choices, widget=UnfoldAdminSelectWidget)
    focus_by_language = ByLanguageField(label=_("The same in other languages"))

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        figure = figures.FIGURES.get(self.cleaned_data.get("metric") or self.instance.metric)
        if figure is not None:
            self.check_scope(figure)
            self.check_target(figure)
        return data

    def check_scope(self, figure: figures.Figure) -> None:
        if self.cleaned_data.get("scope") and not figure.scoped and "scope" not in self.errors:
            self.add_error("scope", gettext("%(metric)s is not counted by product line.") % {"metric": figure.label})

    def check_target(self, figure: figures.Figure) -> None:
        """In the figure's own unit."""
        target = self.cleaned_data.get("target")
        if target is None:
            return
        if target < 0:
            self.add_error("target", gettext("A target is 0 or more."))
        elif figure.unit is figures.Unit.PERCENT and target > 100:
            self.add_error("target", gettext("A target of this figure is a percentage from 0 to 100."))
        elif figure.unit is figures.Unit.MONEY and len(self.currencies()) > 1:
            self.add_error("target", gettext("A target in money needs one currency. Choose a market first."))

    def currencies(self) -> set[str]:
        market = self.cleaned_data.get("market") or self.instance.market
        return {market.currency} if market else set(Market.objects.values_list("currency", flat=True))


#: What of a KPI decides whom and what it steers.
STEERS = ("metric", "scope", "market", "segment", "direction")


def is_weighed(kpi: KPI | None) -> bool:
    """By a version, or by a draft that somebody is asked to approve."""
    if kpi is None:
        return False
    asked = PriorityDraft.objects.filter(state=PriorityDraft.State.IN_REVIEW, weights__has_key=str(kpi.pk))
    return kpi.priorities.exists() or asked.exists()


@admin.register(KPI)
class KPIAdmin(RoleAdmin):
    may: May = HQ_EDITS
    form = KPIForm
    fieldsets: list[Any] = [
        (None, {"fields": ["name", ("metric", "scope"), ("market", "segment"), "direction", "target", "owner"]}),
        (_("What people read"), {"fields": ["focus", "focus_by_language"]}),
    ]
    list_display = ["name", "figure", "scope", "market", "segment", "direction", "target", "owner"]
    list_select_related = ["market", "segment"]
    ordering = ["name"]

    def get_readonly_fields(self, request: HttpRequest, obj: KPI | None = None) -> list[str]:
        """What a published version weighs stays what it is: nobody approved another figure, and roll back means this one."""
        return list(STEERS) if is_weighed(obj) else []

    def get_fieldsets(self, request: HttpRequest, obj: KPI | None = None) -> Any:
        told = _(
            "A published version weighs it, or one that waits for approval, so what it counts stays. "
            "Add another KPI for another figure."
        )
        [(none, what), words] = self.fieldsets
        described: dict[str, Any] = {**what, "description": told if is_weighed(obj) else ""}
        return [(none, described), words]

    def get_form(self, request: HttpRequest, obj: KPI | None = None, change: bool = False, **kwargs: Any) -> Any:
        told = _(
            "In the figure's own unit: a percentage, money, how many in a week, or for every 100 people. May stay empty."
        )
        return super().get_form(request, obj, change, help_texts={"target": told}, **kwargs)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        field.empty_label = {"market": _("All markets"), "segment": _("Everybody")}[db_field.name]
        return field

    def save_model(self, request: HttpRequest, obj: KPI, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change or set(trends.MEANING) & set(form.changed_data):
            trends.begin_again(obj)

    def response_add(self, request: HttpRequest, obj: KPI, post_url_continue: str | None = None) -> HttpResponse:
        """Its own page, where its weeks will be."""
        if {"_addanother", "_continue", "_popup"} & set(request.POST) or obj.metric not in figures.FIGURES:
            return super().response_add(request, obj, post_url_continue)
        return HttpResponseRedirect(reverse("kpi_page", args=[obj.pk]))

    @admin.display(description=_("figure"), ordering="metric")
    def figure(self, kpi: KPI) -> str:
        found = figures.FIGURES.get(kpi.metric)
        return str(found.label) if found else kpi.metric


#: What of a campaign decides whom its weights are for, and when.
WHOM_AND_WHEN = {"markets", "segment", "starts_on", "starts_time", "ends_on", "ends_time"}


class CampaignForm(forms.ModelForm):
    """What a campaign is, without its weights: those have their own pages and their own way to the field."""

    user: User  # who looks at it; CampaignAdmin says
    markets = forms.ModelMultipleChoiceField(
        label=_("Markets"),
        queryset=Market.objects.order_by("name"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("None: all markets."),
    )

    class Meta:
        labels = {
            "starts_on": _("Start, day"),
            "starts_time": _("Start, time"),
            "ends_on": _("End, day"),
            "ends_time": _("End, time"),
        }

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        if not self.errors:  # the first problem is told, in one sentence at its field
            self.check_days()
            self.check_order()
            self.check_end()
            self.check_audience()
        return data

    def check_days(self) -> None:
        for name in {"starts_on", "ends_on"} & set(self.cleaned_data):
            if not FIRST_DAY <= self.cleaned_data[name] <= LAST_DAY:
                raise ValidationError({name: gettext("Choose days from 2000 to 2199.")})

    def check_order(self) -> None:
        """The start of a live campaign is not among the fields: it stays."""
        said, now = self.cleaned_data, self.instance
        starts = said.get("starts_on", now.starts_on), said.get("starts_time", now.starts_time)
        if (said["ends_on"], said["ends_time"] or time.max) <= starts:
            raise ValidationError({"ends_on": gettext("It ends before it starts. Choose a later end.")})

    def check_end(self) -> None:
        """Ending it at once is a step of its own: nobody moves an end into the past."""
        if self.instance.pk and not {"ends_on", "ends_time", "markets"} & set(self.changed_data):
            return
        said, now = self.cleaned_data, timezone.now()
        plan = Plan(Campaign(ends_on=said["ends_on"], ends_time=said["ends_time"]), frozenset(), (), {})
        for market in said["markets"] or Market.objects.all():
            if plan.ends(market) <= now:
                told = gettext("That end has passed in %(market)s. Choose a later one, or end the campaign now.")
                raise ValidationError({"ends_on": told % {"market": market}})

    def check_audience(self) -> None:
        """Whom approved weights are for, and when, takes the same second person as the weights do."""
        campaign, said = self.instance, self.cleaned_data
        if campaign.status not in {Campaign.Status.SCHEDULED, Campaign.Status.LIVE}:
            return
        if not WHOM_AND_WHEN & set(self.changed_data):
            return
        now = timezone.now()
        reached = max(
            campaigns.may_reach(said["markets"] or Market.objects.all(), said["segment"], now),
            campaigns.may_reach(campaigns.markets_of(campaign), campaign.segment, now),
        )
        limit = Policy.limit(now)
        if reached > limit and not self.second_person():
            told = gettext(
                "It reaches %(reached)d people. Above %(limit)d a second person, an approver, changes whom it is for and when."
            )
            raise ValidationError(told % {"reached": reached, "limit": limit})
        try:
            campaigns.check_segments(Campaign(pk=campaign.pk, segment=said["segment"]), [], at_once=False)
        except ValidationError as problem:
            raise ValidationError({"segment": problem.messages}) from problem

    def second_person(self) -> bool:
        """An approver who did not write what the campaign says now."""
        newest = self.instance.versions.filter(withdrawal=None).order_by("-number").first()
        return self.user.role == Role.HQ_APPROVER and (newest is None or newest.by_id != self.user.pk)


@admin.register(Campaign)
class CampaignAdmin(RoleAdmin):
    """When it runs and for whom. Its status moves by publishing, the clock, and `End now` only."""

    may: May = HQ_EDITS
    form = CampaignForm
    fields = ["name", "status", ("starts_on", "starts_time"), ("ends_on", "ends_time"), "markets", "segment"]
    list_display = ["name", "status", "starts_on", "ends_on", "segment", "version"]
    list_filter = ["status"]
    list_select_related = ["segment"]
    ordering = ["-starts_on"]

    def get_form(self, request: HttpRequest, obj: Campaign | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.user = request.user
        return form

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "segment":
            field.empty_label = _("Everybody")
        return field

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        return super().get_queryset(request).annotate(newest=Max("versions__number"))

    def get_readonly_fields(self, request: HttpRequest, obj: Campaign | None = None) -> list[str]:
        begun = obj is not None and obj.status == Campaign.Status.LIVE
        return ["status", "starts_on", "starts_time"] if begun else ["status"]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        ended = isinstance(obj, Campaign) and obj.status == Campaign.Status.ENDED
        return super().has_change_permission(request, obj) and not ended

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if change and WHOM_AND_WHEN & set(form.changed_data):
            drafts.reopen(form.instance, by=request.user)  # type: ignore[arg-type]

    def response_add(self, request: HttpRequest, obj: Campaign, post_url_continue: str | None = None) -> HttpResponse:
        messages.info(request, gettext("Now set the weights. Nothing counts before they are published."))
        return HttpResponseRedirect(reverse("console", args=[obj.pk]))

    def response_post_save_change(self, request: HttpRequest, obj: Campaign) -> HttpResponse:
        return HttpResponseRedirect(reverse("campaigns"))

    @admin.display(description=_("version"), ordering="newest")
    def version(self, campaign: Campaign) -> str:
        return str(campaign.newest or gettext("none yet"))  # type: ignore[attr-defined]


@admin.register(Policy)
class PolicyAdmin(RoleAdmin):
    """One row, whose page is the only one."""

    may: May = HQ_READS | {Role.HQ_APPROVER: VIEW | {"change"}}
    fields = ["approval_above", "samples"]
    autocomplete_fields = ["samples"]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        its_page = reverse("admin:kpis_policy_change", args=[ONLY])
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST" and not self.has_change_permission(request):
            return HttpResponseRedirect(its_page)
        return self.change_view(request, str(ONLY), its_page, extra_context)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Policy | None:
        """Until somebody saves it, the row is what its defaults say."""
        return Policy.current() if object_id == str(ONLY) else None


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


@admin.register(Firing)
class FiringAdmin(LogAdmin):
    """Whom a rule fired for. On what facts stands on the rule's own page of her, which writes down who looked."""

    may: May = HQ_READS
    fields = ["rule", "version", "distributor", "day", "at", "held_back"]
    list_display = ["at", "rule", "distributor", "day", "held_back"]
    list_filter = ["held_back"]
    list_select_related = ["rule", "distributor"]
