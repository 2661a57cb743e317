"""What HQ sees of notices, mounted under /admin/."""

from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("rules/<int:pk>/notices/", views.rule_notices, name="rule_notices"),
]
