from django.urls import path

from .views import goals, people, team, you

urlpatterns = [
    path("goals/", goals.goals, name="goals"),
    path("goals/add/", goals.goal_add, name="goal_add"),
    path("goals/<int:pk>/", goals.goal_edit, name="goal_edit"),
    path("goals/<int:pk>/end/", goals.goal_end, name="goal_end"),
    path("people/", people.people, name="people"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/notes/", people.note_add, name="note_add"),
    path("people/<int:pk>/contact/", people.person_contact, name="person_contact"),
    path("team/", team.team, name="team"),
    path("you/", you.you, name="you"),
]
