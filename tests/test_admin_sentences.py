"""What a table refuses is told in a sentence, at the field, wherever a form of the admin can run into it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import CheckConstraint, Model
from django.test import Client
from django.urls import reverse

from distributors.desk import ByRole, May
from distributors.models import Market, Role
from tests import factories as make

pytestmark = pytest.mark.django_db


def signed_in(role: Role) -> Client:
    client = Client()
    client.force_login(make.user(role))
    return client


MARKET = {
    "code": "at", "name": "Austria", "currency": "EUR", "time_zone": "Europe/Vienna", "week_start": "0", "language": "de",
    "price_level": "1", "quiet_days": "5", "contacts_a_month": "4",
}  # fmt: skip
TEXTS = {"texts-TOTAL_FORMS": "0", "texts-INITIAL_FORMS": "0"}
ACTIVITY = TEXTS | {
    "key": "call", "kind": "reach_out", "form": "todo", "about": "nobody", "minutes": "2", "p_done": "0.3", "impacts": "{}",
    "skill_gain": "0", "credit_days": "14", "again_after_days": "14", "status": "draft",
}  # fmt: skip
SEGMENT = {"name": "Newcomers", "days_from": "", "days_to": "90", "team": ""}

WRONG = [
    (Role.OPERATOR, "distributors_market", MARKET, {"currency": "eur"}, "A currency is three capital letters, such as USD."),
    (Role.OPERATOR, "distributors_market", MARKET, {"price_level": "0"}, "Enter a number above 0."),
    (Role.OPERATOR, "distributors_market", MARKET, {"quiet_days": "61"}, "Enter 0 to 60 days."),
    (Role.OPERATOR, "distributors_market", MARKET, {"contacts_a_month": "9"}, "Enter 1 to 4."),
    (
        Role.HQ_EDITOR, "distributors_segment", SEGMENT | {"days_from": "91"}, {"days_to": "90"},
        "At most is fewer days than at least, so nobody would fit.",
    ),
    (Role.TRAINER, "activities_activity", ACTIVITY, {"p_done": "1.5"}, "Enter a share above 0 and up to 1."),
    (Role.TRAINER, "activities_activity", ACTIVITY, {"minutes": "0"}, "Enter 1 to 120 minutes."),
    (Role.TRAINER, "activities_activity", ACTIVITY, {"credit_days": "91"}, "Enter 1 to 90 days."),
    (Role.TRAINER, "activities_skill", {"key": "a", "name": "A"}, {"wanted": "2"}, "Enter a share above 0 and up to 1."),
]  # fmt: skip


def test_it_works() -> None:
    assert signed_in(Role.OPERATOR).post(reverse("admin:distributors_market_add"), MARKET).status_code == 302
    assert signed_in(Role.TRAINER).post(reverse("admin:activities_activity_add"), ACTIVITY).status_code == 302


@pytest.mark.parametrize(("role", "page", "right", "wrong", "sentence"), WRONG)
def test_the_sentence_stands_at_the_field(
    role: Role, page: str, right: dict[str, str], wrong: dict[str, str], sentence: str
) -> None:
    response = signed_in(role).post(reverse(f"admin:{page}_add"), right | wrong)
    assert dict(response.context["adminform"].form.errors) == {name: [sentence] for name in wrong}


def test_a_row_below_the_form_says_it_too() -> None:
    sent = {
        "name": "Cruise", "form": "award", "market": str(make.market().pk), "metric": "sales", "scope": "", "terms": "",
        "starts_on": "2026-01-01", "ends_on": "2026-01-31", "tiers-TOTAL_FORMS": "1", "tiers-INITIAL_FORMS": "0",
        "tiers-0-threshold": "0", "tiers-0-prize": "A weekend",
    }  # fmt: skip
    response = signed_in(Role.HQ_EDITOR).post(reverse("admin:kpis_incentive_add"), sent)
    [tiers] = response.context["inline_admin_formsets"]
    assert tiers.formset.forms[0].errors == {"threshold": ["Enter a number above 0."]}


def written() -> Iterator[tuple[type[Model], set[str]]]:
    """Each model that a form of the admin writes, with the fields that the database alone limits."""
    for desk in admin.site._registry.values():
        for page in (desk, *desk.inlines):
            if isinstance(page, ByRole) or issubclass(page, ByRole):  # type: ignore[arg-type]
                may: May = page.may
                if {"add", "change"} & frozenset[str]().union(*may.values()):
                    fields = page.model._meta.get_fields()  # type: ignore[union-attr]
                    free = {one.name for one in fields if not getattr(one, "choices", None)}
                    yield page.model, free  # type: ignore[misc]


#: What no form can run into: readable only, set by the page itself, or a text that a form never takes empty.
OUT_OF_REACH = {
    "distributor_own_goal_share_at_least_half", "distributor_external_id_not_empty", "blockedphrase_not_empty",
    "policy_is_one_row", "kpi_direction_is_up_or_down",
}  # fmt: skip


def test_no_check_answers_with_its_name() -> None:
    found: dict[str, Any] = {}
    for model, free in written():
        for check in model._meta.constraints:
            if isinstance(check, CheckConstraint) and check.condition.referenced_base_fields & free:  # type: ignore[union-attr]
                found[check.name] = check
    unsaid = {
        name for name, check in found.items() if check.violation_error_message == check.default_violation_error_message
    }
    assert unsaid - OUT_OF_REACH == set()
    assert "market_currency_is_iso4217" in found


def test_a_market_speaks_a_language_of_the_product() -> None:
    for language in ("xx", "", "fr"):
        response = signed_in(Role.OPERATOR).post(
            reverse("admin:distributors_market_add"), MARKET | {"language": language}
        )
        assert list(response.context["adminform"].form.errors) == ["language"]
    assert not Market.objects.filter(code="at").exists()


def test_an_activity_is_written_in_a_language_of_the_product() -> None:
    text = {
        "texts-TOTAL_FORMS": "1", "texts-INITIAL_FORMS": "0", "texts-0-title": "Call her", "texts-0-language": "xx",
    }  # fmt: skip
    response = signed_in(Role.TRAINER).post(reverse("admin:activities_activity_add"), ACTIVITY | text)
    [texts] = response.context["inline_admin_formsets"]
    assert list(texts.formset.forms[0].errors) == ["language"]
