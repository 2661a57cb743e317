"""HQ's own pages of this app, inside the admin."""

from __future__ import annotations

from django.urls import URLPattern, path

from .views import estimate, field_desk, preview, propagation

urlpatterns: list[URLPattern] = [
    path("field/", field_desk.field, name="field"),
    path("field/<int:pk>/", field_desk.field_today, name="field_today"),
    path("propagation/<int:pk>/", propagation.propagation, name="propagation"),
    path("propagation/<int:pk>/start/", propagation.propagation_start, name="propagation_start"),
    path("estimate/<int:pk>/", estimate.estimate, name="estimate"),
    path("preview/<int:pk>/", preview.preview, name="preview"),
    path("preview/<int:pk>/few/", preview.few, name="preview_few"),
    path("preview/<int:pk>/everybody/", preview.everybody, name="preview_everybody"),
]
