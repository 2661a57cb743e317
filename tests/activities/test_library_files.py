"""Files of the library: what an upload may be, what is kept of it, and how it is handed out."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from PIL import Image

from activities.library import stored, uploads
from activities.models import Asset, AssetText
from tests import factories as make
from tests.activities import library_stage as stage
from tests.pages import now, signed_in  # noqa: F401  (a fixture)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def kept(kind: str, data: bytes, name: str = "holiday.png") -> Any:
    return uploads.checked(kind, SimpleUploadedFile(name, data))


def refusal(kind: str, data: bytes, name: str = "holiday.png") -> str:
    with pytest.raises(ValidationError) as refused:
        kept(kind, data, name)
    return str(refused.value.messages[0])


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("evil.html", "<script>x()</script>")
    return out.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side: int) -> bytes:
    """A PNG of a few KB that says it has `side` x `side` pixels."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")


def test_it_works() -> None:
    file = kept("image", stage.picture(size=(3000, 1500)))
    picture = Image.open(file)
    assert (picture.format, picture.size) == ("JPEG", (2000, 1000))
    assert len(file.name) == 36 and file.name.endswith(".jpg")


@pytest.mark.parametrize(
    ("kind", "data", "ending"),
    [
        ("image", stage.picture("PNG", mode="RGBA"), "png"), ("image", stage.picture("WEBP"), "webp"),
        ("image", stage.picture("JPEG", mode="CMYK"), "jpg"), ("image", stage.picture("PNG", mode="P"), "png"),
        ("document", stage.PDF, "pdf"), ("video", stage.MP4, "mp4"), ("video", stage.WEBM, "webm"),
    ],
)  # fmt: skip
def test_what_may_be_kept(kind: str, data: bytes, ending: str) -> None:
    file = kept(kind, data, "whatever.exe")
    assert file.name.endswith(f".{ending}")
    file.seek(0)
    assert uploads.ENDING[uploads.media_type(file.read(uploads.HEAD))] == ending


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
JPEG = stage.picture()


@pytest.mark.parametrize("kind", ["image", "document", "video"])
@pytest.mark.parametrize(
    "data",
    [
        SVG, b'<?xml version="1.0"?>' + SVG, HTML, b"\xef\xbb\xbf" + HTML, zipped(), b"", b"x", b"GIF89a" + bytes(50),
        b"BM" + bytes(50), b"MZ" + bytes(200), b"#!/bin/sh\nrm -rf /", b"%!PS-Adobe-3.0", b"II*\x00" + bytes(50),
        b"RIFF\x00\x00\x00\x00AVI " + bytes(50), b"\x00\x00\x00\x14ftypqt  " + bytes(50), b"\x1aE\xdf\xa3matroska" + bytes(50),
        b"\x00\x00\x00\x18ftypheic" + bytes(50), bytes(5000),
        stage.PDF + zipped(), stage.MP4 + zipped(), JPEG + zipped(),
        b"%PDF-1.4\n<html><script>alert(1)</script>", b"\x00\x00\x00\x18ftypmp42<script>alert(1)</script>",
        JPEG[:2] + b"\xff\xfe\x00\x30<script>alert(document.domain)</script>" + bytes(9) + JPEG[2:],
    ],
)  # fmt: skip
def test_anything_else_is_refused_in_one_sentence(kind: str, data: bytes) -> None:
    said = refusal(kind, data, "nice.jpg")
    assert said.startswith("This is not a ") and len(said) < 100


@pytest.mark.parametrize(
    ("kind", "data"), [("document", JPEG), ("video", stage.PDF), ("image", stage.MP4), ("image", stage.PDF)]
)
def test_a_file_of_another_kind_is_refused(kind: str, data: bytes) -> None:
    assert refusal(kind, data)


MOOV, MDAT = b"\x00\x00\x00\x08moov", b"\x00\x00\x00\x0cmdat1234"
LONG = b"\x00\x00\x00\x01mdat" + (16 + 4).to_bytes(8) + b"1234"


@pytest.mark.parametrize(
    "data",
    [
        stage.FTYP, stage.FTYP + MOOV, stage.FTYP + MDAT, stage.MP4[:-1], stage.MP4 + b"1", stage.MP4 + bytes(7),
        stage.FTYP + b"\x00\x00\x00\x07moov" + MDAT, stage.FTYP + MOOV + LONG[:-1], stage.FTYP + MOOV + LONG[:9],
        stage.FTYP + bytes(range(256)) * 40, stage.FTYP + MOOV * uploads.MOST_BOXES + MDAT,
    ],
)  # fmt: skip
def test_a_film_that_is_not_whole_is_refused(data: bytes) -> None:
    assert refusal("video", data) == "This video is not whole. Export it again, and upload it once more."


@pytest.mark.parametrize("boxes", [MOOV + MDAT, MDAT + MOOV, MOOV + LONG, MOOV + b"\x00\x00\x00\x00mdat" + bytes(99)])
def test_a_whole_film_is_kept(boxes: bytes) -> None:
    assert kept("video", stage.FTYP + boxes).size == len(stage.FTYP + boxes)


@pytest.mark.parametrize("kind", ["article", "link"])
def test_what_has_no_file_takes_none(kind: str) -> None:
    assert refusal(kind, JPEG) == "Only a picture, a document or a video has a file."


@pytest.mark.parametrize(
    "active",
    [
        b"/JavaScript (app.alert(1))", b"/Launch /F (cmd.exe)", b"/EmbeddedFile", b"/EmbeddedFiles 1 0 R", b"/XFA 1 0 R",
        b"/S/J#61vaScript/JS(x)", b"/S/#4caunch", b"/S/SubmitForm/F(https://evil.example)", b"/S/GoToE", b"/Embedded#46iles",
    ],
)  # fmt: skip
def test_a_pdf_that_does_something_is_refused(active: bytes) -> None:
    assert "runs something" in refusal("document", stage.PDF + b"1 0 obj<<" + active + b">>endobj")


@pytest.mark.parametrize(
    "plain", [b"/S/URI/URI(https://shop.example/#4c)", b"/S/GoTo/D[1 0 R/Fit]", b"/XFACE", b"(C# 61)"]
)
def test_a_pdf_with_links_is_not(plain: bytes) -> None:
    assert kept("document", stage.PDF + b"1 0 obj<<" + plain + b">>endobj").name.endswith(".pdf")


@pytest.mark.parametrize("side", [4_500, 8_000, 40_000, 2_000_000])
def test_a_bomb_is_not_unpacked(side: int) -> None:
    assert "million pixels" in refusal("image", bomb(side))


@pytest.mark.parametrize(
    "data", [JPEG[:200], b"\xff\xd8\xff" + bytes(500), bomb(100), b"\x89PNG\r\n\x1a\n" + bytes(99)]
)
def test_a_picture_that_is_broken_is_refused(data: bytes) -> None:
    assert refusal("image", data).startswith("This is not a picture")


@pytest.mark.parametrize(("kind", "most"), [("image", 10), ("document", 10), ("video", 100)])
def test_too_large_is_refused_before_it_is_read(kind: str, most: int) -> None:
    upload = SimpleUploadedFile("a.pdf", stage.PDF)
    upload.size = most * 1_000_000 + 1
    with pytest.raises(ValidationError, match=f"larger than {most} MB"):
        uploads.checked(kind, upload)


def test_nothing_but_the_pixels_is_kept() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "SecretCamera", 6  # turned by a quarter
    exif.get_ifd(0x8825)[1] = "N"
    data = stage.picture("JPEG", size=(60, 40), exif=exif.tobytes(), comment=b"SecretComment") + b"SecretTail"
    file = kept("image", data)
    file.seek(0)
    assert not any(word in file.read() for word in (b"Secret", b"Exif"))
    assert Image.open(file).size == (40, 60)
    text = io.BytesIO()
    from PIL import PngImagePlugin

    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "SecretAuthor")
    Image.new("RGB", (9, 9)).save(text, "PNG", pnginfo=info)
    assert b"Secret" not in kept("image", text.getvalue()).read()


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\..\\x.png", "/abs/x.png", "a\x00.png", "<svg>.png", "x" * 300]
)
def test_the_name_of_an_upload_is_not_used(name: str, media: Path) -> None:
    upload = SimpleUploadedFile("x.jpg", JPEG)
    upload._name = name  # type: ignore[attr-defined]
    asset = Asset.objects.create(key="a", kind="image")
    text = AssetText(asset=asset, language="en", title="T", file=uploads.checked("image", upload))
    text.save()
    [found] = [path for path in media.rglob("*") if path.is_file()]
    assert found.parent == media / "library" and found.name == Path(text.file.name).name
    assert set(found.stem) <= set("0123456789abcdef")


# Handed out


def video() -> tuple[Client, str]:
    link = stage.link(asset=stage.item("film", Asset.Kind.VIDEO, words={"data": stage.MP4, "ending": "html"}))
    return Client(), f"/s/{link.token}/file/"


def body(response: Any) -> bytes:
    return stage.read(response)


def test_a_file_is_what_its_bytes_are_and_inert() -> None:
    client, path = video()
    response = client.get(path)
    assert (response.status_code, response["Content-Type"], body(response)) == (200, "video/mp4", stage.MP4)
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] in {"default-src 'none'; sandbox", "sandbox; default-src 'none'"}
    assert response["Content-Disposition"] == 'inline; filename="film-in-en.mp4"'
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "private" in response["Cache-Control"]


def test_a_document_is_saved_not_shown() -> None:
    words = {"data": stage.PDF, "title": 'A "b"\r\nX-Evil: 1 ñ/../z'}
    link = stage.link(asset=stage.item("", Asset.Kind.DOCUMENT, words=words))
    response = Client().get(f"/s/{link.token}/file/")
    assert body(response) == stage.PDF
    assert response["Content-Disposition"] == 'attachment; filename="a-b-x-evil-1-nz.pdf"'
    assert "X-Evil" not in response.headers


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-1", 0, 1), ("bytes=0-", 0, None), ("bytes=100-199", 100, 199), ("bytes=-500", -500, None),
        ("bytes=10-99999999", 10, None), ("bytes=-99999999", 0, None),
    ],
)  # fmt: skip
def test_a_part_is_handed_out(asked: str, first: int, last: int | None) -> None:
    client, path = video()
    response = client.get(path, headers={"Range": asked})
    size = len(stage.MP4)
    start = first if first >= 0 else size + first
    end = size - 1 if last is None else last
    assert response.status_code == 206
    assert body(response) == stage.MP4[start : end + 1]
    assert response["Content-Range"] == f"bytes {start}-{end}/{size}"
    assert response["Content-Length"] == str(end - start + 1)
    assert response["X-Content-Type-Options"] == "nosniff" and "sandbox" in response["Content-Security-Policy"]


@pytest.mark.parametrize("asked", ["bytes=999999-", "bytes=5-2", "bytes=-0"])
def test_a_part_that_is_not_there(asked: str) -> None:
    client, path = video()
    response = client.get(path, headers={"Range": asked})
    assert (response.status_code, response["Content-Range"]) == (416, f"bytes */{len(stage.MP4)}")


@pytest.mark.parametrize("asked", ["bytes=0-1,5-9", "bytes=-", "bytes=a-b", "items=0-1", "bytes=0-" + "9" * 40])
def test_what_is_no_single_part_gets_it_whole(asked: str) -> None:
    client, path = video()
    response = client.get(path, headers={"Range": asked})
    assert (response.status_code, len(body(response))) == (200, len(stage.MP4))


def test_a_stored_file_that_is_none_of_ours_is_not_served() -> None:
    link = stage.link(asset=stage.item("", Asset.Kind.IMAGE, words={"data": HTML, "ending": "png"}))
    assert Client().get(f"/s/{link.token}/file/").status_code == 404


def test_a_file_that_is_gone_is_not_there(media: Path) -> None:
    client, path = video()
    for file in media.rglob("*.html"):
        file.unlink()
    assert client.get(path).status_code == 404


def test_no_address_names_a_path() -> None:
    her = make.distributor()
    client = signed_in(her)
    stage.item("film", Asset.Kind.VIDEO, words={"data": stage.MP4})
    assert body(client.get("/library/film/en/file/")) == stage.MP4
    for path in (
        "/library/..%2Ffilm/en/file/", "/library/film/..%2F..%2Fsecret_key/file/", "/media/library/", "/library/film/de/file/",
    ):  # fmt: skip
        assert client.get(path).status_code == 404
    assert Client().get("/library/film/en/file/").status_code == 302


def test_an_upload_is_cut_off_behind_the_largest_size(rf: RequestFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after that is never written; the form still sees a file, one that is too large."""
    monkeypatch.setattr(uploads.Cut, "most", 200_000)
    request = rf.post("/", {"file": SimpleUploadedFile("film.mp4", bytes(3_000_000))})
    [file] = request.FILES.values()
    assert file.size > 200_000 and file.read() == b""
    request.close()


def test_so_are_several_in_one_request(rf: RequestFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads.Cut, "most", 200_000)
    written = list[int]()
    kept = uploads.Cut.receive_data_chunk

    def counted(self: uploads.Cut, raw_data: bytes, start: int) -> bytes | None:
        chunk = kept(self, raw_data, start)
        written.append(len(chunk or b""))
        return chunk

    monkeypatch.setattr(uploads.Cut, "receive_data_chunk", counted)
    sent = {f"file{n}": SimpleUploadedFile("film.mp4", bytes(150_000)) for n in range(9)}
    request = rf.post("/", sent)
    sizes = [file.size for file in request.FILES.values()]
    assert sizes[0] == 150_000 and len(sizes) == 9
    assert all(size > 200_000 for size in sizes[2:]), "half a file is none"
    assert sum(written) < 400_000
    request.close()


def test_bounds_of_a_range() -> None:
    assert stored.bounds("0", "", 10) == (0, 9)
    assert stored.bounds("", "3", 10) == (7, 9)
    assert stored.bounds("10", "", 10)[0] > stored.bounds("10", "", 10)[1]
