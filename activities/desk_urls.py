"""HQ's own pages of this app, inside the admin."""

from __future__ import annotations

from django.urls import URLPattern, path

from .views import (
    asset_desk,
    estimate,
    field_desk,
    message_desk,
    preview,
    propagation,
    rule_check,
    rule_edit,
    rule_json,
    rule_outcome,
    rule_page,
    rule_review,
    rules,
)

urlpatterns: list[URLPattern] = [
    path("field/", field_desk.field, name="field"),
    path("field/<int:pk>/", field_desk.field_today, name="field_today"),
    path("propagation/<int:pk>/", propagation.propagation, name="propagation"),
    path("propagation/<int:pk>/start/", propagation.propagation_start, name="propagation_start"),
    path("estimate/<int:pk>/", estimate.estimate, name="estimate"),
    path("preview/<int:pk>/", preview.preview, name="preview"),
    path("preview/<int:pk>/few/", preview.few, name="preview_few"),
    path("preview/<int:pk>/everybody/", preview.everybody, name="preview_everybody"),
    path("library/<int:pk>/<str:language>/", asset_desk.asset_preview, name="asset_preview"),
    path("library/<int:pk>/<str:language>/file/", asset_desk.asset_file, name="asset_file"),
    path("messages/preview/", message_desk.message_preview, name="message_preview"),
    path("rules/", rules.rule_list, name="rules"),
    path("rules/new/", rules.rule_new, name="rule_new"),
    path("rules/signals/", rules.rule_signals, name="rule_signals"),
    path("rules/schema/", rules.rule_schema, name="rule_schema"),
    path("rules/from-json/", rule_json.rule_from_json, name="rule_from_json"),
    path("rules/<int:pk>/", rule_page.rule, name="rule"),
    path("rules/<int:pk>/json/", rule_json.rule_json, name="rule_json"),
    path("rules/<int:pk>/edit/", rule_edit.rule_edit, name="rule_edit"),
    path("rules/<int:pk>/review/", rule_review.rule_review, name="rule_review"),
    path("rules/<int:pk>/ask/", rule_review.rule_ask, name="rule_ask"),
    path("rules/<int:pk>/publish/", rule_review.rule_publish, name="rule_publish"),
    path("rules/<int:pk>/send-back/", rule_review.rule_send_back, name="rule_send_back"),
    path("rules/<int:pk>/discard/", rule_review.rule_discard, name="rule_discard"),
    path("rules/<int:pk>/pause/", rule_page.rule_pause, name="rule_pause"),
    path("rules/<int:pk>/resume/", rule_page.rule_resume, name="rule_resume"),
    path("rules/<int:pk>/end/", rule_page.rule_end, name="rule_end"),
    path("rules/<int:pk>/versions/<int:number>/restore/", rule_page.rule_restore, name="rule_restore"),
    path("rules/<int:pk>/outcome/", rule_outcome.rule_outcome, name="rule_outcome"),
    path("rules/<int:pk>/check/", rule_check.rule_check, name="rule_check"),
    path("rules/<int:pk>/people/", rule_check.rule_some, name="rule_people"),
    path("rules/<int:pk>/people/<int:distributor>/", rule_check.rule_person, name="rule_person"),
    path("rules/<int:pk>/replay/", rule_check.rule_week, name="rule_replay"),
]
