"""Message catalogues: the .po files are the source, the .mo files that Django reads are made from them."""

from __future__ import annotations

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from django.conf import settings


class CatalogueError(ValueError):
    """A catalogue cannot be used; the message names the file and what is wrong."""


def files() -> list[Path]:
    return sorted(po for folder in settings.LOCALE_PATHS for po in Path(folder).glob("*/LC_MESSAGES/*.po"))


def compile_changed() -> int:
    """Compile each catalogue that is newer than its .mo; how many that were."""
    stale = [po for po in files() if not _fresh(po)]
    for po in stale:
        catalogue, target = read(po), po.with_suffix(".mo")
        aside = target.with_suffix(".mo.new")
        with aside.open("wb") as file:
            write_mo(file, catalogue)
        aside.replace(target)
    return len(stale)


def read(po: Path) -> Catalog:
    """Parsed and checked: a translation that lacks a placeholder of its text would fail at the reader's."""
    try:
        with po.open("rb") as file:
            catalogue = read_po(file, locale=po.parent.parent.name, abort_invalid=True)
    except (PoFileError, ValueError) as error:
        raise CatalogueError(f"{po}: {error}") from error
    for message, errors in catalogue.check():
        raise CatalogueError(f"{po}:{message.lineno}: {errors[0]}")
    return catalogue


def _fresh(po: Path) -> bool:
    mo = po.with_suffix(".mo")
    return mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime
