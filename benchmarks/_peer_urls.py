"""Addresses of the peer's pages. The rest of the site is there, too: middleware looks for its addresses."""

from __future__ import annotations

import _peer_site
from django.urls import include, path

urlpatterns = [
    path("hello/", _peer_site.hello),
    path("commit/", _peer_site.commit),
    path("feed/", _peer_site.feed),
    path("", include("pep.urls")),
]
