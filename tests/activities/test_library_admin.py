"""The library in the admin: what each kind needs, who writes it, what becomes of files, and the preview."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from activities.library import sharing
from activities.models import Asset, AssetText
from distributors.models import Role
from tests import factories as make
from tests.activities import library_stage as stage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def desk(role: Role = Role.TRAINER) -> Client:
    client = Client()
    client.force_login(make.user(role))
    return client


def form(kind: str = "article", **changed: object) -> dict[str, object]:
    words = {"language": "en", "title": "A steady line", "caption": "Small moves.", "body": "", "url": "", "alt": ""}
    filled = {f"texts-0-{name}": changed.pop(name, value) for name, value in words.items()}
    if "file" in changed:
        filled["texts-0-file"] = changed.pop("file")
    return {
        "key": "steady-line", "kind": kind, "status": "published", "texts-TOTAL_FORMS": 1, "texts-INITIAL_FORMS": 0,
        **filled, **changed,
    }  # fmt: skip


def added(role: Role = Role.TRAINER, **fields: Any) -> list[str]:
    """The sentences that refuse it; none when it was added."""
    response = desk(role).post(reverse("admin:activities_asset_add"), form(**fields))
    if response.status_code == 302:
        return []
    formset = response.context["inline_admin_formsets"][0].formset
    nested = [said for errors in formset.errors for saids in errors.values() for said in saids]
    own = [said for saids in response.context["adminform"].form.errors.values() for said in saids]
    return [*own, *formset.non_form_errors(), *nested]


def upload(data: bytes, name: str = "x.bin") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def files(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


@pytest.mark.parametrize("role", [Role.TRAINER, Role.HQ_EDITOR, Role.HQ_APPROVER])
def test_it_works(role: Role) -> None:
    assert added(role, body="Begin in the *middle*.") == []
    text = AssetText.objects.get()
    assert (text.asset.key, text.language, text.title) == ("steady-line", "en", "A steady line")


@pytest.mark.parametrize("role", [Role.HQ_VIEWER, Role.OPERATOR, Role.INTEGRATOR, Role.DISTRIBUTOR])
def test_others_write_nothing(role: Role) -> None:
    assert desk(role).post(reverse("admin:activities_asset_add"), form(body="x")).status_code == 404
    assert not Asset.objects.exists()


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("article", {}, "An article needs its text."),
        ("link", {}, "A link needs the address that it leads to."),
        ("link", {"url": "http://shop.example/"}, "The address must begin with https://."),
        ("link", {"url": "javascript:alert(1)"}, "Enter a valid URL."),
        ("link", {"url": "ftp://shop.example/"}, "The address must begin with https://."),
        ("link", {"url": "https://shop.example:99999/"}, "No browser could open this address. Check the name of the site."),
        ("link", {"url": "https://[::1]/"}, "No browser could open this address. Check the name of the site."),
        ("link", {"url": "https://shop.example@evil.example/"}, "Leave out what stands before the @: it hides which site the address leads to."),
        ("link", {"url": "https://me:secret@shop.example/"}, "Leave out what stands before the @: it hides which site the address leads to."),
        ("article", {"body": "*a_ " * 5_000 + "."}, "Ensure this value has at most 20000 characters (it has 20001)."),
        ("video", {"file": upload(stage.FTYP)}, "This video is not whole. Export it again, and upload it once more."),
        ("image", {"alt": "x"}, "A picture needs its file."),
        ("image", {"file": upload(stage.picture())}, "Say in words what the picture shows, for those who do not see it."),
        ("document", {}, "A document needs its file."),
        ("video", {}, "A video needs its file, or the address where it is shown."),
        ("image", {"alt": "x", "file": upload(b"<svg><script>")}, "This is not a picture that can be shown here. JPEG, PNG and WebP can."),
        ("document", {"file": upload(stage.picture(), "x.pdf")}, "This is not a PDF. A document of the library is one."),
        ("article", {"body": "x", "file": upload(stage.PDF)}, "Only a picture, a document or a video has a file."),
        ("article", {"body": "x", "language": "xx"}, "Select a valid choice. xx is not one of the available choices."),
    ],
)  # fmt: skip
def test_what_is_missing_or_wrong_is_one_sentence(kind: str, fields: dict[str, Any], said: str, media: Path) -> None:
    assert added(kind=kind, **fields) == [said]
    assert not Asset.objects.exists() and not files(media)


def test_a_published_item_needs_words_and_a_draft_does_not() -> None:
    empty = {"texts-TOTAL_FORMS": 0}
    assert added(**empty) == ["A published item needs its words in one language at least."]
    assert added(status="draft", **empty) == []


@pytest.mark.parametrize(
    ("kind", "data", "ending"),
    [("image", stage.picture(), "jpg"), ("document", stage.PDF, "pdf"), ("video", stage.MP4, "mp4")],
)
def test_a_file_is_kept_under_a_name_of_our_own(kind: str, data: bytes, ending: str, media: Path) -> None:
    assert added(kind=kind, alt="Six shades", file=upload(data, "../../evil.html")) == []
    [path] = files(media)
    assert path.parent == media / "library" and path.suffix == f".{ending}" and len(path.stem) == 32


def test_an_address_without_a_scheme_is_one_of_https() -> None:
    assert added(kind="link", url="shop.example/liner") == []
    assert AssetText.objects.get().url == "https://shop.example/liner"


def change(asset: Asset, text: AssetText, **changed: object) -> Any:
    client = desk()
    path = reverse("admin:activities_asset_change", args=[asset.pk])
    seen = client.get(path).context["adminform"].form
    hidden = {name: seen.initial.get(name, seen[name].value()) for name in seen.fields if name.startswith("seen")}
    return client.post(path, form(
        kind=asset.kind, alt="Six shades", **{
            "key": asset.key, "texts-INITIAL_FORMS": 1, "texts-0-id": text.pk, "texts-0-asset": asset.pk,
            **{name: value or "" for name, value in hidden.items()}, **changed,
        },
    ))  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_replaced_or_removed_goes(media: Path) -> None:
    asset = stage.item("chart", "image", words={"data": stage.picture(), "alt": "Six shades"})
    text, [before] = asset.texts.get(), files(media)
    assert change(asset, text).status_code == 302
    assert files(media) == [before]
    assert change(asset, text, file=upload(stage.picture("PNG"))).status_code == 302
    [after] = files(media)
    assert after != before
    assert change(asset, text, **{"texts-0-DELETE": "on", "status": "draft"}).status_code == 302
    assert files(media) == [] and not AssetText.objects.exists()


def test_its_page_leads_to_the_file_and_the_preview_and_not_to_a_path() -> None:
    asset = stage.item("chart", "image", words={"data": stage.picture(), "alt": "Six shades"})
    page = desk().get(reverse("admin:activities_asset_change", args=[asset.pk])).text
    assert reverse("asset_file", args=[asset.pk, "en"]) in page
    assert reverse("asset_preview", args=[asset.pk, "en"]) in page
    assert asset.texts.get().file.name not in page


def test_the_preview_is_what_a_customer_sees_of_a_draft_too() -> None:
    asset = stage.item("steps", "article", words={"body": "In the *middle*."}, status="draft")
    response = desk().get(reverse("asset_preview", args=[asset.pk, "en"]))
    assert response.status_code == 200
    assert "<em>middle</em>" in response.text and "Preview" in response.text
    assert "data-seen" not in response.text
    assert desk().get(reverse("asset_preview", args=[asset.pk, "de"])).status_code == 404


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.INTEGRATOR, Role.DISTRIBUTOR, Role.LEADER])
def test_the_file_of_a_draft_is_for_those_who_read_the_library(role: Role) -> None:
    asset = stage.item("chart", "image", words={"data": stage.picture()}, status="draft")
    path = reverse("asset_file", args=[asset.pk, "en"])
    assert desk(role).get(path).status_code == 404
    assert Client().get(path).status_code == 302
    response = desk(Role.HQ_VIEWER).get(path)
    assert stage.read(response)[:3] == b"\xff\xd8\xff"


def test_the_list_says_how_often_it_was_shared_and_opened(django_assert_max_num_queries: Any) -> None:
    asset = make.asset("a", "Three steps")
    for n in range(3):
        sharing.counted(stage.link(make.distributor(), asset), make.NOW)
        make.asset(f"other-{n}")
    client = desk()
    with django_assert_max_num_queries(12):
        page = client.get(reverse("admin:activities_asset_changelist")).text
    assert "3 links, opened 3 times" in page and "Not yet" in page


def test_a_key_is_made_of_the_title_when_none_is_given() -> None:
    assert added(body="x", key="") == [] and added(body="x", key="") == []
    assert added(kind="draft", key="") != []
    assert list(Asset.objects.order_by("pk").values_list("key", flat=True)) == ["a-steady-line", "a-steady-line-2"]
    assert added(key="", title="", status="draft", **{"texts-TOTAL_FORMS": 0}) == []
    assert Asset.objects.latest("pk").key == "article"


def test_a_new_item_begins_with_one_english_text_and_folds_what_an_article_does_not_need() -> None:
    response = desk().get(reverse("admin:activities_asset_add"))
    [inline] = response.context["inline_admin_formsets"]
    assert [form.initial for form in inline.formset.extra_forms] == [{"language": "en"}]
    first = next(iter(inline))
    assert [part.is_collapsible for part in first] == [False, False, True, True]
    assert "Markdown: **bold**, - list, ## heading" in response.text
    chart = stage.item("chart", "image", words={"data": stage.picture()})
    [inline] = desk().get(reverse("admin:activities_asset_change", args=[chart.pk])).context["inline_admin_formsets"]
    assert [part.is_collapsible for part in next(iter(inline))] == [False, True, True, False]
    assert len(inline.formset.extra_forms) == 0


def test_an_item_is_chosen_by_its_title() -> None:
    for n in range(6):
        make.asset(f"item-{n}", f"Three steps {n}")
    make.message_template(asset=Asset.objects.get(key="item-3"))
    client = desk()
    for name in ("activity", "messagetemplate"):
        with CaptureQueriesContext(connection) as queries:
            assert "Three steps 4" in client.get(reverse(f"admin:activities_{name}_add")).text
        assert sum('FROM "activities_assettext"' in one["sql"] for one in queries) == 1
    page = client.get(reverse("admin:activities_messagetemplate_changelist")).text
    assert "Three steps 3" in page and "item-3" not in page
