from django.urls import path

from .views import activity, do, feed, find, learn

urlpatterns = [
    path("", feed.today, name="today"),
    path("why/", feed.why_list, name="why_list"),
    path("learn/", learn.learn, name="learn"),
    path("search/", find.search, name="search"),
    path("people/<int:pk>/next/", activity.next_step, name="next_step"),
    path("team/<int:pk>/next/", activity.team_step, name="team_step"),
    path("activity/<str:key>/", activity.activity, name="activity"),
    path("activity/<str:key>/<str:verb>/", do.activity_action, name="activity_action"),
    path("action/<int:pk>/undo/", do.action_undo, name="action_undo"),
]
