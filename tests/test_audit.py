"""Every HQ write leaves a row that says who, what and from which page, in the same transaction, and stays as it is."""

from __future__ import annotations

from decimal import Decimal

import pghistory
import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from distributors.models import ApiKey, Event, Goal, Role, User
from kpis.models import KPI, Campaign, Priority, PriorityVersion

from . import factories as make

pytestmark = pytest.mark.django_db

AUDITED = {
    "distributors.ApiKey", "distributors.Distributor", "distributors.Goal", "distributors.Market",
    "distributors.Product", "distributors.ProductLine", "distributors.User",
    "kpis.KPI", "kpis.Campaign", "kpis.CampaignMarket", "kpis.Priority", "kpis.PriorityVersion",
    "kpis.Incentive", "kpis.IncentiveTier",
    "activities.Activity", "activities.ActivityMarket", "activities.ActivityText", "activities.Skill",
}  # fmt: skip


def changes(of: str) -> list:
    return list(apps.get_model(f"{of}Change").objects.order_by("pgh_id"))


def refused(sql: str, *params: object) -> bool:
    """True when the database refuses the statement; the surrounding transaction goes on."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, params)
    except DatabaseError:
        return True
    return False


def test_it_works() -> None:
    kpi = make.kpi(name="Repeat orders", focus="repeat orders of the eye line")
    with pghistory.context(user=7, url="/admin/kpis/kpi/1/change/"):
        kpi.focus = "repeat orders"
        kpi.save()
    made, changed = changes("kpis.KPI")
    assert (made.pgh_label, made.focus, made.pgh_context) == ("insert", "repeat orders of the eye line", None)
    assert (changed.pgh_label, changed.focus) == ("update", "repeat orders")
    assert changed.pgh_context == {"user": 7, "url": "/admin/kpis/kpi/1/change/"}


def test_every_table_hq_writes_is_audited() -> None:
    tracked = {model.pgh_tracked_model._meta.label for model in pghistory.core.event_models()}
    assert tracked == AUDITED


def test_update_delete_and_plain_sql_are_seen() -> None:
    kpi = make.kpi(name="A")
    KPI.objects.filter(pk=kpi.pk).update(name="B")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE kpis_kpi SET name = 'C' WHERE id = %s", [kpi.pk])
    KPI.objects.filter(pk=kpi.pk).delete()
    assert [(c.pgh_label, c.name) for c in changes("kpis.KPI")] == [
        ("insert", "A"), ("update", "B"), ("update", "C"), ("delete", "C"),
    ]  # fmt: skip


def test_the_change_and_its_record_stand_or_fall_together() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        make.kpi()
        raise ZeroDivisionError
    assert changes("kpis.KPI") == []


@pytest.mark.parametrize("label", sorted(AUDITED))
def test_nobody_rewrites_the_record(label: str) -> None:
    everything_once()
    table = apps.get_model(f"{label}Change")._meta.db_table
    assert not refused(f"SELECT 1 / count(*) FROM {table}"), "there must be a row to protect"
    assert refused(f"UPDATE {table} SET pgh_label = 'x'")
    assert refused(f"DELETE FROM {table}")


def everything_once() -> None:
    """One recorded change in every audited table."""
    user, distributor = make.user(), make.distributor()
    distributor.name = "Somebody else"
    distributor.save()
    make.goal(distributor)
    make.product()
    ApiKey.issue(name="shop", scopes=["events:write"])
    campaign = make.campaign()
    campaign.markets.add(make.market())
    make.priority_version(campaign, {make.kpi(): 100}, by=user)
    make.incentive()
    make.activity(skill=make.skill()).markets.add(make.market())


def test_secrets_are_not_copied() -> None:
    user = make.user(Role.OPERATOR)
    user.set_password("another long pass phrase")
    user.save()
    ApiKey.issue(name="shop", scopes=["events:write"])
    assert [c.pgh_label for c in changes("distributors.User")] == ["insert"], "a new password alone is no change"
    for label, secret in [("distributors.User", "password"), ("distributors.ApiKey", "secret_hash")]:
        columns = {field.column for field in apps.get_model(f"{label}Change")._meta.fields}
        assert secret not in columns


def test_a_role_change_is_recorded() -> None:
    user = make.user(Role.HQ_VIEWER)
    User.objects.filter(pk=user.pk).update(role=Role.HQ_EDITOR)
    assert [c.role for c in changes("distributors.User")] == ["hq_viewer", "hq_editor"]


def test_what_she_sets_herself_is_not_hq_s() -> None:
    distributor = make.distributor()
    distributor.own_goal_share, distributor.language = Decimal("0.90"), "de"
    distributor.save()
    assert changes("distributors.Distributor") == []


def test_goals_say_who_changed_them() -> None:
    goal = make.goal(make.distributor())
    with pghistory.context(user=3):
        Goal.objects.filter(pk=goal.pk).update(target=300)
    assert [(c.target, c.pgh_context) for c in changes("distributors.Goal")] == [(250, None), (300, {"user": 3})]


def test_published_priorities_never_change() -> None:
    version = make.priority_version(make.campaign(), {make.kpi(): 100})
    assert refused("UPDATE kpis_priority SET weight = 1")
    assert refused("DELETE FROM kpis_priority")
    assert refused("UPDATE kpis_priorityversion SET reason = 'x'")
    assert refused("DELETE FROM kpis_priorityversion")
    for row in (version, version.campaign):
        with pytest.raises(DatabaseError), transaction.atomic():
            row.delete()
    assert (Campaign.objects.count(), PriorityVersion.objects.count(), Priority.objects.count()) == (1, 1, 1)


def test_a_version_outlives_its_author() -> None:
    author = make.user(Role.HQ_EDITOR)
    version = make.priority_version(make.campaign(), {make.kpi(): 100}, by=author)
    author.delete()
    version.refresh_from_db()
    assert version.by is None


def test_events_are_append_only() -> None:
    distributor = make.distributor()
    event = make.event(distributor, customer=make.customer(distributor))
    assert refused("UPDATE distributors_event SET type = 'x'")
    assert refused("UPDATE distributors_event SET data = '{\"amount\": 1}'")
    assert refused("DELETE FROM distributors_event")
    assert Event.objects.get().type == event.type


def test_an_event_may_forget_its_customer_but_not_swap_her() -> None:
    distributor = make.distributor()
    one, other = make.customer(distributor), make.customer(distributor)
    make.event(distributor, customer=one)
    assert refused("UPDATE distributors_event SET customer_id = %s", other.pk)
    one.delete()
    assert Event.objects.get().customer_id is None
    assert refused("UPDATE distributors_event SET customer_id = %s", other.pk)


@pytest.mark.django_db(transaction=True)
def test_truncate_still_empties_the_tables_for_a_reset() -> None:
    distributor = make.distributor()
    make.event(distributor)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE distributors_event CASCADE")
    assert Event.objects.count() == 0
