"""A file of the library as an answer: its type from its bytes, in parts when asked (iPhones play no video without), and inert."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any, cast

from django.core.files.base import File
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from PIL import Image, ImageOps

from ..models import AssetText
from .uploads import ENDING, HEAD, media_type

PART = 65_536
#: Twice what a list shows, for screens that draw two pixels as one.
SMALL = 112
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
#: Whatever the bytes turn out to be, they run nothing, load nothing and have no origin.
INERT = {"default-src": ["'none'"], "sandbox": True}


def answer(request: HttpRequest, text: AssetText) -> HttpResponse:
    """The file of this text, under a name made of its title. Raises Http404 when there is none that may be served."""
    if not text.file:
        raise Http404
    try:
        file = text.file.storage.open(str(text.file.name))
    except OSError:
        raise Http404 from None
    media = media_type(file.read(HEAD))
    if not media:
        file.close()
        raise Http404
    response = partly(request, file, text.file.size, media) or whole(file, media)
    # Chrome shows no PDF in a sandbox: a document is saved, and opened by the phone's own reader.
    name = f"{slugify(text.title) or 'file'}.{ENDING[media]}"
    shown = content_disposition_header(media == "application/pdf", name)
    response["Content-Disposition"] = shown or "inline"
    response["Accept-Ranges"] = "bytes"
    response["X-Content-Type-Options"] = "nosniff"
    # The link may end: kept for an hour, by this browser alone.
    response["Cache-Control"] = "private, max-age=3600"
    response._csp_config = INERT  # type: ignore[attr-defined]
    # Streamed, which the types of views do not know of.
    return cast("HttpResponse", response)


def small(text: AssetText) -> HttpResponse:
    """Its picture as lists show it, SMALL pixels square. Raises Http404 when it is no picture."""
    if not text.file:
        raise Http404
    try:
        with text.file.storage.open(str(text.file.name)) as file, Image.open(file) as picture:
            made = ImageOps.fit(picture.convert("RGBA"), (SMALL, SMALL))
    except (OSError, ValueError):
        raise Http404 from None
    kept = io.BytesIO()
    made.save(kept, "WEBP", quality=80)
    response = HttpResponse(kept.getvalue(), content_type="image/webp")
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, max-age=3600"
    response._csp_config = INERT  # type: ignore[attr-defined]
    return response


def whole(file: File[Any], media: str) -> FileResponse:
    file.seek(0)
    return FileResponse(file, content_type=media)


def partly(request: HttpRequest, file: File[Any], size: int, media: str) -> HttpResponseBase | None:
    """206 for one range, 416 for one behind the end; None for no range or for several: they get it whole."""
    asked = RANGE.fullmatch(request.headers.get("Range", "").strip())
    if asked is None or asked[0] == "bytes=-":
        return None
    first, last = bounds(asked[1], asked[2], size)
    if first > last:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    file.seek(first)
    response = StreamingHttpResponse(parts(file, last - first + 1), status=206, content_type=media)
    # A reader that went away before the first part leaves nothing open.
    response._resource_closers.append(file.close)  # type: ignore[attr-defined]
    response["Content-Range"] = f"bytes {first}-{last}/{size}"
    response["Content-Length"] = str(last - first + 1)
    return response


def bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """First and last byte; `-500` are the last 500. First above last: there is no such part."""
    if not first:
        return (max(0, size - int(last)), size - 1) if int(last) else (1, 0)
    end = min(int(last), size - 1) if last else size - 1
    return (int(first), end) if int(first) < size else (1, 0)


def parts(file: File[Any], left: int) -> Iterator[bytes]:
    while left > 0 and (part := file.read(min(PART, left))):
        left -= len(part)
        yield part
