from django.urls import path

from .views import incentives

urlpatterns = [
    path("incentives/", incentives.incentives, name="incentives"),
]
