"""HQ's own pages of this app, inside the admin."""

from __future__ import annotations

from django.urls import URLPattern, path

from .views import campaigns, compare, console, kpi_pages, overview, review, versions

urlpatterns: list[URLPattern] = [
    path("overview/", overview.overview, name="overview"),
    path("never-signed-in/", overview.never_signed_in, name="never_signed_in"),
    path("priorities/", console.priorities, name="priorities"),
    path("priorities/<int:pk>/", console.console, name="console"),
    path("priorities/<int:pk>/save/", console.draft_save, name="draft_save"),
    path("priorities/<int:pk>/discard/", console.draft_discard, name="draft_discard"),
    path("campaigns/", campaigns.campaigns, name="campaigns"),
    path("campaigns/<int:pk>/end/", campaigns.end, name="campaign_end"),
    path("priorities/<int:pk>/review/", review.review, name="review"),
    path("priorities/<int:pk>/ask/", review.ask, name="draft_ask"),
    path("priorities/<int:pk>/publish/", review.publish, name="draft_publish"),
    path("priorities/<int:pk>/send-back/", review.send_back, name="draft_send_back"),
    path("priorities/<int:pk>/versions/", versions.versions, name="versions"),
    path("priorities/<int:pk>/compare/", compare.compare, name="compare"),
    path("priorities/<int:pk>/versions/<int:number>/restore/", versions.restore, name="version_restore"),
    path("priorities/<int:pk>/versions/<int:number>/withdraw/", versions.withdraw, name="version_withdraw"),
    path("kpi/", kpi_pages.kpi_list, name="kpi_list"),
    path("kpi/ready/", kpi_pages.kpi_ready, name="kpi_ready"),
    path("kpi/<int:pk>/", kpi_pages.kpi_page, name="kpi_page"),
    path("kpi/<int:pk>/<int:market>/<str:first>/", kpi_pages.kpi_week, name="kpi_week"),
]
