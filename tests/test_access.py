"""Every URL x method x role: what is not in these tables fails, and what is somebody else's is not there."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from distributors.access import EDITORS as HQ_EDITS
from distributors.access import FIELD, HQ
from distributors.models import STAFF_ROLES, Role

from . import factories as make
from .walk import METHODS, MISSING, Person, Route, admin_pages, person, routes

pytestmark = pytest.mark.django_db

ANYBODY: None = None
LEADERS = frozenset({Role.LEADER})

#: The project's own pages by URL name: who may open them. A page that is not here fails the test.
PAGES: dict[str, frozenset[Role] | None] = {
    "health_live": ANYBODY, "health_ready": ANYBODY,
    "today": FIELD, "why_list": FIELD, "learn": FIELD, "search": FIELD, "next_step": FIELD,
    "activity": FIELD, "person_replied": FIELD, "activity_action": FIELD, "action_undo": FIELD,
    "library": FIELD, "library_item": FIELD, "library_share": FIELD, "library_file": FIELD,
    "shared": ANYBODY, "shared_seen": ANYBODY, "shared_open": ANYBODY, "shared_file": ANYBODY,
    "asset_preview": HQ | {Role.TRAINER}, "asset_file": HQ | {Role.TRAINER},
    "goals": FIELD, "goal_add": FIELD, "goal_edit": FIELD, "goal_end": FIELD,
    "people_import": FIELD, "people_import_check": FIELD,
    "people": FIELD, "person": FIELD, "note_add": FIELD, "person_contact": FIELD,
    "message": FIELD, "message_person": FIELD, "message_check": FIELD, "message_opened": FIELD, "message_sent": FIELD,
    "message_not_sent": FIELD, "message_undo": FIELD, "person_outreach": FIELD,
    "person_edit": FIELD, "person_consent": FIELD, "note_delete": FIELD, "note_restore": FIELD,
    "people_export": FIELD, "person_export": FIELD, "person_erase": FIELD,
    "people_twins": FIELD, "people_merge": FIELD, "people_not_same": FIELD,
    "team": LEADERS, "team_step": LEADERS, "you": FIELD, "incentives": FIELD,
    "notices": FIELD, "notices_bell": FIELD, "notices_read": FIELD,
    "time_zone": STAFF_ROLES,
    "overview": HQ, "never_signed_in": HQ,
    "priorities": HQ, "console": HQ, "draft_save": HQ_EDITS, "draft_discard": HQ_EDITS,
    "review": HQ, "draft_ask": HQ_EDITS, "draft_publish": HQ_EDITS, "draft_send_back": HQ_EDITS,
    "versions": HQ, "compare": HQ, "version_restore": HQ_EDITS, "version_withdraw": HQ_EDITS,
    "campaigns": HQ, "campaign_end": HQ_EDITS, "estimate": HQ,
    "preview": HQ, "preview_few": HQ, "preview_everybody": HQ,
    "kpi_list": HQ, "kpi_page": HQ, "kpi_week": HQ, "kpi_ready": HQ_EDITS,
    "field": HQ, "field_today": HQ, "propagation": HQ, "propagation_start": HQ_EDITS,
    "message_preview": HQ | {Role.TRAINER},
    "rules": HQ, "rule": HQ, "rule_review": HQ, "rule_schema": HQ, "rule_new": HQ_EDITS, "rule_signals": HQ_EDITS,
    "rule_edit": HQ_EDITS, "rule_ask": HQ_EDITS, "rule_publish": HQ_EDITS, "rule_send_back": HQ_EDITS,
    "rule_discard": HQ_EDITS, "rule_pause": HQ_EDITS, "rule_resume": HQ_EDITS, "rule_end": HQ_EDITS,
    "rule_restore": HQ_EDITS, "rule_json": HQ, "rule_from_json": HQ_EDITS,
    "rule_outcome": HQ, "rule_notices": HQ, "rule_check": HQ, "rule_people": HQ, "rule_replay": HQ, "rule_person": HQ,
}  # fmt: skip

VIEW, EDIT, REMOVE = {"view"}, {"view", "add", "change"}, {"view", "add", "change", "delete"}
READERS = {Role.HQ_VIEWER: VIEW, Role.HQ_EDITOR: VIEW, Role.HQ_APPROVER: VIEW}
EDITORS = {Role.HQ_VIEWER: VIEW, Role.HQ_EDITOR: EDIT, Role.HQ_APPROVER: EDIT}
TRAINERS = READERS | {Role.TRAINER: EDIT}
OPERATORS = {Role.OPERATOR: VIEW}

#: The admin by model: who may do what there.
DESK: dict[str, dict[Role, set[str]]] = {
    "kpis.KPI": EDITORS, "kpis.Campaign": EDITORS, "kpis.Incentive": EDITORS,
    "kpis.Policy": READERS | {Role.HQ_APPROVER: {"view", "change"}}, "kpis.Firing": READERS,
    "activities.Asset": EDITORS | {Role.TRAINER: EDIT},
    "activities.Activity": TRAINERS, "activities.Skill": TRAINERS,
    "activities.MessageTemplate": EDITORS | {Role.TRAINER: EDIT}, "activities.BlockedPhrase": EDITORS | {Role.TRAINER: VIEW},
    "activities.ScaleSet": READERS | OPERATORS, "activities.Action": READERS | OPERATORS,
    "activities.Slate": READERS | OPERATORS | {Role.TRAINER: VIEW},
    "activities.EffectVersion": READERS | {Role.HQ_APPROVER: {"view", "change"}, Role.TRAINER: VIEW},
    "activities.Recalculation": OPERATORS | READERS,
    "distributors.User": {Role.OPERATOR: EDIT},
    "distributors.Market": READERS | {Role.OPERATOR: EDIT},
    "distributors.Distributor": READERS | {Role.OPERATOR: {"view", "change"}},
    "distributors.Goal": READERS,
    "distributors.Segment": {Role.HQ_VIEWER: VIEW, Role.HQ_EDITOR: REMOVE, Role.HQ_APPROVER: REMOVE},
    "distributors.ProductLine": EDITORS, "distributors.Product": EDITORS,
    "distributors.Event": OPERATORS | {Role.INTEGRATOR: VIEW},
    "distributors.Order": READERS | OPERATORS | {Role.INTEGRATOR: VIEW},
    "distributors.Measure": READERS | OPERATORS,
    "distributors.ApiKey": {Role.INTEGRATOR: EDIT, Role.OPERATOR: EDIT},
    "notifications.Notice": OPERATORS,
    "django_q.Schedule": OPERATORS, "django_q.Success": OPERATORS, "django_q.Failure": OPERATORS,
    "django_q.OrmQ": OPERATORS, "pep.Heartbeat": OPERATORS,
    "pghistory.MiddlewareEvents": OPERATORS | {Role.HQ_APPROVER: VIEW},
}  # fmt: skip

#: The admin's pages that belong to no model, for staff: (GET and HEAD, POST).
DOOR = {
    "admin:index": (302, 302), "admin:search": (200, 200), "admin:login": (302, 302), "admin:logout": (405, 302),
    "admin:password_change": (302, 302), "admin:password_change_done": (200, 405), "admin:jsi18n": (200, 405),
    # Answers only for a field of a model whose page the reader may use; nothing without one.
    "admin:autocomplete": (404, 405), "admin:view_on_site": (404, 404),
}  # fmt: skip
#: They only lead elsewhere, whatever the method.
UNGUARDED = {"admin:login", "admin:logout"}

SIGN_IN, OK, GONE, NOTHING_TO_CONFIRM, KEY = "to sign-in", "ok", "404", "403", "key"

#: allauth's pages: (anonymous, signed in), for GET. `ok` is a page or a redirect within the account's pages.
ACCOUNT: dict[str, tuple[str, str]] = {
    "account_login": (OK, OK), "account_logout": (OK, OK), "account_inactive": (OK, OK), "account_signup": (OK, OK),
    "account_reauthenticate": (SIGN_IN, NOTHING_TO_CONFIRM), "account_email": (SIGN_IN, OK),
    "account_email_verification_sent": (OK, OK), "account_change_password": (SIGN_IN, OK),
    "account_set_password": (SIGN_IN, OK), "account_reset_password": (OK, OK),
    "account_confirm_login_code": (OK, OK), "account_confirm_email": (KEY, KEY),
    "account_reset_password_from_key_done": (OK, OK), "account_reset_password_from_key": (OK, OK),
    "account_reset_password_done": (OK, OK),
    "mfa_index": (SIGN_IN, OK), "mfa_authenticate": (SIGN_IN, OK), "mfa_reauthenticate": (SIGN_IN, NOTHING_TO_CONFIRM),
    "mfa_activate_totp": (SIGN_IN, OK), "mfa_deactivate_totp": (SIGN_IN, GONE),
    "mfa_view_recovery_codes": (SIGN_IN, GONE), "mfa_generate_recovery_codes": (SIGN_IN, OK),
    "mfa_download_recovery_codes": (SIGN_IN, GONE), "mfa_list_webauthn": (SIGN_IN, OK),
    "mfa_add_webauthn": (SIGN_IN, OK), "mfa_reauthenticate_webauthn": (SIGN_IN, NOTHING_TO_CONFIRM),
    "mfa_remove_webauthn": (SIGN_IN, GONE), "mfa_edit_webauthn": (SIGN_IN, GONE), "mfa_login_webauthn": (OK, OK),
}  # fmt: skip

#: Paths of the patterns that are written as regular expressions, with a key that was never issued.
KEYED = {
    "account_confirm_email": "/accounts/confirm-email/x/",
    "account_reset_password_from_key": "/accounts/password/reset/key/1-x/",
}

#: The HTTP API by path and the method it knows: a session opens nothing there, only a key does. Others are 405.
API = {
    "api/v1/events": "POST",
    "api/v1/distributors/<external_id>/feed": "GET",
}
#: Its description says nothing about anybody.
API_PUBLIC = {"api/v1/openapi.json", "api/v1/"}

FINE = {200, 204, 302, 303, 405, 422}


@pytest.fixture
def field(settings: Any) -> dict[str, Person]:
    """She, and somebody else whose objects every URL names."""
    settings.ACCOUNT_RATE_LIMITS = settings.MFA_RATE_LIMITS = False
    activity = make.activity("call-her", about="check_in")
    return {"a": person(activity), "b": person(activity, canary="")}


@pytest.fixture(params=[None, *Role], ids=lambda role: role.value if role else "anonymous")
def role(request: pytest.FixtureRequest) -> Role | None:
    return request.param


def client_of(role: Role | None, field: dict[str, Person]) -> Client:
    """Signed in with that role; whatever the role, there is a distributor behind the user: only the role may decide."""
    client = Client()
    if role:
        field["a"].user.role = role
        field["a"].user.save()
        client.force_login(field["a"].user)
    return client


def ask(client: Client, method: str, path: str) -> HttpResponse:
    """The answer, with everything it did undone: no cell changes another."""
    cookies = copy.deepcopy(client.cookies)
    with transaction.atomic():
        response = client.generic(method, path)
        transaction.set_rollback(True)
    client.cookies = cookies
    return response


def theirs(route: Route, other: Person) -> dict[str, object]:
    """Values for the URL's parameters that name somebody else's data. An unknown parameter fails."""
    card = f"{other.activity.key}.c{other.customer.pk}"
    by_name: dict[str, dict[str, object]] = {
        "team_step": {"pk": other.distributor.pk},
        "next_step": {"pk": other.customer.pk}, "person": {"pk": other.customer.pk},
        "note_add": {"pk": other.customer.pk}, "person_contact": {"pk": other.customer.pk},
        "person_edit": {"pk": other.customer.pk}, "person_consent": {"pk": other.customer.pk},
        "note_delete": {"pk": other.customer.pk, "note": other.customer.pk},
        "message": {"key": card}, "message_person": {"pk": other.customer.pk}, "person_outreach": {"pk": other.customer.pk},
        "message_sent": {"pk": other.message.pk}, "message_not_sent": {"pk": other.message.pk},
        "message_undo": {"pk": other.message.pk},
        "note_restore": {"pk": other.customer.pk},
        "person_export": {"pk": other.customer.pk}, "person_erase": {"pk": other.customer.pk},
        "person_replied": {"pk": other.customer.pk},
        "goal_edit": {"pk": other.goal.pk}, "goal_end": {"pk": other.goal.pk},
        "action_undo": {"pk": other.action.pk},
        # The library is the company's: what nobody may see is an item that is not there, and a link never made.
        "library_item": {"key": "no-such-item"}, "library_share": {"key": "no-such-item"},
        "library_file": {"key": "no-such-item", "language": "en"},
        **{name: {"token": "n" * 22} for name in ("shared", "shared_seen", "shared_open", "shared_file")},
        "asset_preview": {"pk": MISSING, "language": "en"}, "asset_file": {"pk": MISSING, "language": "en"},
        "activity": {"key": card}, "activity_action": {"key": card, "verb": "complete"},
        "people_import_check": {"pk": other.brought.pk},
        # HQ's own: a campaign that nobody has.
        "console": {"pk": MISSING}, "draft_save": {"pk": MISSING}, "draft_discard": {"pk": MISSING},
        "review": {"pk": MISSING}, "draft_ask": {"pk": MISSING}, "draft_publish": {"pk": MISSING},
        "draft_send_back": {"pk": MISSING}, "versions": {"pk": MISSING}, "compare": {"pk": MISSING},
        "version_restore": {"pk": MISSING, "number": 1}, "version_withdraw": {"pk": MISSING, "number": 1},
        "campaign_end": {"pk": MISSING}, "estimate": {"pk": MISSING},
        "preview": {"pk": MISSING}, "preview_few": {"pk": MISSING}, "preview_everybody": {"pk": MISSING},
        "kpi_page": {"pk": MISSING}, "kpi_week": {"pk": MISSING, "market": MISSING, "first": "2026-08-17"},
        "rule": {"pk": MISSING}, "rule_review": {"pk": MISSING}, "rule_edit": {"pk": MISSING}, "rule_ask": {"pk": MISSING},
        "rule_publish": {"pk": MISSING}, "rule_send_back": {"pk": MISSING}, "rule_discard": {"pk": MISSING},
        "rule_pause": {"pk": MISSING}, "rule_resume": {"pk": MISSING}, "rule_end": {"pk": MISSING},
        "rule_restore": {"pk": MISSING, "number": 1},
        "rule_outcome": {"pk": MISSING}, "rule_notices": {"pk": MISSING}, "rule_check": {"pk": MISSING}, "rule_people": {"pk": MISSING},
        "rule_replay": {"pk": MISSING}, "rule_json": {"pk": MISSING},
        "rule_person": {"pk": MISSING, "distributor": other.distributor.pk},
        "field_today": {"pk": MISSING}, "propagation": {"pk": MISSING}, "propagation_start": {"pk": MISSING},
    }  # fmt: skip
    return by_name[route.name]


def nobodys(route: Route, values: dict[str, object]) -> dict[str, object]:
    named = {"key": f"call-her.c{MISSING}" if "." in str(values.get("key")) else "never-was", "pk": MISSING}
    return {name: named.get(name, value) for name, value in values.items()}


def to_sign_in(response: HttpResponse) -> bool:
    return response.status_code == 302 and response["Location"].split("?")[0] == reverse("account_login")


def body(response: HttpResponse) -> bytes:
    """Without what is new in every answer."""
    return re.sub(rb'(nonce|csrfmiddlewaretoken" value|X-CSRFToken"?)(=|:) ?"[^"]*"', b"", response.content)


def own(name: str) -> list[Route]:
    groups: dict[str, list[Route]] = {"admin": [], "account": [], "api": [], "project": []}
    for route in routes():
        group = (
            "project" if route.declared
            else "admin" if route.pattern.startswith("admin/")
            else "account" if route.pattern.startswith("accounts/")
            else "api"
        )  # fmt: skip
        groups[group].append(route)
    return groups[name]


def test_every_page_says_who_may_open_it() -> None:
    assert {route.name: route.view.access for route in own("project")} == PAGES


def test_own_pages(role: Role | None, field: dict[str, Person]) -> None:
    client = client_of(role, field)
    wrong = [line for route in own("project") for line in page_problems(route, role, client, field["b"])]
    assert not wrong, "\n".join(wrong)


def page_problems(route: Route, role: Role | None, client: Client, other: Person) -> Iterator[str]:
    allowed = PAGES[route.name]
    values = theirs(route, other) if route.parameters else {}
    for method in METHODS:
        response = ask(client, method, route.path(**values))
        if allowed is not None and role is None:
            right = to_sign_in(response)
        elif allowed is not None and role not in allowed:
            right = response.status_code == 404
        elif values:
            missing = ask(client, method, route.path(**nobodys(route, values)))
            right = response.status_code in {404, 405}
            right &= (response.status_code, body(response)) == (missing.status_code, body(missing))
        else:
            right = response.status_code in FINE | ({503} if route.name == "health_ready" else set())
        if not right:
            yield f"{role} {method} {route.label}: {response.status_code} {response.headers.get('Location', '')}"


def test_the_admin_has_the_pages_of_the_table() -> None:
    assert set(admin_pages()) == set(DESK)


def test_the_admin(role: Role | None, field: dict[str, Person]) -> None:
    client = client_of(role, field)
    wrong = [line for route in own("admin") for line in desk_problems(route, role, client)]
    assert not wrong, "\n".join(wrong)


def desk_problems(route: Route, role: Role | None, client: Client) -> Iterator[str]:
    path = route.path(object_id=MISSING, content_type_id=1, url="nothing-here", app_label="kpis")
    path = re.sub(r"\^?\(\?P<\w+>[^)]*\)/?\$", "nothing-here/", path)
    for method in METHODS:
        response = ask(client, method, path)
        if role is None:
            right = to_sign_in(response)
        elif role in FIELD:
            right = response.status_code == 404
        elif route.name not in UNGUARDED and method not in {"GET", "HEAD", "POST"}:
            right = response.status_code == 405
        else:
            right = response.status_code in staff_expects(route, role, method)
        if not right:
            yield f"{role} {method} {route.label}: {response.status_code} {response.headers.get('Location', '')}"


def staff_expects(route: Route, role: Role, method: str) -> set[int]:
    if route.name in DOOR:
        get, post = DOOR[route.name]
        return {post} if method == "POST" else {get}
    labels = {label.lower().replace(".", "_"): label for label in DESK}
    model, _sep, page = route.name.removeprefix("admin:").rpartition("_")
    if model not in labels:
        return {200, 302, 404} if route.name == "admin:app_list" else {302, 404}
    verbs = DESK[labels[model]].get(role, set())
    if page == "changelist":
        return {200} if "view" in verbs and method != "POST" else {200, 302} if "view" in verbs else {404}
    if page == "add":
        return {200} if "add" in verbs else {404}
    if page == "export":
        return {404} if "view" not in verbs else {405} if method == "POST" else {200}
    if page == "delete":
        return {302} if "delete" in verbs else {404, 302}
    if page == "change" and method == "POST" and "change" not in verbs:
        return {404}
    # Nothing there: Django sends a reader back to the index, and tells nobody else.
    return {302} if "view" in verbs or page == "history" else {404, 302}


def test_account_pages(role: Role | None, field: dict[str, Person]) -> None:
    client = client_of(role, field)
    known = {route.name for route in own("account")}
    assert known == set(ACCOUNT)
    wrong = [line for route in own("account") for line in account_problems(route, role, client)]
    assert not wrong, "\n".join(wrong)


def account_problems(route: Route, role: Role | None, client: Client) -> Iterator[str]:
    path = KEYED.get(route.name) or route.path(pk=MISSING)
    expected = ACCOUNT[route.name][0 if role is None else 1]
    for method in METHODS:
        response = ask(client, method, path)
        if method != "GET" and response.status_code == 405:
            continue
        right = {
            SIGN_IN: to_sign_in(response),
            OK: response.status_code in FINE | {400},
            GONE: response.status_code in {404, 302} or method == "OPTIONS",
            KEY: response.status_code == (404 if method == "POST" else 200),
            NOTHING_TO_CONFIRM: response.status_code == 403,
        }[expected]
        if not right:
            yield f"{role} {method} {route.label} {path}: {response.status_code} {response.headers.get('Location', '')}"


def test_the_api_asks_for_a_key_whoever_is_signed_in(role: Role | None, field: dict[str, Person]) -> None:
    client = client_of(role, field)
    assert {route.pattern for route in own("api")} == set(API) | API_PUBLIC
    for route in own("api"):
        for method in METHODS:
            status = ask(client, method, route.path(external_id=field["b"].distributor.external_id)).status_code
            if route.pattern in API:
                assert status == (401 if method == API[route.pattern] else 405), (route.pattern, method)
            else:
                assert status in {200, 404, 405}, (route.pattern, method)
