"""HQ moves the weights of a campaign on its page in the admin."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from distributors.models import Role
from kpis import priorities
from kpis.models import KPI, Campaign, PriorityVersion

from .. import factories as make

pytestmark = pytest.mark.django_db


class Editor:
    """Somebody at HQ with the campaign's page open: the form as the page rendered it."""

    def __init__(self, campaign: Campaign, role: Role = Role.HQ_EDITOR) -> None:
        self.campaign, self.client, self.user = campaign, Client(), make.user(role, name="Edith")
        self.client.force_login(self.user)
        self.path = reverse("admin:kpis_campaign_change", args=[campaign.pk])
        self.open()

    def open(self) -> Any:
        response = self.client.get(self.path)
        if "adminform" in response.context and hasattr(response.context["adminform"].form, "publishes"):
            form = response.context["adminform"].form
            self.sent = {bound.html_name: bound.value() for bound in form if bound.value() is not None}
            self.sent["starts_on"], self.sent["ends_on"] = self.campaign.starts_on, self.campaign.ends_on
        return response

    def save(self, **changed: object) -> Any:
        inline = {f"versions-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
        return self.client.post(self.path, {**self.sent, **inline, **changed}, follow=True)


@pytest.fixture
def campaign() -> Campaign:
    campaign = make.campaign()
    repeat, size = make.kpi(name="Repeat"), make.kpi(name="Size", metric="order_size")
    make.priority_version(campaign, {repeat: 70, size: 30})
    return campaign


def weights(**by_name: int) -> dict[str, object]:
    return {f"weight_{KPI.objects.get(name=name).pk}": weight for name, weight in by_name.items()}


def newest(campaign: Campaign) -> PriorityVersion:
    return campaign.versions.get(number=campaign.versions.count())


def errors(response: Any) -> str:
    return str(response.context["adminform"].form.errors)


def test_it_works(campaign: Campaign) -> None:
    editor = Editor(campaign)
    editor.save(**weights(Repeat=40, Size=60), reason="Order size shrinks", own_goal_share="0.70")
    version = newest(campaign)
    assert (version.number, version.by, version.reason) == (2, editor.user, "Order size shrinks")
    assert version.own_goal_share == Decimal("0.70")
    assert {p.kpi.name: p.weight for p in version.priorities.all()} == {"Repeat": 40, "Size": 60}


def test_the_next_read_counts_with_it(campaign: Campaign) -> None:
    distributor = make.distributor()
    before = priorities.for_distributor(distributor, as_of=make.NOW)
    Editor(campaign).save(**weights(Repeat=40, Size=60), reason="Order size shrinks")
    after = priorities.for_distributor(distributor, as_of=make.NOW)
    assert (before.weights["repeat_orders"], after.weights["repeat_orders"]) == (0.7, 0.4)
    assert before.version != after.version


def test_the_page_shows_what_counts_and_who_published_it(campaign: Campaign) -> None:
    editor = Editor(campaign)
    editor.save(**weights(Repeat=40, Size=60), reason="Order size shrinks")
    text = editor.open().content.decode()
    assert editor.sent["expected_version"] == 2
    assert editor.sent[next(iter(weights(Size=0)))] == 60
    for said in ("Order size shrinks", "Edith", "Size 60 · Repeat 40", "Quarter start"):
        assert said in text


def test_saving_the_dates_publishes_nothing(campaign: Campaign) -> None:
    Editor(campaign).save(name="A new name")
    campaign.refresh_from_db()
    assert (campaign.name, campaign.versions.count()) == ("A new name", 1)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"Repeat": 40, "Size": 50, "reason": "x"}, "add up to 90"),
        ({"Repeat": 40, "Size": 60, "reason": ""}, "Say in a sentence why"),
        ({"Repeat": 40, "Size": 60, "reason": "   "}, "Say in a sentence why"),
        ({"Repeat": 101, "Size": 0, "reason": "x"}, "less than or equal to 100"),
        ({"Repeat": -1, "Size": 101, "reason": "x"}, "greater than or equal to 0"),
        ({"Repeat": 40, "Size": 60, "reason": "x", "own_goal_share": "0.49"}, "greater than or equal to 0.5"),
        ({"reason": "x", "own_goal_share": "1.01"}, "less than or equal to 1"),
    ],
)
def test_what_cannot_be_published_is_said_and_nothing_is_lost(
    changed: dict[str, Any], sentence: str, campaign: Campaign
) -> None:
    points = {name: changed.pop(name) for name in ("Repeat", "Size") if name in changed}
    response = Editor(campaign).save(**weights(**points), **changed)
    assert sentence in errors(response)
    assert campaign.versions.count() == 1
    if points:
        assert f'value="{points["Size"]}"' in response.content.decode()


def test_the_second_of_two_editors_is_told(campaign: Campaign) -> None:
    first, second = Editor(campaign), Editor(campaign, Role.HQ_APPROVER)
    first.save(**weights(Repeat=40, Size=60), reason="Order size shrinks")
    response = second.save(**weights(Repeat=90, Size=10), reason="Repeat is all")
    assert "Edith published version 2" in errors(response)
    assert newest(campaign).reason == "Order size shrinks"
    second.open()
    second.save(**weights(Repeat=90, Size=10), reason="Repeat is all")
    assert (newest(campaign).number, newest(campaign).by) == (3, second.user)


def test_an_ended_campaign_is_left_alone(campaign: Campaign) -> None:
    Campaign.objects.update(status=Campaign.Status.ENDED)
    response = Editor(campaign).save(**weights(Repeat=40, Size=60), reason="x", status="ended")
    assert "has ended" in errors(response)


@pytest.mark.parametrize("role", [Role.HQ_VIEWER, Role.TRAINER, Role.INTEGRATOR, Role.OPERATOR])
def test_others_do_not_publish(role: Role, campaign: Campaign) -> None:
    client = Client()
    client.force_login(make.user(role))
    path = reverse("admin:kpis_campaign_change", args=[campaign.pk])
    assert client.get(path).status_code == (200 if role == Role.HQ_VIEWER else 404)
    sent = {"name": "x", "reason": "x", "own_goal_share": "0.9", **weights(Repeat=100, Size=0)}
    assert client.post(path, sent).status_code == 404
    assert campaign.versions.count() == 1


def test_a_new_campaign_starts_without_weights_and_leads_to_them() -> None:
    client = Client()
    client.force_login(make.user(Role.HQ_EDITOR))
    sent = {"name": "Spring", "status": "draft", "starts_on": "2026-04-01", "ends_on": "2026-06-30"}
    response = client.post(reverse("admin:kpis_campaign_add"), sent)
    campaign = Campaign.objects.get()
    assert response["Location"] == reverse("admin:kpis_campaign_change", args=[campaign.pk])
    editor = Editor(campaign)
    make.kpi(name="Repeat")
    editor.open()
    editor.save(**weights(Repeat=100), reason="The first of its kind", status="draft")
    assert newest(campaign).number == 1


def test_one_who_publishes_is_in_the_audit(campaign: Campaign) -> None:
    from django.apps import apps

    editor = Editor(campaign)
    editor.save(**weights(Repeat=40, Size=60), reason="Order size shrinks")
    recorded = apps.get_model("kpis.PriorityVersionChange").objects.get(number=2)
    assert recorded.pgh_context == {"user": editor.user.pk, "url": editor.path}
    client = Client()
    client.force_login(make.user(Role.HQ_APPROVER))
    assert "Edith" in client.get(reverse("admin:pghistory_middlewareevents_changelist")).text


def test_its_queries_do_not_grow_with_the_versions(campaign: Campaign, django_assert_num_queries: Any) -> None:
    for _ in range(5):
        make.priority_version(campaign, {KPI.objects.get(name="Repeat"): 100})
    editor = Editor(campaign)
    with django_assert_num_queries(QUERIES):
        editor.client.get(editor.path)
    make.priority_version(campaign, {KPI.objects.get(name="Repeat"): 100})
    with django_assert_num_queries(QUERIES):
        editor.client.get(editor.path)


QUERIES = 12
