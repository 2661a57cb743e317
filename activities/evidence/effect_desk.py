"""The desk for what was learned: each version with what it says beside what authors stated, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from distributors.admin import HQ_READS, LogAdmin
from distributors.desk import VIEW, May
from distributors.metrics import METRICS, Unit, split_key
from distributors.models import ProductLine, Role
from distributors.wording import number, percent

from ..models import Activity, EffectVersion
from . import effects
from .effects import Standing, standing, standing_p
from .slate_table import rounded


class WayBackForm(forms.ModelForm):
    """On an older version: make it count again. On the one that counts: back to the authors, or on with learning."""

    why = forms.CharField(label=_("Reason"), max_length=300, widget=UnfoldAdminTextInputWidget)
    # The version that counted when the page was opened: what the form does depends on it.
    expected_version = forms.IntegerField(widget=forms.HiddenInput, label="")

    class Meta:
        model = EffectVersion
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        newest = effects.current()
        self.fields["expected_version"].initial = newest.version if newest else 0

    def clean_expected_version(self) -> int:
        # The lock lasts until the admin's transaction ends: no version comes between this check and the save.
        newest = EffectVersion.objects.select_for_update().first()
        expected = self.cleaned_data["expected_version"]
        if newest is None or newest.version != expected:
            raise forms.ValidationError(gettext("There is a new version since you opened this page. Open it again."))
        return expected


@admin.register(EffectVersion)
class EffectVersionAdmin(LogAdmin):
    may: May = HQ_READS | {Role.HQ_APPROVER: frozenset({"view", "change"}), Role.TRAINER: VIEW}
    form = WayBackForm
    list_before_template = "admin/activities/effectversion/before_list.html"
    list_display = ["version", "until", "exposures", "made_at", "by", "back_to", "reason"]
    list_select_related = ["by"]
    ordering = ["-version"]
    readonly_fields = ["version", "until", "exposures", "made_at", "by", "back_to", "reason"]

    def get_fieldsets(self, request: HttpRequest, obj: EffectVersion | None = None) -> Any:
        facts = (None, {"fields": [("version", "until", "exposures"), ("made_at", "by"), ("back_to", "reason")]})
        if obj is None or not self.has_change_permission(request, obj):
            return [facts]
        title, told = way_back(obj, effects.current())
        return [facts, (title, {"fields": ["why", "expected_version"], "description": told})]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        version, newest = kwargs["obj"], effects.current()
        more = {
            "table": table(version),
            "paused": effects.paused(newest) and version == newest,
            "show_save_and_continue": False,
        }
        return super().render_change_form(request, context | more, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: EffectVersion, form: Any, change: bool) -> None:
        """Versions are never changed: what is saved is a new one."""
        newest = effects.current()
        given = {"reason": form.cleaned_data["why"], "by": request.user, "as_of": timezone.now()}
        if newest is not None and obj.pk == newest.pk and effects.paused(newest):
            effects.resume(**given)
        else:
            back_to = 0 if newest is not None and obj.pk == newest.pk else obj.version
            effects.go_back(version=back_to, **given)

    def response_change(self, request: HttpRequest, obj: EffectVersion) -> HttpResponse:
        newest = effects.current()
        assert newest is not None
        said = gettext("Version %(number)d counts now. Everybody’s next page ranks with it.")
        messages.success(request, said % {"number": newest.version})
        return HttpResponseRedirect(reverse("admin:activities_effectversion_change", args=[newest.pk]))


def way_back(version: EffectVersion, newest: EffectVersion | None) -> tuple[str, str]:
    """What saving the page of a version does: a heading and a sentence."""
    if newest is None or version.pk != newest.pk:
        return gettext("Go back to this version"), gettext(
            "Its values count again, as a new version. Nothing more is learned until somebody resumes."
        )
    if effects.paused(newest):
        return gettext("Resume learning"), gettext("The next night learns from the whole log again.")
    return gettext("Go back to the authors’ estimates"), gettext(
        "Nothing that was learned counts, and nothing more is learned until somebody resumes."
    )


# The table


def table(version: EffectVersion) -> dict[str, Any]:
    """Every published activity: its p, and its effect on each metric that its author states or that was learned."""
    lines = dict(ProductLine.objects.values_list("code", "name"))
    activities = Activity.objects.published().select_related("line").prefetch_related("texts").order_by("key")
    return {
        "headers": [
            gettext("Activity"), gettext("What"), gettext("Author"), gettext("Counts"), gettext("Whose word"),
        ],
        "rows": [
            [title, what, said(one.stated, unit), said(one.mean, unit), badge(one)]
            for activity in activities
            for title, what, one, unit in rows_of(activity, version, lines)
        ],
    }  # fmt: skip


def rows_of(
    activity: Activity, version: EffectVersion, lines: dict[str, str]
) -> Iterator[tuple[str, str, Standing, Unit | None]]:
    titles = {text.language: text.title for text in activity.texts.all()}
    title = titles.get("en") or activity.key
    yield title, gettext("Done when shown"), standing_p(activity, version), None
    for key in sorted({*activity.impacts, *effects.learned(activity, version).get("e", {})}):
        metric, scope = split_key(key)
        if metric in METRICS:
            label = str(METRICS[metric].label)
            what = f"{label}, {lines.get(scope, scope)}" if scope else label
            yield title, what, standing(activity, key, version), METRICS[metric].unit


def said(value: float, unit: Unit | None) -> str:
    """A share as percent, money and counts as numbers: the base currency has no name here."""
    if unit is None:
        return percent(round(100 * value))
    return rounded(value, 2)


def badge(one: Standing) -> str:
    if one.is_authors:
        return gettext("Author’s estimate")
    n = one.exposures
    return ngettext("Learned from %(n)s showing", "Learned from %(n)s showings", n) % {"n": number(n)}
