"""Kernels are compiled once, for one form of their arguments: a page and a block are the same code."""

from __future__ import annotations

import pytest

from activities import recommend
from activities.evidence import redrawing
from activities.ranking import compiled, drawing, kernel
from tests import factories as f
from tests.activities.stage import stage
from tests.activities.test_kernel import block

pytestmark = pytest.mark.django_db


def test_ahead_of_the_first_page_and_never_again() -> None:
    compiled.compile_ahead()
    jenna = stage()
    recommend.feed(jenna, as_of=f.NOW)
    _shelf, given = block([jenna])
    kernel.slates(*given)
    assert compiled.compile_ahead() == compiled.compile_ahead()
    for one in (kernel.fill_slates, kernel.fill_both, kernel.rank_one, drawing.draw, redrawing.redraw):
        assert len(one.signatures) == 1, one
