"""The field on the desk: people, markets, products, keys; what happened, to look at only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.password_validation import validate_password
from django.db.models import PROTECT, Count, ManyToOneRel, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.paginator import InfinitePaginator
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanSwitchWidget,
)

from . import segments
from .access import HQ
from .desk import EDIT, REMOVE, VIEW, May, RoleAdmin
from .models import ApiKey, Distributor, Event, Goal, Market, Measure, Order, Product, ProductLine, Role, Segment, User
from .zone_forms import ZoneForm

HQ_READS: dict[Role, frozenset[str]] = dict.fromkeys(HQ, VIEW)
HQ_EDITS: dict[Role, frozenset[str]] = HQ_READS | {Role.HQ_EDITOR: EDIT, Role.HQ_APPROVER: EDIT}


class LogAdmin(RoleAdmin):
    """A long table that nobody edits: newest first, never counted."""

    fills_itself = True  # what an empty one says
    paginator = InfinitePaginator
    show_full_result_count = False
    list_per_page = 50
    ordering = ["-pk"]


class UserForm(ZoneForm):
    new_password = forms.CharField(
        label=_("New password"),
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("Leave empty to keep the present one, or to let the person set one by e-mail."),
    )

    class Meta:
        model = User
        fields = ["email", "name", "role", "is_active", "time_zone"]

    def clean_email(self) -> str:
        return self.cleaned_data["email"].lower()

    def clean_new_password(self) -> str:
        password = self.cleaned_data["new_password"]
        if password:
            validate_password(password, self.instance)
        return password


@admin.register(User)
class UserAdmin(RoleAdmin):
    may: May = {Role.OPERATOR: EDIT}
    form = UserForm
    fields = ["email", "name", "role", "is_active", "time_zone", "new_password"]
    list_display = ["email", "name", "role", "is_active", "last_login"]
    list_filter = ["role", "is_active"]
    search_fields = ["email", "name"]
    ordering = ["email"]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Nobody locks herself out, or promotes herself."""
        return ["role", "is_active"] if obj is not None and obj.pk == request.user.pk else []

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if password := form.cleaned_data.get("new_password"):
            obj.set_password(password)
        elif not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)


class MarketForm(forms.ModelForm):
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES, widget=UnfoldAdminSelectWidget)


@admin.register(Market)
class MarketAdmin(RoleAdmin):
    may: May = HQ_READS | {Role.OPERATOR: EDIT}
    form = MarketForm
    list_display = ["name", "code", "currency", "time_zone", "week_start", "language", "price_level"]
    ordering = ["name"]


@admin.register(Distributor)
class DistributorAdmin(RoleAdmin):
    may: May = HQ_READS | {Role.OPERATOR: frozenset({"view", "change"})}
    fields = [
        "external_id", "name", "market", "sponsor", "user", "language", "rank", "joined_on", "left_on", "own_goal_share",
    ]  # fmt: skip
    autocomplete_fields = ["sponsor", "user"]
    list_display = ["name", "external_id", "market", "rank", "sponsor", "joined_on", "left_on"]
    list_filter = ["market"]
    list_select_related = ["market", "sponsor"]
    search_fields = ["name", "external_id"]
    ordering = ["name"]

    def get_readonly_fields(self, request: HttpRequest, obj: Distributor | None = None) -> list[str]:
        """What she sets herself, and what events say."""
        return ["external_id", "language", "rank", "joined_on", "own_goal_share"]


@admin.register(Segment)
class SegmentAdmin(RoleAdmin):
    """Parts of the field that a campaign or a KPI may be for. One that is named somewhere stays, and stays as it is: its
    limits are whom somebody approved a campaign for."""

    may: May = HQ_READS | {Role.HQ_EDITOR: REMOVE, Role.HQ_APPROVER: REMOVE}
    fields = ["name", ("days_from", "days_to"), "team", "by_rules"]
    list_display = ["name", "joined", "team", "people", "used_by"]
    ordering = ["name"]

    def get_fieldsets(self, request: HttpRequest, obj: Segment | None = None) -> Any:
        told = ""
        if obj is not None and (named := naming([obj])[obj.pk]):
            said = gettext("Used by %(named)s, so whom it is for stays as it is. Add another segment for other people.")
            told = said % {"named": ", ".join(named)}
        return [(None, {"fields": self.fields, "description": told})]

    def get_readonly_fields(self, request: HttpRequest, obj: Segment | None = None) -> list[str]:
        used = obj is not None and naming([obj])[obj.pk]
        return ["days_from", "days_to", "team", "by_rules"] if used else []

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With how many belong to each today, and what each is named by: a query for all of them, and one a kind of thing."""
        found = super().get_changelist_instance(request)
        rows = list(found.result_list)
        counts, named = people_in(rows, timezone.now()), naming(rows)
        for row in rows:
            row.counted, row.named = counts[row.pk], named[row.pk]
        found.result_list = rows
        return found

    @admin.display(description=_("joined"))
    def joined(self, segment: Segment) -> str:
        """0 to 90 days ago; empty for no limit."""
        first, last = segment.days_from, segment.days_to
        if first is None and last is None:
            return gettext("at any time")
        if last is None:
            return ngettext("%(n)d day ago or more", "%(n)d days ago or more", first or 0) % {"n": first}
        if first is None:
            return ngettext("%(n)d day ago or less", "%(n)d days ago or less", last) % {"n": last}
        return gettext("%(first)d to %(last)d days ago") % {"first": first, "last": last}

    @admin.display(description=_("people today"))
    def people(self, segment: Segment) -> str:
        return number_format(segment.counted, force_grouping=True)  # type: ignore[attr-defined]

    @admin.display(description=_("used by"))
    def used_by(self, segment: Segment) -> str:
        return ", ".join(segment.named) or gettext("nothing")  # type: ignore[attr-defined]

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """One sentence instead of Django's list of what stands in the way."""
        segment = self.get_object(request, object_id) if self.has_delete_permission(request) else None
        if segment is not None and (named := naming([segment])[segment.pk]):
            said = gettext("%(segment)s stays, because it is used by %(named)s.")
            messages.error(request, said % {"segment": segment, "named": ", ".join(named)})
            return HttpResponseRedirect(reverse("admin:distributors_segment_change", args=[segment.pk]))
        return super().delete_view(request, object_id, extra_context)


def people_in(rows: Sequence[Segment], as_of: datetime) -> dict[int, int]:
    """How many active people belong to each segment, on the local day of each one's market. Two queries."""
    markets = list(Market.objects.order_by("pk"))
    counts = {}
    for segment in rows:
        here = Q(pk__in=[])
        for market in markets:
            here |= Q(market=market) & segments.condition(segment, market.local_day(as_of))
        counts[f"s{segment.pk}"] = Count("pk", filter=here)
    found = Distributor.objects.active().aggregate(**counts)
    return {segment.pk: found[f"s{segment.pk}"] for segment in rows}


def naming(rows: Sequence[Segment]) -> dict[int, list[str]]:
    """What names each segment and stops its removal. A query or two a kind of thing: the apps above tell by their keys, or
    are asked where they keep no key."""
    found: dict[int, list[str]] = {segment.pk: [] for segment in rows}
    for link in Segment._meta.get_fields(include_hidden=True):
        if isinstance(link, ManyToOneRel) and link.on_delete is PROTECT:
            of_it = link.related_model._default_manager.filter(**{f"{link.field.name}__in": found}).order_by("pk")
            for one in of_it:
                found[getattr(one, link.field.attname)].append(str(one))
    for ask in segments.NAMED_BY:
        for pk, names in ask(list(found)).items():
            found[pk] += names
    return found


@admin.register(Goal)
class GoalAdmin(LogAdmin):
    may: May = HQ_READS
    list_display = ["distributor", "metric", "scope", "period", "target", "weight", "created_at", "ended_at"]
    list_filter = ["metric", "period"]
    list_select_related = ["distributor"]


@admin.register(ProductLine)
class ProductLineAdmin(RoleAdmin):
    may: May = HQ_EDITS
    list_display = ["name", "code"]
    ordering = ["name"]


@admin.register(Product)
class ProductAdmin(RoleAdmin):
    may: May = HQ_EDITS
    list_display = ["name", "sku", "line", "lasts_days"]
    list_filter = ["line"]
    list_select_related = ["line"]
    search_fields = ["name", "sku"]
    ordering = ["name"]


@admin.register(Event)
class EventAdmin(LogAdmin):
    may: May = {Role.INTEGRATOR: VIEW, Role.OPERATOR: VIEW}
    fields = ["source", "external_id", "type", "distributor", "time", "day", "data", "received_at"]
    list_display = ["time", "type", "source", "external_id", "distributor", "received_at"]
    list_select_related = ["distributor"]


@admin.register(Order)
class OrderAdmin(LogAdmin):
    """Without the customer: she is the distributor's."""

    may: May = HQ_READS | {Role.INTEGRATOR: VIEW, Role.OPERATOR: VIEW}
    fields = ["distributor", "time", "day", "amount", "currency", "is_repeat"]
    list_display = ["time", "distributor", "amount", "currency", "is_repeat"]
    list_select_related = ["distributor"]


@admin.register(Measure)
class MeasureAdmin(LogAdmin):
    may: May = HQ_READS | {Role.OPERATOR: VIEW}
    list_display = ["day", "distributor", "metric", "scope", "value"]
    list_filter = ["metric"]
    list_select_related = ["distributor"]


class ApiKeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        label=_("Allowed"),
        choices=[(scope, scope) for scope in ApiKey.SCOPES],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        model = ApiKey
        fields = ["name", "scopes"]


class RevokeForm(forms.ModelForm):
    revoke = forms.BooleanField(
        label=_("Revoke"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("The key stops working at once and for good."),
    )

    class Meta:
        model = ApiKey
        fields: list[str] = []


@admin.register(ApiKey)
class ApiKeyAdmin(RoleAdmin):
    may: May = {Role.INTEGRATOR: EDIT, Role.OPERATOR: EDIT}
    list_display = ["name", "prefix", "scopes", "created_at", "revoked_at"]
    ordering = ["name"]

    def get_form(self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs | {"form": RevokeForm if obj else ApiKeyForm})

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        if obj is None:
            return ["name", "scopes"]
        facts = ["name", "prefix", "scopes", "created_at", "revoked_at"]
        return [*facts, "revoke"] if self.has_change_permission(request, obj) else facts

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        return ["name", "prefix", "scopes", "created_at", "revoked_at"] if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.revoked_at is None)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if not change:
            issued, request.key = ApiKey.issue(name=obj.name, scopes=form.cleaned_data["scopes"])  # type: ignore[attr-defined]
            obj.__dict__.update(issued.__dict__)
        elif form.cleaned_data["revoke"]:
            obj.revoked_at = timezone.now()
            obj.save(update_fields=["revoked_at"])

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """The one page that shows the whole key: not kept, not in a message, not after a reload."""
        context = self.admin_site.each_context(request) | {
            "title": _("New key"),
            "opts": self.opts,
            "name": obj.name,
            "key": request.key,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "distributors/desk/new_key.html", context)
