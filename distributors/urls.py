from django.urls import path

from .views import goals, imports, people, person, team, you

urlpatterns = [
    path("goals/", goals.goals, name="goals"),
    path("goals/add/", goals.goal_add, name="goal_add"),
    path("goals/<int:pk>/", goals.goal_edit, name="goal_edit"),
    path("goals/<int:pk>/end/", goals.goal_end, name="goal_end"),
    path("people/", people.people, name="people"),
    path("people/export/", people.people_export, name="people_export"),
    path("people/import/", imports.people_import, name="people_import"),
    path("people/import/<int:pk>/", imports.people_import_check, name="people_import_check"),
    path("people/<int:pk>/", person.person, name="person"),
    path("people/<int:pk>/edit/", person.person_edit, name="person_edit"),
    path("people/<int:pk>/notes/", person.note_add, name="note_add"),
    path("people/<int:pk>/notes/<int:note>/delete/", person.note_delete, name="note_delete"),
    path("people/<int:pk>/notes/restore/", person.note_restore, name="note_restore"),
    path("people/<int:pk>/consent/", person.person_consent, name="person_consent"),
    path("people/<int:pk>/contact/", person.person_contact, name="person_contact"),
    path("team/", team.team, name="team"),
    path("you/", you.you, name="you"),
]
