"""A signed-in browser without a browser, at the moment the cast lives in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client

from distributors.models import Distributor, Role

from . import factories as make


@pytest.fixture
def now() -> Iterator[None]:
    """Thursday, 27 August 2026."""
    with time_machine.travel(make.NOW, tick=False):
        yield


def signed_in(distributor: Distributor, role: Role = Role.DISTRIBUTOR, **options: Any) -> Client:
    if distributor.user is None:
        distributor.user = make.user(role)
        distributor.save(update_fields=["user"])
    client = Client(**options)
    client.force_login(distributor.user)
    return client


def words(response: HttpResponse) -> str:
    return response.content.decode()


HTMX = {"HX-Request": "true"}
