"""The desk's own pages of this app, inside the admin."""

from __future__ import annotations

from django.urls import URLPattern, path

from .views.time_zone import time_zone

urlpatterns: list[URLPattern] = [
    path("time-zone/", time_zone, name="time_zone"),
]
