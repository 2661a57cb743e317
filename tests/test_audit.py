"""Every HQ write leaves a row that says who, what and from which page, in the same transaction, and stays as it is."""

from __future__ import annotations

import csv
from decimal import Decimal
from typing import Any

import pghistory
import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from distributors.models import ApiKey, Event, Goal, Role, User
from kpis.models import KPI, Campaign, Policy, Priority, PriorityDraft, PriorityVersion, RuleDraft, Withdrawal

from . import factories as make

pytestmark = pytest.mark.django_db

AUDITED = {
    "distributors.ApiKey", "distributors.Distributor", "distributors.Goal", "distributors.Market",
    "distributors.Product", "distributors.ProductLine", "distributors.Segment", "distributors.User",
    "kpis.KPI", "kpis.Campaign", "kpis.CampaignMarket", "kpis.Priority", "kpis.PriorityVersion",
    "kpis.PriorityDraft", "kpis.Withdrawal", "kpis.Policy", "kpis.PolicySample",
    "kpis.Incentive", "kpis.IncentiveTier", "kpis.Rule", "kpis.RuleVersion", "kpis.RuleDraft",
    "activities.Activity", "activities.ActivityMarket", "activities.ActivityText", "activities.Skill",
    "activities.Asset", "activities.AssetText",
    "activities.MessageTemplate", "activities.MessageTemplateText", "activities.BlockedPhrase",
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
    version = make.priority_version(campaign, {make.kpi(): 100}, by=user)
    Withdrawal.objects.create(version=version, by=user, at=make.NOW)
    PriorityDraft.objects.create(campaign=campaign, by=user, saved_at=make.NOW)
    Policy.objects.create().samples.add(distributor)
    make.segment()
    make.incentive()
    RuleDraft.objects.create(rule=make.rule(), by=user, saved_at=make.NOW)
    make.activity(skill=make.skill()).markets.add(make.market())
    make.asset()
    make.message_template()
    make.blocked_phrase()


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


# For a spreadsheet


def export(role: Role, query: str = "") -> Any:
    client = Client()
    client.force_login(make.user(role))
    return client.get(reverse("admin:pghistory_middlewareevents_export") + query)


def lines(response: Any) -> list[list[str]]:
    return list(csv.reader(response.getvalue().decode().splitlines()))


def test_the_audit_is_exported_line_by_line() -> None:
    kpi, editor = make.kpi(name="Repeat"), make.user(Role.HQ_EDITOR, name="Edith")
    with pghistory.context(user=editor.pk, url="/admin/kpis/kpi/1/change/"):
        KPI.objects.filter(pk=kpi.pk).update(name="Repeat orders")
    response = export(Role.HQ_APPROVER)
    assert (response.streaming, response["Content-Type"]) == (True, "text/csv; charset=utf-8")
    head, *found = lines(response)
    assert head == ["when", "who", "kind", "what", "from and to", "page"]
    assert ["Edith", "changed", "KPI Repeat orders", "name: Repeat → Repeat orders", "/admin/kpis/kpi/1/change/"] in [
        line[1:] for line in found
    ]


def said() -> list[tuple[str, str]]:
    """What each recorded change is about, and from what to what."""
    return [(line[3], line[4]) for line in lines(export(Role.OPERATOR))[1:]]


def test_weights_say_whose_they_are_and_what_they_were() -> None:
    kpi, campaign = make.kpi(name="New distributors"), make.campaign(name="Q4 2026")
    make.priority_version(campaign, {kpi: 20})
    make.priority_version(campaign, {kpi: 60})
    weights = [changes for what, changes in said() if what == "priority Q4 2026: New distributors"]
    assert sorted(weights) == ["0 to 20", "20 to 60"]
    assert "priority version Q4 2026 v2" in {what for what, _changes in said()}


def test_a_definition_is_short_text_and_keys_are_names() -> None:
    rule, market = make.rule(name="Anniversary"), make.market("de", name="Germany")
    draft = RuleDraft.objects.create(rule=rule, by=make.user(), saved_at=make.NOW)
    RuleDraft.objects.filter(pk=draft.pk).update(definition={"if": {"is": None, "für": ["x" * 500]}})
    kpi = make.kpi(name="Repeat")
    KPI.objects.filter(pk=kpi.pk).update(market=market, direction=-1)
    KPI.objects.filter(pk=kpi.pk).delete()
    changed = dict(one for one in said() if one[1])
    definition = changed["draft of a rule Anniversary"]
    assert '{"if": {"is": null, "für": ["xxx' in definition and len(definition) < 250
    assert "market: – → Germany" in changed["KPI Repeat"]
    assert not any("None" in changes or "{'" in changes for _what, changes in said())


def test_the_page_asks_a_query_a_table(django_assert_max_num_queries: Any) -> None:
    everything_once()
    client = Client()
    client.force_login(make.user(Role.OPERATOR))
    page = reverse("admin:pghistory_middlewareevents_changelist")
    client.get(page)
    for _time in range(4):
        make.priority_version(make.campaign(), {make.kpi(): 100})
    with django_assert_max_num_queries(30):
        text = client.get(page).text
    assert "changes" in text and "#None" not in text


def test_only_the_filtered_rows_are_exported() -> None:
    make.kpi()
    make.campaign()
    found = lines(export(Role.OPERATOR, "?pgh_obj_model=kpis.KPI"))[1:]
    assert [line[3].split()[0] for line in found] == ["KPI"]


def test_a_name_that_looks_like_a_formula_stays_text() -> None:
    for name in ('=HYPERLINK("x")', "+1", "-1", "@SUM(A1)", "\tx"):
        editor, kpi = make.user(Role.HQ_EDITOR, name=name), make.kpi()
        with pghistory.context(user=editor.pk):
            KPI.objects.filter(pk=kpi.pk).update(owner="Sales")
        who = {line[1] for line in lines(export(Role.OPERATOR, "?pgh_obj_model=kpis.KPI"))}
        assert f"'{name}" in who
        assert name not in who


@pytest.mark.parametrize("role", [Role.HQ_VIEWER, Role.HQ_EDITOR, Role.TRAINER, Role.INTEGRATOR, Role.DISTRIBUTOR])
def test_others_export_nothing(role: Role) -> None:
    assert export(role).status_code == 404


def test_its_page_says_audit_and_keeps_its_filters_in_the_link() -> None:
    client = Client()
    client.force_login(make.user(Role.OPERATOR))
    page = client.get(reverse("admin:pghistory_middlewareevents_changelist") + "?pgh_label=insert").text
    assert "Pghistory" not in page
    assert "iddleware events" not in page
    assert reverse("admin:pghistory_middlewareevents_export") + "?pgh_label=insert" in page
