"""What of today a phrase would block: messages, library items and activities with it in their words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..models import Activity, Asset, BlockedPhrase, MessageTemplate
from . import phrases

#: So many are named.
NAMED = 3


@dataclass
class Affected:
    """How many of each, in whatever language, and the names of the first."""

    messages: int = 0
    items: int = 0
    activities: int = 0
    names: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.messages or self.items or self.activities)

    def named(self, name: str) -> int:
        if len(self.names) < NAMED:
            self.names.append(name)
        return 1


def affected(phrase: str) -> Affected:
    """By the phrase in whatever is not retired. 6 queries."""
    index = phrases.Index.of([BlockedPhrase(phrase=phrase)])
    found = Affected()
    for template in MessageTemplate.objects.exclude(status="retired").prefetch_related("texts").order_by("name"):
        if is_in(index, (said for text in template.texts.all() for said in (text.subject, text.body))):
            found.messages += found.named(template.name)
    for activity in Activity.objects.exclude(status="retired").prefetch_related("texts").order_by("key"):
        titles = {text.language: text.title for text in activity.texts.all()}
        said = (words for one in activity.texts.all() for words in (one.title, one.summary, one.body, one.message))
        if is_in(index, said):
            found.activities += found.named(titles.get("en") or next(iter(titles.values())))
    for item in Asset.objects.exclude(status="retired").prefetch_related("texts").order_by("key"):
        if is_in(index, (said for text in item.texts.all() for said in (text.title, text.caption, text.body))):
            found.items += found.named(str(item))
    return found


def is_in(index: phrases.Index, texts: Iterable[str]) -> bool:
    return any(phrases.search(index, text, "") for text in texts if text)
