"""Short words that HQ and trainers write in several languages: a KPI's focus, a skill's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from unfold.widgets import UnfoldAdminTextInputWidget


def spoken(words: Mapping[str, str], language: str, otherwise: str) -> str:
    """The words in `language` (`de-at` falls back to `de`), else `otherwise`."""
    return words.get(language) or words.get(language.split("-")[0]) or otherwise


def others() -> list[tuple[str, str]]:
    """The languages besides the one that the plain field is written in."""
    return [(code, str(name)) for code, name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


class ByLanguageWidget(forms.MultiWidget):
    """One text input a language, each with a name that is read aloud."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        inputs = {
            code: UnfoldAdminTextInputWidget(attrs={"placeholder": name, "aria-label": name}) for code, name in others()
        }
        super().__init__(inputs, attrs)

    def decompress(self, value: dict[str, str] | None) -> list[str]:
        return [(value or {}).get(code, "") for code, _name in others()]


class ByLanguageField(forms.MultiValueField):
    """A dictionary of words by language code; a language left empty is left out."""

    def __init__(self, **options: Any) -> None:
        fields = [forms.CharField(required=False, max_length=120) for _language in others()]
        super().__init__(fields, required=False, require_all_fields=False, widget=ByLanguageWidget(), **options)

    def compress(self, values: list[str]) -> dict[str, str]:
        codes = [code for code, _name in others()]
        return {code: words for code, words in zip(codes, values, strict=False) if words}
