"""Files of the library: judged by what their bytes are, never by their name, and kept under a name of our own.

Pictures are drawn again from their pixels. Documents and videos are kept as they are: what is looked for in a PDF keeps honest
mistakes out (a form, a script, an attachment), it is no virus check, and does not see into compressed parts of a file.
"""

from __future__ import annotations

import io
import re
import secrets
import warnings
import zipfile
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.utils.translation import gettext as _
from PIL import Image, ImageCms, ImageOps

from ..models import Asset

MEGABYTE = 1_000_000
MOST_BYTES = {Asset.Kind.IMAGE: 10 * MEGABYTE, Asset.Kind.DOCUMENT: 10 * MEGABYTE, Asset.Kind.VIDEO: 100 * MEGABYTE}
#: Kinds that a file can be of.
WITH_FILE = frozenset(MOST_BYTES)
#: The longer side of a kept picture, and what a picture may unpack to before it is made smaller.
MOST_SIDE = 2_000
MOST_PIXELS = 20_000_000

ENDING = {
    "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp",
    "application/pdf": "pdf", "video/mp4": "mp4", "video/webm": "webm",
}  # fmt: skip
TYPES = {
    Asset.Kind.IMAGE: frozenset({"image/jpeg", "image/png", "image/webp"}),
    Asset.Kind.DOCUMENT: frozenset({"application/pdf"}),
    Asset.Kind.VIDEO: frozenset({"video/mp4", "video/webm"}),
}
#: Boxes of an MP4 on its outermost level; a film in fragments of a second has two for each.
MOST_BOXES = 20_000
#: Bytes that tell the type of a file.
HEAD = 4_096
MP4_BRANDS = (
    b"isom",
    b"iso2",
    b"iso3",
    b"iso4",
    b"iso5",
    b"iso6",
    b"mp41",
    b"mp42",
    b"avc1",
    b"M4V ",
    b"MSNV",
    b"dash",
)
#: What a browser that guesses could take for a page.
MARKUP = re.compile(rb"<(?:!doctype|html|head|body|script|svg|iframe|object|\?php)\b", re.IGNORECASE)
#: What makes a PDF do something when it is opened, send what is typed into it, or carry other files.
ACTIVE_PDF = re.compile(rb"/(?:JavaScript|Launch|EmbeddedFiles?|SubmitForm|XFA|GoToE)\b")
#: A letter of a PDF's name may be written as its number: /J#61vaScript is /JavaScript.
ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")


def media_type(head: bytes) -> str:
    """What these first bytes are the beginning of; empty for anything that the library does not keep."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head[4:8] == b"ftyp" and head[8:12] in MP4_BRANDS:
        return "video/mp4"
    if head.startswith(b"\x1aE\xdf\xa3") and b"webm" in head[:64]:
        return "video/webm"
    return ""


def checked(kind: str, upload: File[bytes]) -> File[bytes]:
    """What to keep of an upload, with a name of our own. Raises ValidationError with one sentence for the editor."""
    if kind not in WITH_FILE:
        raise ValidationError(_("Only a picture, a document or a video has a file."))
    most = MOST_BYTES[Asset.Kind(kind)]
    if upload.size > most:
        raise ValidationError(_("The file is larger than %(n)s MB.") % {"n": most // MEGABYTE})
    head = beginning(upload)
    found = media_type(head)
    if found not in TYPES[Asset.Kind(kind)] or MARKUP.search(head[:1024]) or is_archive(upload):
        raise ValidationError(wanted(kind))
    if kind == Asset.Kind.IMAGE:
        return ContentFile(drawn_again(upload), name=own_name(found))
    if kind == Asset.Kind.DOCUMENT and is_active(upload.read()):
        raise ValidationError(_("This PDF runs something or carries files. Export it again as a plain PDF."))
    if found == "video/mp4" and not is_whole(upload):
        raise ValidationError(_("This video is not whole. Export it again, and upload it once more."))
    upload.seek(0)
    upload.name = own_name(found)
    return upload


def is_whole(film: File[bytes]) -> bool:
    """Whether an MP4 has what a player needs: its boxes, one after another, add up to the file, one of them says what is in
    it, and one has it."""
    at, kinds = 0, list[bytes]()
    while at < film.size and len(kinds) < MOST_BOXES:
        film.seek(at)
        head = film.read(16)
        size, kinds = int.from_bytes(head[:4]), [*kinds, head[4:8]]
        if size == 1:  # the size stands behind the name, in eight bytes
            size = int.from_bytes(head[8:16])
        elif size == 0:  # up to the end of the file
            size = film.size - at
        if size < 8:
            return False
        at += size
    return at == film.size and {b"moov", b"mdat"} <= set(kinds)


def is_active(pdf: bytes) -> bool:
    plain = ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), pdf)
    return bool(ACTIVE_PDF.search(pdf) or ACTIVE_PDF.search(plain))


def wanted(kind: str) -> str:
    if kind == Asset.Kind.IMAGE:
        return _("This is not a picture that can be shown here. JPEG, PNG and WebP can.")
    if kind == Asset.Kind.DOCUMENT:
        return _("This is not a PDF. A document of the library is one.")
    return _("This is not a video that every phone plays. MP4 and WebM are.")


def beginning(upload: File[bytes]) -> bytes:
    upload.seek(0)
    head = upload.read(HEAD)
    upload.seek(0)
    return head


def is_archive(upload: File[bytes]) -> bool:
    """A zip (an app, an office file) may stand behind a picture: both are valid."""
    found = zipfile.is_zipfile(upload)  # type: ignore[arg-type]
    upload.seek(0)
    return found


def own_name(media: str) -> str:
    return f"{secrets.token_hex(16)}.{ENDING[media]}"


def drawn_again(upload: File[bytes]) -> bytes:
    """The picture from its pixels alone: the way up, at most 2,000 pixels a side, without place, camera or anything hidden."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            picture = Image.open(upload, formats=["JPEG", "PNG", "WEBP"])
            # Known before a single pixel is unpacked.
            if picture.width * picture.height > MOST_PIXELS:
                raise Image.DecompressionBombError
            return saved(picture)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise ValidationError(_("The picture has more than 20 million pixels. Make it smaller first.")) from None
        except (OSError, SyntaxError, ValueError, MemoryError):
            raise ValidationError(wanted(Asset.Kind.IMAGE)) from None


def saved(picture: Image.Image) -> bytes:
    form = str(picture.format)
    profile = picture.info.get("icc_profile")
    picture.draft("RGB", (MOST_SIDE, MOST_SIDE))
    upright = ImageOps.exif_transpose(picture)
    plain = upright.convert("RGBA" if has_alpha(upright) and form != "JPEG" else "RGB")
    plain = in_srgb(plain, profile)
    plain.thumbnail((MOST_SIDE, MOST_SIDE))
    # A new image: `info` of the old one would write some of its metadata again.
    bare = Image.new(plain.mode, plain.size)
    bare.paste(plain)
    out = io.BytesIO()
    bare.save(out, form, **({"optimize": True} if form == "PNG" else {"quality": 85}))
    return out.getvalue()


def has_alpha(picture: Image.Image) -> bool:
    return picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info


def in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """A shade chart keeps its colours although the profile goes; phones photograph in a wider space than sRGB."""
    if not profile:
        return picture
    try:
        theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        done = ImageCms.profileToProfile(picture, theirs, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError):
        return picture
    return done or picture


class Cut(FileUploadHandler):
    """Ends what a request writes to disk just behind the largest size allowed, in however many files. The form still sees
    a file of which the end is missing, without contents and larger than is allowed, and refuses it."""

    most = max(MOST_BYTES.values())

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.received = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.is_cut = False

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.is_cut = self.is_cut or self.received > self.most
        if self.is_cut:
            return None
        self.received += len(raw_data)
        return raw_data

    def file_complete(self, file_size: int) -> UploadedFile | None:
        if not self.is_cut:
            return None
        for other in self.request.upload_handlers if self.request else ():
            if other is not self:
                other.upload_interrupted()  # removes what was written
        return UploadedFile(io.BytesIO(), self.file_name, self.content_type, max(file_size, self.most + 1))
