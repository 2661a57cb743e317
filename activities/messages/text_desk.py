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
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanWidget

from distributors.admin import HQ_EDITS
from distributors.desk import EDIT, REMOVE, VIEW, May, RoleAdmin, RoleSections
from distributors.models import Role

from ..library.item_desk import ChoosesAsset, InLanguages, languages
from ..models import BlockedPhrase, MessageTemplate, MessageTemplateText
from . import phrases, reading
from .affected import Affected, affected
from .checking import parts_of, told
from .spelling import folded

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
    fields = ["language", "title", "subject", "body", "reads"]
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
    search_fields = ["name", "texts__title", "texts__body", "texts__subject"]
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


class AnywayField(forms.CharField):
    """Holds the phrase that was agreed to; not on the page until there is something to agree to. Never a change by itself."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False

    def ask(self, phrase: str) -> None:
        """From now on a box to tick, for this phrase."""
        self.widget = AnywayWidget(phrase)


class AnywayWidget(UnfoldBooleanWidget):
    def __init__(self, phrase: str) -> None:
        super().__init__()
        self.phrase = phrase

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, False, attrs)
        context["widget"]["value"] = self.phrase
        return context


class PhraseForm(forms.ModelForm):
    language = forms.ChoiceField(label=gettext_lazy("Language"), widget=UnfoldAdminSelectWidget, required=False)
    anyway = AnywayField(label=gettext_lazy("Block it all the same"), required=False)

    class Meta:
        model = BlockedPhrase
        fields = "__all__"  # noqa: DJ007 the page names its fields
        help_texts: ClassVar[dict[str, Any]] = {
            "phrase": gettext_lazy(
                "Whole words, any case. A * at the end of a word stands for any ending. $* is any amount, $100+ an amount "
                "of at least 100; “a month” stands for per month and /month, too."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = self.fields.get("language")
        if isinstance(language, forms.ChoiceField):
            language.choices = [("", _("Every language")), *languages()]

    def clean_phrase(self) -> str:
        phrase = " ".join(str(self.cleaned_data["phrase"]).split())
        if wrong := wrong_with_phrase(phrase):
            raise ValidationError(wrong)
        return phrase

    def clean(self) -> dict[str, Any] | None:
        """A phrase that is in today's texts is saved once that has been read and agreed to."""
        data = super().clean()
        said = self.cleaned_data
        phrase, agreed = said.get("phrase", ""), said.get("anyway") == said.get("phrase")
        begins = {"phrase", "is_active"} & set(self.changed_data)
        if phrase and said.get("is_active") and begins and not agreed and (found := affected(phrase)):
            self.add_error("phrase", told_affected(found))
            field = self.fields["anyway"]
            if isinstance(field, AnywayField):
                field.ask(phrase)
        return data


#: Of punctuation, what may stand in a phrase: endings, amounts, and what words are written with.
IN_PHRASES = frozenset("*+-–'’.,/&#%")


def wrong_with_phrase(phrase: str) -> str:
    """Why it would block what nobody means, in a sentence; empty when it would not."""
    if any("*" in word[:-1] for word in phrase.split()):
        return _("A * stands at the end of a word.")
    spelt = phrases.spellings(phrase)
    strange = [word for word in phrase.split() if is_strange(word)]
    if strange and spelt:
        return _("“%(word)s” is no word: write letters and digits only, as they stand in a message.") % {
            "word": strange[0]
        }
    if not spelt:
        return _("Write at least one word: a * alone would block every message.")
    if all(len(piece.said) < 2 and piece.said.isalnum() for piece in spelt[0] if piece.said):
        return _("A single letter would block nearly every message: write a word of two letters or more.")
    return ""


def is_strange(word: str) -> bool:
    """Punctuation alone, or with what is no part of words."""
    if word == "*":
        return False
    said = [letter for letter in word if folded(letter)]
    return not said or any(letter not in IN_PHRASES and folded(letter) is None for letter in word)


def told_affected(found: Affected) -> str:
    """It stands in 2 messages and 1 activity of today, among them “Ask”. ..."""
    counted = [
        (found.messages, ngettext("%(n)s message", "%(n)s messages", found.messages)),
        (found.activities, ngettext("%(n)s activity", "%(n)s activities", found.activities)),
        (found.items, ngettext("%(n)s library item", "%(n)s library items", found.items)),
    ]
    return _(
        "Today it stands in: %(where)s, such as %(names)s. Whoever writes or sends these words is then asked to change them. "
        "If that is meant, tick “Block it all the same” and save again."
    ) % {
        "where": _(", ").join(said % {"n": n} for n, said in counted if n),
        "names": _(", ").join(f"“{name}”" for name in found.names),
    }  # fmt: skip


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

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """The box to tick stands below the phrase, once there is something to agree to."""
        shown = context["adminform"]
        if isinstance(shown.form.fields["anyway"].widget, AnywayWidget):
            shown.fieldsets = [(None, {"fields": [self.fields[0], "anyway", *self.fields[1:]]})]
        return super().render_change_form(request, context, *args, **kwargs)

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
