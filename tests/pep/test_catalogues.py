"""Translations: every .po of the project is sound, and a broken one is named before anybody reads it."""

import gettext

import pytest

from pep import catalogues

GOOD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Goals"\nmsgstr "Ziele"\n'


@pytest.fixture
def po(tmp_path, settings):
    settings.LOCALE_PATHS = [tmp_path]
    file = tmp_path / "de" / "LC_MESSAGES" / "django.po"
    file.parent.mkdir(parents=True)
    file.write_text(GOOD)
    return file


def test_it_works(po):
    assert catalogues.compile_changed() == 1
    with po.with_suffix(".mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Goals") == "Ziele"
    assert catalogues.compile_changed() == 0


def test_every_catalogue_of_the_project_is_sound():
    for po in catalogues.files():
        catalogues.read(po)


@pytest.mark.parametrize(
    "wrong",
    [
        GOOD + '\nmsgid "Broken"\nrubbish\n',
        GOOD + '\n#, python-format\nmsgid "%(left)s left"\nmsgstr "noch %(rest)s"\n',
    ],
)
def test_a_broken_one_is_named(po, wrong):
    po.write_text(wrong)
    with pytest.raises(catalogues.CatalogueError, match="django.po"):
        catalogues.read(po)
