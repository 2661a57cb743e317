"""Who was erased stays erased: her id is known again without being kept, and of what is said of her nothing personal is.

An erased row's external id is `erased:<code>`, a keyed hash of the id by which systems name her and of whose contact she was.
Whoever sends that id later is answered as ever, so that a shop's nightly run does not break. Of the event only amounts, days
and products are kept; an order is one of nobody, and what says something of her alone is about nobody.

The key is made from settings.SECRET_KEY. When that is changed, the old one belongs into SECRET_KEY_FALLBACKS for good: under
a secret that is in neither nobody erased before is known again, and she comes back with the shop's next message. The same
holds for rows erased before there were such codes (`erased-<random>`): nobody kept their ids.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac

from .cloudevents import Item, canonical

#: How the external id of an erased row begins, and that of one erased before ids were known again.
ERASED, EARLIER = "erased:", "erased-"
#: Bytes of the code: no two of any number of people share one, and it fits into Customer.external_id.
LENGTH = 24

#: All that an event about her keeps; whatever else a system wrote into one is gone. `lines` keeps LINE of each.
KEPT = frozenset({
    "amount", "currency", "lines", "order", "activity", "recruit", "until", "closed_by", "undoes", "score", "memory_before",
    "channel", "state", "tone", "outreach", "by",
})  # fmt: skip
#: Kept too where they are words of ours; in anybody else's event they are free text.
OF_ACTIVITIES = frozenset({"form", "reason"})
#: Without the name: a shop may write an engraving into it. Products keep the names of the catalogue.
LINE = frozenset({"sku", "quantity", "amount", "currency", "line", "line_name"})
#: Somebody's own event, which names her as the contact who enrolled: only that goes.
ENROLLED = "distributor.enrolled"
#: What says something of her and of nothing else counts for nobody once she is erased.
OF_HER = frozenset({"contact.added", "consent.changed", "contact.made", "contact.replied", "basket.opened"})

#: Whose contact, and by which name: an owner's id with an external id, or with its code.
Name = tuple[int, str]


def mark(distributor_id: int, external_id: str) -> str:
    """`erased:` and the code, under the secret of today."""
    return coded(key(settings.SECRET_KEY), distributor_id, external_id)


def marks(distributor_id: int, external_id: str) -> list[str]:
    """Every external id that her row can have if she was erased: by the secret of today, by earlier ones, and her row's own."""
    found = [coded(one, distributor_id, external_id) for one in keys()]
    return [external_id, *found] if external_id.startswith((ERASED, EARLIER)) else found


def keys() -> list[bytes]:
    return [key(settings.SECRET_KEY), *map(key, settings.SECRET_KEY_FALLBACKS)]


@lru_cache(maxsize=8)
def key(secret: str) -> bytes:
    return salted_hmac("distributors.gone", "", secret=secret, algorithm="sha256").digest()


def coded(key: bytes, distributor_id: int, external_id: str) -> str:
    return ERASED + hmac.digest(key, f"{distributor_id} {external_id}".encode(), "sha256")[:LENGTH].hex()


# Events to be stored


def asked(named: Iterable[Name]) -> tuple[list[int], list[str]]:
    """(owners, external ids), in step: the rows to look for, to learn which of those named were erased."""
    pairs = [(owner, one) for owner, external_id in dict.fromkeys(named) for one in marks(owner, external_id)]
    return [owner for owner, _one in pairs], [one for _owner, one in pairs]


def forget(items: Iterable[Item], erased: set[Name]) -> None:
    """Take what is personal out of those that name one of `erased` (owner, external id of her row); digests stay."""
    for item in items if erased else ():
        if item.customer is None:
            continue
        for one in marks(item.owner_id, item.customer):
            if (item.owner_id, one) in erased:
                item.data = later(item.type, item.data, one)
                item.data_text = canonical(item.data)
                break


def later(type_: str, data: dict[str, Any], external_id: str) -> dict[str, Any]:
    """What is kept of an event that comes after she was erased."""
    left = told(type_, data, external_id)
    if type_ in OF_HER:
        del left["customer"]
    return left


def told(type_: str, data: dict[str, Any], external_id: str) -> dict[str, Any]:
    """What is left of an event's data."""
    if type_ == ENROLLED:
        return data | {"contact": external_id}
    kept = KEPT | OF_ACTIVITIES if type_.startswith("activity.") else KEPT
    left = {name: value for name, value in data.items() if name in kept}
    if "lines" in left:
        left["lines"] = [{name: line[name] for name in line if name in LINE} for line in left["lines"]]
    return left | {"customer": external_id}
