"""Where trainers write: activities with their words and stated impact, and skills."""

from __future__ import annotations

import math
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from distributors.admin import HQ_READS, LogAdmin
from distributors.desk import EDIT, REMOVE, VIEW, May, RoleAdmin, RoleSections
from distributors.languages import ByLanguageField
from distributors.metrics import METRICS, split_key
from distributors.models import ProductLine, Role

from . import desks  # noqa: F401  (it registers pages, as do the next three)
from .evidence import effect_desk, explain_desk  # noqa: F401
from .library import item_desk
from .messages import reading, text_desk  # noqa: F401
from .models import Action, Activity, ActivityText, ScaleSet, Skill

TRAINERS_WRITE: dict[Role, frozenset[str]] = HQ_READS | {Role.TRAINER: EDIT}


def problem_with_impacts(impacts: Any) -> str:
    """Why this is no stated impact, in a sentence; empty when it is one.

    An impact is a mapping such as {"sales": 18, "repeat_orders:eye": 0.22}: metric, or metric:product line, to what
    doing the activity changes, in the metric's own unit.
    """
    if not isinstance(impacts, dict):
        return str(_('Write pairs in braces, such as {"sales": 18, "repeat_orders:eye": 0.22}.'))
    lines = set(ProductLine.objects.values_list("code", flat=True))
    for key, value in impacts.items():
        metric, scope = split_key(key)
        if metric not in METRICS:
            known = ", ".join(METRICS)
            return str(_("%(key)s is not a metric. The metrics are: %(known)s.") % {"key": key, "known": known})
        if scope and not METRICS[metric].scoped:
            return str(_("%(metric)s is not counted by product line.") % {"metric": metric})
        if scope and scope not in lines:
            return str(_("There is no product line %(scope)s.") % {"scope": scope})
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return str(_("The impact on %(key)s must be a number.") % {"key": key})
    return ""


class ActivityForm(forms.ModelForm):
    class Meta:
        model = Activity
        fields = "__all__"  # noqa: DJ007 the page names its fields

    def clean_impacts(self) -> dict[str, float]:
        impacts = self.cleaned_data["impacts"] or {}
        if problem := problem_with_impacts(impacts):
            raise ValidationError(problem)
        return impacts

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        if data and data.get("skill_gain") and not data.get("skill"):
            self.add_error("skill", _("A skill gain needs the skill it is of."))
        return data


class TextForm(forms.ModelForm):
    language = forms.ChoiceField(label=_("Language"), widget=UnfoldAdminSelectWidget)

    class Meta:
        model = ActivityText
        fields = "__all__"  # noqa: DJ007 the page names its fields

    def clean_message(self) -> str:
        """As a message of the library: fields that exist, and no claim."""
        message = str(self.cleaned_data["message"] or "")
        if wrong := reading.wrong_with(message, self.cleaned_data.get("language", "")):
            raise ValidationError(wrong)
        return message


class TextInline(RoleSections):
    model = ActivityText
    form = TextForm
    formset = item_desk.InLanguages
    may: May = TRAINERS_WRITE | {Role.TRAINER: REMOVE}
    fields = ["language", "title", "summary", "body", "message"]


@admin.register(Activity)
class ActivityAdmin(item_desk.ChoosesAsset, RoleAdmin):
    may: May = TRAINERS_WRITE
    form = ActivityForm
    inlines = [TextInline]
    list_display = ["key", "title", "kind", "form", "about", "status", "updated_at"]
    list_filter = ["kind", "status", "about", "line"]
    search_fields = ["key", "texts__title"]
    ordering = ["key"]
    fieldsets = [
        (None, {"fields": ["key", ("kind", "form"), ("about", "line"), ("minutes", "status"), "asset"]}),
        (_("What it changes"), {"fields": ["p_done", "impacts", ("skill", "skill_gain")]}),
        (_("When and where"), {"fields": [("closes_on", "credit_days"), "again_after_days", "markets"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Activity]:
        return super().get_queryset(request).prefetch_related("texts")

    @admin.display(description=_("title"))
    def title(self, activity: Activity) -> str:
        texts = {text.language: text.title for text in activity.texts.all()}
        return texts.get("en") or next(iter(texts.values()), "")


class SkillForm(forms.ModelForm):
    name_by_language = ByLanguageField(label=_("The same in other languages"))


@admin.register(Skill)
class SkillAdmin(RoleAdmin):
    may: May = TRAINERS_WRITE
    form = SkillForm
    fields = ["key", "name", "name_by_language", "wanted"]
    list_display = ["name", "key", "wanted"]
    ordering = ["name"]


@admin.register(ScaleSet)
class ScaleSetAdmin(LogAdmin):
    may: May = HQ_READS | {Role.OPERATOR: VIEW}
    list_display = ["version", "people", "frozen_at"]
    ordering = ["-version"]


@admin.register(Action)
class ActionAdmin(LogAdmin):
    may: May = HQ_READS | {Role.OPERATOR: VIEW}
    fields = ["distributor", "activity", "kind", "day", "at", "until", "reason", "undone_at"]
    list_display = ["at", "distributor", "activity", "kind", "reason", "undone_at"]
    list_filter = ["kind"]
    list_select_related = ["distributor", "activity"]
