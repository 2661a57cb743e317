"""The only list of what is mounted where."""

from django.contrib import admin
from django.urls import include, path

from . import views
from .api import api

urlpatterns = [
    path("health/live", views.live, name="health_live"),
    path("health/ready", views.ready, name="health_ready"),
    path("admin/", include("distributors.desk_urls")),
    path("admin/", include("kpis.desk_urls")),
    path("admin/", include("activities.desk_urls")),
    path("admin/", include("notifications.desk_urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", api.urls),
    path("", include("activities.urls")),
    path("", include("distributors.urls")),
    path("", include("kpis.urls")),
    path("", include("notifications.urls")),
]
