"""Each page of the admin with a row in it: who reads it, who may change it, and what trainers and operators do there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success, Task

from activities.models import Activity, ScaleSet, Slate
from activities.ranking import recalculating
from distributors import ingest
from distributors.models import ApiKey, Distributor, Measure, Order, Role, Segment, User
from kpis.models import Policy
from notifications.models import Notice
from pep.models import Heartbeat

from . import factories as make
from .test_access import DESK
from .walk import admin_pages, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows() -> dict[str, Any]:
    """One existing row for each page, by model label."""
    now = timezone.now()
    activity = make.activity("call-her", about="check_in", skill=make.skill())
    one = person(activity)
    ingest.record(
        type="order.placed", distributor=one.distributor, customer=one.customer, time=now, external_id="o1",
        data={"currency": "USD", "amount": "40", "lines": [{"sku": "EYE-1", "quantity": 1, "amount": "40"}]},
    )  # fmt: skip
    task = {"func": "pep.supervision.beat", "started": now, "stopped": now}
    Task.objects.create(id="t1", name="a", success=True, **task)
    Task.objects.create(id="t2", name="b", success=False, result="secret of Theodora", **task)
    campaign = make.campaign()
    make.priority_version(campaign, {make.kpi(): 100})
    return {
        "kpis.Campaign": campaign, "kpis.KPI": make.kpi(), "kpis.Incentive": make.incentive(),
        "kpis.Policy": Policy.objects.create(), "kpis.Firing": make.firing(make.rule(), one.distributor),
        "activities.Activity": activity, "activities.Skill": activity.skill, "activities.Action": one.action,
        "activities.MessageTemplate": make.message_template(), "activities.BlockedPhrase": make.blocked_phrase(),
        "activities.Asset": make.asset(),
        "activities.ScaleSet": ScaleSet.objects.create(version=1, frozen_at=now),
        "activities.Slate": Slate.objects.create(
            distributor=one.distributor, day=now.date(), shown_at=now, seed=1, digest=b"0" * 32
        ),
        "activities.Recalculation": recalculating.start("all", now, wake=False),
        "distributors.User": make.user(), "distributors.Market": make.market(),
        "distributors.Distributor": one.distributor, "distributors.Goal": one.goal,
        "distributors.Segment": Segment.objects.create(name="Newcomers", days_to=90),
        "distributors.ProductLine": make.product_line(), "distributors.Product": make.product(),
        "distributors.Event": one.distributor.events.first(), "distributors.Order": Order.objects.first(),
        "distributors.Measure": Measure.objects.first(),
        "distributors.ApiKey": ApiKey.issue(name="shop", scopes=["events:write"])[0],
        "notifications.Notice": one.notice,
        "django_q.Schedule": Schedule.objects.create(name="x", func="pep.supervision.beat"),
        "django_q.Success": Success.objects.get(id="t1"), "django_q.Failure": Failure.objects.get(id="t2"),
        "django_q.OrmQ": OrmQ.objects.create(key="pep", payload="x"),
        "pep.Heartbeat": Heartbeat.objects.update_or_create(name="canary", defaults={"at": now})[0],
    }  # fmt: skip


def test_every_page_opens_for_who_may_read_it(rows: dict[str, Any]) -> None:
    wrong = []
    for role in set(Role):
        client = Client()
        client.force_login(make.user(role))
        for label in DESK:
            meta = admin_pages()[label].model._meta
            base = f"admin:{meta.app_label}_{meta.model_name}"
            readable = 200 if "view" in DESK[label].get(role, set()) else 404
            paths = [reverse(f"{base}_changelist")]
            if label in rows:
                paths.append(reverse(f"{base}_change", args=[rows[label].pk]))
            wrong += [(role, path, status) for path in paths if (status := client.get(path).status_code) != readable]
    assert wrong == []


def test_what_is_read_only_stays_as_it_is(rows: dict[str, Any]) -> None:
    for role in set(Role) - {Role.DISTRIBUTOR, Role.LEADER}:
        client = Client()
        client.force_login(make.user(role))
        for label, row in rows.items():
            verbs = DESK[label].get(role, set())
            meta = row._meta
            for page, verb in (("change", "change"), ("delete", "delete")):
                if verb not in verbs:
                    path = reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=[row.pk])
                    assert client.post(path, {"post": "yes"}).status_code == 404, (role, path)
    for row in rows.values():
        row.refresh_from_db()


def test_the_log_of_firings_keeps_her_figures_to_itself(rows: dict[str, Any], client: Client) -> None:
    """They stand on the rule's page of her, which writes down who looked."""
    firing = rows["kpis.Firing"]
    type(firing).objects.filter(pk=firing.pk).update(facts=[["all.0", -61.75]])
    client.force_login(make.user(Role.HQ_APPROVER))
    page = client.get(reverse("admin:kpis_firing_change", args=[firing.pk]))
    assert page.status_code == 200
    assert "61.75" not in page.text and "61.75" not in client.get(reverse("admin:kpis_firing_changelist")).text


def test_a_failed_task_keeps_its_traceback_to_itself(rows: dict[str, Any], client: Client) -> None:
    client.force_login(make.user(Role.OPERATOR))
    page = client.get(reverse("admin:django_q_failure_change", args=["t2"]))
    assert page.status_code == 200
    assert "Theodora" not in page.text


def test_the_menu_has_only_what_the_role_reads() -> None:
    client = Client()
    client.force_login(make.user(Role.TRAINER))
    text = client.get("/admin/", follow=True).text
    assert "/admin/activities/activity/" in text
    assert "/admin/kpis/campaign/" not in text
    assert "/admin/distributors/user/" not in text


# Trainers


def text_form(activity: Activity | None = None, **changed: object) -> dict[str, object]:
    return {
        "key": "new-idea", "kind": "reach_out", "form": "todo", "about": "nobody", "minutes": 2, "status": "draft",
        "p_done": "0.3", "impacts": "{}", "skill_gain": 0, "again_after_days": 14, "credit_days": 14,
        "texts-TOTAL_FORMS": 1, "texts-INITIAL_FORMS": 0,
        "texts-0-language": "en", "texts-0-title": "Call two customers", **changed,
    }  # fmt: skip


def trainer() -> Client:
    client = Client()
    client.force_login(make.user(Role.TRAINER))
    return client


def test_a_trainer_writes_an_activity() -> None:
    make.product_line("eye")
    impacts = {"sales": 18, "repeat_orders:eye": 0.22}
    trainer().post(reverse("admin:activities_activity_add"), text_form(impacts=json.dumps(impacts)))
    activity = Activity.objects.get()
    assert (activity.impacts, activity.texts.get().title) == (impacts, "Call two customers")


@pytest.mark.parametrize(
    ("impacts", "sentence"),
    [
        ('{"revenue": 5}', "revenue is not a metric"),
        ('{"sales": "much"}', "must be a number"),
        ('{"sales": true}', "must be a number"),
        ('{"sales": NaN}', "must be a number"),
        ('{"sales:moon": 5}', "no product line moon"),
        ('{"enrolments:eye": 5}', "not counted by product line"),
        ("[1]", "Write pairs in braces"),
    ],
)
def test_an_impact_that_is_none_is_explained(impacts: str, sentence: str) -> None:
    make.product_line("eye")
    response = trainer().post(reverse("admin:activities_activity_add"), text_form(impacts=impacts))
    assert sentence in str(response.context["adminform"].form.errors)
    assert not Activity.objects.exists()


def test_a_skill_gain_needs_its_skill() -> None:
    response = trainer().post(reverse("admin:activities_activity_add"), text_form(skill_gain="0.4"))
    assert "skill" in response.context["adminform"].form.errors


# Integrators


def test_a_key_is_shown_once() -> None:
    client = Client()
    client.force_login(make.user(Role.INTEGRATOR))
    response = client.post(reverse("admin:distributors_apikey_add"), {"name": "shop", "scopes": ["events:write"]})
    key = ApiKey.objects.get()
    shown = response.context["key"]
    assert shown.startswith(f"pep_{key.prefix}_")
    assert ApiKey.hash(shown.removeprefix(f"pep_{key.prefix}_")) == key.secret_hash
    assert response.text.count(shown) == 1
    assert response["Cache-Control"] == "private, no-store" or "no-store" in response["Cache-Control"]
    for path in (reverse("admin:distributors_apikey_change", args=[key.pk]), "/admin/distributors/apikey/"):
        assert shown not in client.get(path).text
        assert key.secret_hash not in client.get(path).text


def test_a_revoked_key_stays_revoked() -> None:
    client = Client()
    client.force_login(make.user(Role.INTEGRATOR))
    key, _secret = ApiKey.issue(name="shop", scopes=["feed:read"])
    path = reverse("admin:distributors_apikey_change", args=[key.pk])
    client.post(path, {"revoke": "on"})
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert client.post(path, {}).status_code == 404
    assert ApiKey.objects.get().scopes == ["feed:read"]


# Operators


def test_an_operator_makes_a_user_and_gives_a_role() -> None:
    client = Client()
    client.force_login(make.user(Role.OPERATOR))
    sent = {
        "email": "New@Example.com",
        "name": "New",
        "role": "hq_editor",
        "is_active": "on",
        "new_password": make.PASSWORD,
    }
    client.post(reverse("admin:distributors_user_add"), sent)
    user = User.objects.get(email="new@example.com")
    assert (user.role, user.check_password(make.PASSWORD), user.is_superuser) == ("hq_editor", True, False)
    path = reverse("admin:distributors_user_change", args=[user.pk])
    client.post(path, {**sent, "role": "trainer", "new_password": "", "is_superuser": "on"})
    user.refresh_from_db()
    assert (user.role, user.check_password(make.PASSWORD), user.is_superuser) == ("trainer", True, False)


def test_a_weak_password_is_refused() -> None:
    client = Client()
    client.force_login(make.user(Role.OPERATOR))
    sent = {"email": "new@example.com", "name": "New", "role": "trainer", "is_active": "on", "new_password": "password"}
    assert "new_password" in client.post(reverse("admin:distributors_user_add"), sent).context["adminform"].form.errors


def test_nobody_changes_her_own_role() -> None:
    user = make.user(Role.OPERATOR)
    client = Client()
    client.force_login(user)
    path = reverse("admin:distributors_user_change", args=[user.pk])
    client.post(path, {"email": user.email, "name": "Me", "role": "hq_editor", "new_password": ""})
    user.refresh_from_db()
    assert (user.name, user.role, user.is_active) == ("Me", "operator", True)


def test_a_distributor_who_left_loses_her_pages() -> None:
    her = make.distributor(user=make.user())
    hers, client = Client(), Client()
    hers.force_login(her.user)
    assert hers.get("/goals/").status_code == 200
    client.force_login(make.user(Role.OPERATOR))
    path = reverse("admin:distributors_distributor_change", args=[her.pk])
    sent = {"name": her.name, "market": her.market_id, "user": her.user_id, "left_on": "2026-08-01"}
    client.post(path, sent)
    assert str(Distributor.objects.get().left_on) == "2026-08-01"
    assert hers.get("/goals/").status_code == 404


def test_a_notice_on_the_desk_names_nobody(rows: dict[str, Any], client: Client) -> None:
    Notice.objects.update(facts={"name": "Theodora"})
    client.force_login(make.user(Role.OPERATOR))
    path = reverse("admin:notifications_notice_change", args=[rows["notifications.Notice"].pk])
    assert "Theodora" not in client.get(path).text
