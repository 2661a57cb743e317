"""The library in the admin: trainers and HQ write items, with a text, an address or a file in each language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import count
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from distributors.desk import EDIT, REMOVE, VIEW, May, RoleAdmin, RoleSections
from distributors.models import Role

from ..models import Asset, AssetText, LinkDay, ShareLink
from . import reading, uploads

WRITERS = (Role.HQ_EDITOR, Role.HQ_APPROVER, Role.TRAINER)
MAY: May = {Role.HQ_VIEWER: VIEW, **dict.fromkeys(WRITERS, EDIT)}
ACCEPTED = ",".join(uploads.ENDING)
TITLE = re.compile(r"texts-\d+-title")
#: Parts of a text: its heading, the kinds that it is open for, and its fields.
PARTS = (
    (gettext_lazy("Text: what an article consists of; with another kind it stands below"), {"article"}, ["body"]),
    (gettext_lazy("Address: for a link, or a video that is shown elsewhere"), {"link", "video"}, ["url"]),
    (gettext_lazy("File: for a picture, a document or a video"), {"image", "document", "video"}, ["file", "alt"]),
)


def languages() -> list[tuple[str, str]]:
    """Those of the product, by name."""
    return sorted(((code, str(name)) for code, name in settings.LANGUAGES), key=lambda one: one[1])


class Kept:
    """A stored file as the widget shows it: by the guarded page that hands it out, never by its path."""

    def __init__(self, text: AssetText) -> None:
        self.url = reverse("asset_file", args=[text.asset_id, text.language])

    def __str__(self) -> str:
        return self.url


class FileWidget(UnfoldAdminFileFieldWidget):
    """Without a preview by the storage's own address, which leads nowhere."""

    kept: Kept | None = None

    def format_value(self, value: Any) -> Any:
        return self.kept if self.is_initial(value) else None

    def is_initial(self, value: Any) -> bool:
        return bool(value) and self.kept is not None

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["value"] = self.format_value(value)
        return context


class SafeURLField(forms.URLField):
    """An address without a scheme is one of https."""

    def __init__(self, **options: Any) -> None:
        super().__init__(assume_scheme="https", **options)


class TextForm(forms.ModelForm):
    """One language. What it needs depends on the item's kind, which stands in the form above it."""

    language = forms.ChoiceField(label=gettext_lazy("Language"), widget=UnfoldAdminSelectWidget)
    asset: Asset

    class Meta:
        model = AssetText
        fields = "__all__"  # noqa: DJ007 the page names its fields
        field_classes: Mapping[str, Any] = {"url": SafeURLField}
        help_texts: Mapping[str, Any] = {
            "caption": gettext_lazy("Stands below the title in her library, and can be copied into a message."),
            "body": gettext_lazy("Markdown: **bold**, - list, ## heading"),
            "alt": gettext_lazy("What it shows, for those who do not see it."),
        }
        widgets: Mapping[str, Any] = {"file": FileWidget(attrs={"accept": ACCEPTED})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        file = self.fields.get("file")
        if file is not None and isinstance(file.widget, FileWidget) and self.instance.pk:
            file.widget.kept = Kept(self.instance)

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"] or "")
        if url and not url.startswith("https://"):
            raise ValidationError(_("The address must begin with https://."))
        if reading.names_two(url):
            raise ValidationError(_("Leave out what stands before the @: it hides which site the address leads to."))
        if url and not reading.site_of(url):
            raise ValidationError(_("No browser could open this address. Check the name of the site."))
        return url

    def clean_file(self) -> File[bytes] | bool | str:
        file = self.cleaned_data["file"]
        return uploads.checked(self.asset.kind, file) if isinstance(file, UploadedFile) else file

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        for field, sentence in lacking(self.asset.kind, data or {}, self.errors):
            self.add_error(field, sentence)
        return data


def lacking(kind: str, data: Mapping[str, Any], refused: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What an item of this kind cannot do without, by field; nothing about a field that was refused already."""
    file, url, found = data.get("file"), data.get("url"), list[tuple[str, str]]()
    if kind == Asset.Kind.ARTICLE and not data.get("body"):
        found.append(("body", _("An article needs its text.")))
    if kind == Asset.Kind.LINK and not url:
        found.append(("url", _("A link needs the address that it leads to.")))
    if kind == Asset.Kind.IMAGE and not file:
        found.append(("file", _("A picture needs its file.")))
    if kind == Asset.Kind.IMAGE and not data.get("alt"):
        found.append(("alt", _("Say in words what the picture shows, for those who do not see it.")))
    if kind == Asset.Kind.DOCUMENT and not file:
        found.append(("file", _("A document needs its file.")))
    if kind == Asset.Kind.VIDEO and not (file or url):
        found.append(("file", _("A video needs its file, or the address where it is shown.")))
    return [(field, said) for field, said in found if field not in refused]


class InLanguages(BaseInlineFormSet):  # type: ignore[type-arg]
    """A form for each language: which there are is read once for all of them."""

    @cached_property
    def languages(self) -> list[tuple[str, str]]:
        return languages()

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        language = form.fields.get("language")
        if isinstance(language, forms.ChoiceField):
            # What a text was written in before stays one of the choices.
            now = form.instance.language if form.instance.pk else ""
            language.choices = self.languages if now in ("", *dict(self.languages)) else [(now, now), *self.languages]


class TextFormSet(InLanguages):
    """Languages of one item: the item's kind decides what each needs."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        # The item itself: what the form above says of it is known only when that one has been read.
        form.asset = self.instance

    def clean(self) -> None:
        super().clean()
        kept = [form for form in self.forms if form.has_changed() or form.instance.pk]
        left = [form for form in kept if not form.cleaned_data.get("DELETE")] if not any(self.errors) else kept
        if self.instance.status == Asset.Status.PUBLISHED and not left:
            raise ValidationError(_("A published item needs its words in one language at least."))


class TextInline(RoleSections):
    model = AssetText
    form = TextForm
    formset = TextFormSet
    may: May = {Role.HQ_VIEWER: VIEW, **dict.fromkeys(WRITERS, REMOVE)}

    def get_fieldsets(self, request: HttpRequest, obj: Asset | None = None) -> Any:
        """What the kind does not need is folded; a refused field opens its part again."""
        kind = obj.kind if obj is not None else Asset.Kind.ARTICLE.value
        return [
            (None, {"fields": ["language", "title", "caption"]}),
            *(
                (heading, {"fields": fields, "classes": () if kind in kinds else ("collapse",)})
                for heading, kinds, fields in PARTS
            ),
        ]

    def get_extra(self, request: HttpRequest, obj: Asset | None = None, **kwargs: Any) -> int:
        return 0 if obj is not None else 1


class AssetForm(forms.ModelForm):
    class Meta:
        model = Asset
        fields = "__all__"  # noqa: DJ007 the page names its fields
        help_texts: Mapping[str, Any] = {
            "key": gettext_lazy("In the address of its page. Left empty, it is made from the title."),
            "kind": gettext_lazy("Says which parts below it needs; the others can stay folded."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "key" in self.fields:
            self.fields["key"].required = False


class ChoosesAsset:
    """A page whose form names a library item: by its title, all of them read at once."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "asset":
            kwargs["queryset"] = Asset.objects.prefetch_related("texts").order_by("key")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


@admin.register(Asset)
class AssetAdmin(RoleAdmin):
    may: May = MAY
    form = AssetForm
    inlines = [TextInline]
    list_display = ["title", "kind", "line", "status", "expires_on", "in_languages", "shared"]
    list_filter = ["kind", "status", "line"]
    search_fields = ["key", "texts__title"]
    ordering = ["key"]
    fieldsets = [
        (None, {"fields": [("kind", "line"), ("status", "expires_on"), "previews", "shared"]}),
        (gettext_lazy("Key"), {"fields": ["key"], "classes": ("collapse",)}),
    ]
    readonly_fields = ["previews", "shared"]
    list_select_related = ["line"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Asset]:
        links = ShareLink.objects.filter(asset=OuterRef("pk")).order_by().values("asset")
        days = LinkDay.objects.filter(link__asset=OuterRef("pk")).order_by().values("link__asset")
        return (
            super().get_queryset(request).prefetch_related("texts")
            .annotate(
                links_made=count_of(links.annotate(n=Count("pk")).values("n")),
                times_opened=count_of(days.annotate(n=Sum("opens")).values("n")),
            )
        )  # fmt: skip

    @admin.display(description=gettext_lazy("title"), ordering="key")
    def title(self, asset: Asset) -> str:
        return str(asset)

    @admin.display(description=gettext_lazy("languages"))
    def in_languages(self, asset: Asset) -> str:
        return ", ".join(sorted(text.language for text in asset.texts.all()))

    @admin.display(description=gettext_lazy("shared"))
    def shared(self, asset: Asset) -> str:
        """Shared 12 times, opened 30 times."""
        made, opened = getattr(asset, "links_made", 0), getattr(asset, "times_opened", 0)
        if not made:
            return _("Not yet")
        return _("%(shared)s, %(opened)s") % {
            "shared": ngettext("%(n)s link", "%(n)s links", made) % {"n": made},
            "opened": ngettext("opened %(n)s time", "opened %(n)s times", opened) % {"n": opened},
        }

    @admin.display(description=gettext_lazy("as a customer sees it"))
    def previews(self, asset: Asset) -> str:
        texts = [
            (reverse("asset_preview", args=[asset.pk, text.language]), text.language) for text in asset.texts.all()
        ]
        if not texts:
            return _("Save it first.")
        link = '<a class="text-primary-600 dark:text-primary-500 underline" href="{}" target="_blank">{}</a>'
        return format_html("{}", format_html_join(" · ", link, texts))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"kind": Asset.Kind.ARTICLE.value} | super().get_changeform_initial_data(request)

    def get_formset_kwargs(self, request: HttpRequest, obj: Asset, inline: Any, prefix: str) -> dict[str, Any]:
        """A new item begins in English."""
        known = super().get_formset_kwargs(request, obj, inline, prefix)
        return known if obj.pk else known | {"initial": [{"language": "en"}]}

    def save_model(self, request: HttpRequest, obj: Asset, form: Any, change: bool) -> None:
        if not obj.key:
            obj.key = free_key(title_typed(request.POST) or str(obj.get_kind_display()), obj.pk or 0)
        super().save_model(request, obj, form, change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """A file that was replaced or taken away goes when the change is certain."""
        before = dict(AssetText.objects.filter(asset=formset.instance).values_list("pk", "file"))
        super().save_formset(request, form, formset, change)
        kept = set(AssetText.objects.filter(asset=formset.instance).values_list("file", flat=True))
        storage = AssetText._meta.get_field("file").storage  # type: ignore[union-attr]
        for name in {name for name in before.values() if name} - kept:
            transaction.on_commit(lambda name=name: storage.delete(name))  # type: ignore[misc]


def title_typed(data: Mapping[str, Any]) -> str:
    """The English title of a form that was sent, else the first one."""
    names = sorted(name for name in data if TITLE.fullmatch(name) and data[name])
    titles = [(data.get(f"{name.removesuffix('title')}language"), str(data[name])) for name in names]
    return next((title for language, title in titles if language == "en"), titles[0][1] if titles else "")


def free_key(title: str, pk: int = 0) -> str:
    """a-steady-line, or a-steady-line-2 where there is one."""
    plain = slugify(title)[:50].strip("-") or "item"
    taken = set(Asset.objects.exclude(pk=pk).filter(key__startswith=plain).values_list("key", flat=True))
    numbered = (f"{plain}-{n}" for n in count(2))
    return plain if plain not in taken else next(key for key in numbered if key not in taken)


def count_of(counted: QuerySet[Any]) -> Coalesce:
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
