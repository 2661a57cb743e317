"""Messages and blocked phrases in the admin: trainers and HQ write what is sent, HQ says what never is."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Case, QuerySet, When
from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminSelectWidget

from distributors.admin import HQ_EDITS
from distributors.desk import EDIT, REMOVE, VIEW, May, RoleAdmin, RoleSections
from distributors.models import Role

from ..library.item_desk import ChoosesAsset, InLanguages, languages
from ..models import BlockedPhrase, MessageTemplate, MessageTemplateText
from . import phrases, reading
from .checking import parts_of, told

#: Letters of a sentence that is tried against the list.
LONGEST_TRIED = 500
WRITERS = (Role.HQ_EDITOR, Role.HQ_APPROVER, Role.TRAINER)
FIELDS = gettext_lazy(
    "Fields: {name}, {full_name}, {me}, {company}, {product}, {line}, {days}, {usual}, {link}. [Parts in brackets] and "
    "sentences are left out where a field of theirs is not known; {product|favourite} says favourite instead."
)


class TextForm(forms.ModelForm):
    """One language. Shows below how it reads, as it is typed."""

    language = forms.ChoiceField(label=gettext_lazy("Language"), widget=UnfoldAdminSelectWidget)

    class Meta:
        model = MessageTemplateText
        fields = "__all__"  # noqa: DJ007 the page names its fields

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        body = self.fields.get("body")
        if body is not None:
            body.help_text = FIELDS
            body.widget.attrs["rows"] = 8
        for name in ("language", "subject", "body"):
            if name in self.fields:
                self.fields[name].widget.attrs |= {
                    "hx-post": reverse_lazy("message_preview"), "hx-trigger": "input changed delay:400ms",
                    "hx-target": "next .message-reads", "hx-swap": "outerHTML", "hx-sync": "closest form:replace",
                }  # fmt: skip

    def clean_subject(self) -> str:
        return self.checked("subject")

    def clean_body(self) -> str:
        return self.checked("body", says=True)

    def checked(self, field: str, *, says: bool = False) -> str:
        text = str(self.cleaned_data[field] or "")
        # A text that is refused is shown as it reads, too; nothing of it is saved.
        setattr(self.instance, field, text)
        if wrong := reading.wrong_with(text, self.cleaned_data.get("language", ""), says=says):
            self.instance.is_refused = True  # type: ignore[attr-defined]
            raise ValidationError(wrong)
        return text


class TextFormSet(InLanguages):
    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if self.instance.pk:
            # The message itself, with the line that each of its texts reads.
            form.instance.template = self.instance

    def clean(self) -> None:
        super().clean()
        kept = [form for form in self.forms if form.has_changed() or form.instance.pk]
        left = [form for form in kept if not getattr(form, "cleaned_data", {}).get("DELETE")]
        if self.instance.status == MessageTemplate.Status.PUBLISHED and not left:
            raise ValidationError(_("A published message needs its words in one language at least."))


class TextInline(RoleSections):
    """A section for each language of the product, empty where there are no words yet."""

    model = MessageTemplateText
    form = TextForm
    formset = TextFormSet
    may: May = {Role.HQ_VIEWER: VIEW, **dict.fromkeys(WRITERS, REMOVE)}
    fields = ["language", "subject", "body", "reads"]
    readonly_fields = ["reads"]

    def get_extra(self, request: HttpRequest, obj: MessageTemplate | None = None, **kwargs: Any) -> int:
        return len(missing_languages(obj))

    @admin.display(description=gettext_lazy("How it reads"))
    def reads(self, text: MessageTemplateText) -> str:
        """The admin asks several times for each section: it is put together once."""
        if not hasattr(text, "as_it_reads"):
            line = text.template.line if text.template_id else None
            language, refused = text.language or settings.LANGUAGE_CODE, getattr(text, "is_refused", False)
            text.as_it_reads = reading.shown(text.subject, text.body, language, line, tell_problems=not refused)  # type: ignore[attr-defined]
        return mark_safe(text.as_it_reads)  # type: ignore[attr-defined]  # noqa: S308 the template escapes what was typed


def missing_languages(template: MessageTemplate | None) -> list[str]:
    """Of the product's languages those that the message has no words in."""
    there = {text.language for text in template.texts.all()} if template is not None else set()
    return [code for code, _name in settings.LANGUAGES if code not in there]


class TemplateForm(forms.ModelForm):
    class Meta:
        model = MessageTemplate
        fields = "__all__"  # noqa: DJ007 the page names its fields
        help_texts: ClassVar[dict[str, Any]] = {
            "about": gettext_lazy("Empty: for any message to a customer."),
            "line": gettext_lazy("Empty: for every product line."),
            "asset": gettext_lazy("The personal link goes where {link} is."),
        }


@admin.register(MessageTemplate)
class MessageTemplateAdmin(ChoosesAsset, RoleAdmin):
    form = TemplateForm
    may: May = {Role.HQ_VIEWER: VIEW, **dict.fromkeys(WRITERS, EDIT)}
    inlines = [TextInline]
    list_display = ["name", "for_reason", "line", "asset", "in_languages", "status", "updated_at"]
    list_filter = ["about", "line", "status"]
    list_select_related = ["line", "asset"]
    search_fields = ["name", "texts__body", "texts__subject"]
    ordering = ["name"]
    fieldsets = [(None, {"fields": ["name", ("about", "line"), ("asset", "status")]})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MessageTemplate]:
        return super().get_queryset(request).prefetch_related("texts", "asset__texts")

    def get_formset_kwargs(
        self, request: HttpRequest, obj: MessageTemplate, inline: Any, prefix: str
    ) -> dict[str, Any]:
        """Each empty section begins with a language that is missing."""
        known = super().get_formset_kwargs(request, obj, inline, prefix)
        return known | {"initial": [{"language": code} for code in missing_languages(obj if obj.pk else None)]}

    @admin.display(description=gettext_lazy("for"), ordering="about")
    def for_reason(self, template: MessageTemplate) -> str:
        return template.get_about_display() or _("any message")

    @admin.display(description=gettext_lazy("languages"))
    def in_languages(self, template: MessageTemplate) -> str:
        return ", ".join(sorted(text.language for text in template.texts.all()))


class PhraseForm(forms.ModelForm):
    language = forms.ChoiceField(label=gettext_lazy("Language"), widget=UnfoldAdminSelectWidget, required=False)

    class Meta:
        model = BlockedPhrase
        fields = "__all__"  # noqa: DJ007 the page names its fields

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = self.fields.get("language")
        if isinstance(language, forms.ChoiceField):
            language.choices = [("", _("Every language")), *languages()]

    def clean_phrase(self) -> str:
        phrase = " ".join(str(self.cleaned_data["phrase"]).split())
        if any("*" in word[:-1] for word in phrase.split()):
            raise ValidationError(_("A * stands at the end of a word."))
        if not any(said for said, _any_ending in phrases.phrase_words(phrase)):
            raise ValidationError(_("Write at least one word: a * alone would block every message."))
        return phrase


def readers_language() -> str:
    return (get_language() or settings.LANGUAGE_CODE).split("-")[0]


class LanguageFilter(admin.SimpleListFilter):
    """By the names of the languages, the reader's own first."""

    title = gettext_lazy("language")
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        there = set(BlockedPhrase.objects.order_by().values_list("language", flat=True).distinct())
        names = sorted(((code, name) for code, name in languages() if code in there), key=lambda one: one[1])
        named = sorted(names, key=lambda one: one[0] != readers_language())
        return [*named, ("every", _("Every language"))] if "" in there else named

    def queryset(self, request: HttpRequest, queryset: QuerySet[BlockedPhrase]) -> QuerySet[BlockedPhrase]:
        if self.value() is None:
            return queryset
        return queryset.filter(language="" if self.value() == "every" else self.value())


@admin.register(BlockedPhrase)
class BlockedPhraseAdmin(RoleAdmin):
    """Never deleted: what is not in force any more still says that it was."""

    may: May = HQ_EDITS | {Role.TRAINER: VIEW}
    form = PhraseForm
    fields = ["phrase", ("language", "kind"), "instead", "is_active"]
    list_display = ["phrase", "kind", "language", "instead", "is_active"]
    list_filter = ["kind", LanguageFilter, "is_active"]
    list_before_template = "admin/activities/blockedphrase/try.html"
    search_fields = ["phrase", "instead"]

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Those of the reader's language first, then those of every language."""
        own = Case(When(language=readers_language(), then=0), When(language="", then=1), default=2)
        return [own, "language", "kind", "phrase"]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """A sentence to try is no filter of the list."""
        asked = request.GET.copy()
        sentence = " ".join("".join(asked.pop("try", [])).replace("\x00", "").split())[:LONGEST_TRIED]
        request.GET = asked  # type: ignore[assignment]
        return super().changelist_view(request, (extra_context or {}) | tried(sentence))


def tried(sentence: str) -> dict[str, Any]:
    """The sentence with its claims marked, by the phrases of every language."""
    claims = phrases.found(sentence, "") if sentence else []
    return {
        "sentence": sentence, "longest": LONGEST_TRIED, "parts": parts_of(sentence, claims),
        "claims": [told(claim) for claim in claims],
    }  # fmt: skip
