"""Library items, links and files for tests. Files go to `settings.MEDIA_ROOT`, which a test points at its own folder."""

from __future__ import annotations

import io
from typing import Any

from django.core.files.base import ContentFile
from PIL import Image

from activities.library import sharing
from activities.models import Asset, AssetText, ShareLink
from distributors.models import Customer, Distributor
from tests import factories as make

BROWSER = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1"
)
#: What a person's browser says when the page's own script, or its button, posts.
PERSON = {"User-Agent": BROWSER, "Sec-Fetch-Site": "same-origin"}
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
FTYP = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
MP4 = FTYP + b"\x00\x00\x00\x08moov" + b"\x00\x00\x28\x08mdat" + bytes(range(256)) * 40
WEBM = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webmB\x87\x81\x02" + bytes(500)


def article(key: str = "", **fields: Any) -> Asset:
    return item(key, Asset.Kind.ARTICLE, words={"body": "Begin in the *middle*."}, **fields)


def item(key: str = "", kind: str = Asset.Kind.ARTICLE, *, words: dict[str, Any] | None = None, **fields: Any) -> Asset:
    """A published item with an English text."""
    key = key or f"item-{make.number()}"
    made = Asset.objects.create(key=key, kind=kind, **{"status": Asset.Status.PUBLISHED} | fields)
    text(made, "en", **(words or {}))
    return made


def text(asset: Asset, language: str, *, data: bytes = b"", ending: str = "bin", **fields: Any) -> AssetText:
    defaults: dict[str, Any] = {"title": f"{asset.key} in {language}", "caption": "Three small moves."}
    made = AssetText(asset=asset, language=language, **defaults | fields)
    if data:
        made.file = ContentFile(data, name=f"f{make.number()}.{ending}")
    made.save()
    return made


def link(
    distributor: Distributor | None = None, asset: Asset | None = None, customer: Customer | None = None,
    language: str = "en",
) -> ShareLink:  # fmt: skip
    return sharing.link_for(
        distributor=distributor or make.distributor(), customer=customer, asset=asset or article(), language=language,
        as_of=make.NOW,
    )  # fmt: skip


def picture(form: str = "JPEG", size: tuple[int, int] = (60, 40), mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "#c4565f").save(out, form, **options)
    return out.getvalue()


def read(response: Any) -> bytes:
    """The whole answer; a streamed one is closed by being read."""
    return b"".join(response.streaming_content) if response.streaming else response.content
