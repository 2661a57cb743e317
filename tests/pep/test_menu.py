"""Each role's menu and first page: its own part of the admin, and nothing that answers 404."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from distributors.models import Role
from kpis.models import PriorityDraft
from pep.site import MENU, START, initials, line_of, menu
from tests import factories as make

pytestmark = pytest.mark.django_db

STEER = ("Steer", ["Overview", "Priorities", "Campaigns", "Rules", "Incentives", "View as field"])
LEARN = ["KPIs", "What we learned", "Why this list"]
CONTENT = ("Content", ["Activities", "Skills", "Library items", "Messages", "Blocked phrases"])
FIELD = [
    "Distributors", "Segments", "Goals", "Markets", "Product lines", "Products", "Rules of publishing",
]  # fmt: skip
HAPPENED = ("What happened", ["Orders"])
HQ_MENU = [STEER, ("Learn from it", LEARN), CONTENT, ("Field", FIELD), HAPPENED]

#: Every line of every role, in order.
MENUS: dict[Role, list[tuple[str, list[str]]]] = {
    Role.HQ_VIEWER: HQ_MENU,
    Role.HQ_EDITOR: HQ_MENU,
    Role.HQ_APPROVER: [STEER, ("Learn from it", [*LEARN, "Audit"]), *HQ_MENU[2:]],
    Role.TRAINER: [("Learn from it", ["What we learned", "Why this list"]), CONTENT],
    Role.INTEGRATOR: [("What happened", ["Events", "Orders"]), ("Machines", ["API keys"])],
    Role.OPERATOR: [
        ("Learn from it", ["Why this list"]),
        ("Field", ["Distributors", "Markets"]),
        ("What happened", ["Events", "Orders", "Measures", "Actions", "Scale sets", "Notices"]),
        ("Machines", ["API keys"]),
        (
            "Operation",
            [
                "Recalculations", "Users", "Scheduled tasks", "Queued tasks", "Successful tasks", "Failed tasks",
                "Heartbeats", "Audit",
            ],
        ),
    ],
}  # fmt: skip


def menu_of(role: Role, rf: Any, path: str = "/admin/") -> list[dict[str, Any]]:
    request = rf.get(path)
    request.user = make.user(role)
    return menu(request)


@pytest.mark.parametrize("role", MENUS, ids=str)
def test_it_works(role: Role, rf: Any) -> None:
    titles = [(str(group["title"]), [item["title"] for item in group["items"]]) for group in menu_of(role, rf)]
    assert titles == MENUS[role]


@pytest.mark.parametrize("role", MENUS, ids=str)
def test_every_line_opens(role: Role, rf: Any) -> None:
    client = Client()
    client.force_login(make.user(role))
    make.priority_version(make.campaign(), {make.kpi(): 100})
    links = [item["link"] for group in menu_of(role, rf) for item in group["items"]]
    assert {link: client.get(link, follow=True).status_code for link in links} == dict.fromkeys(links, 200)


@pytest.mark.parametrize("role", sorted({Role.DISTRIBUTOR, Role.LEADER}), ids=str)
def test_the_field_has_none_of_it(role: Role, rf: Any) -> None:
    assert menu_of(role, rf) == []


@pytest.mark.parametrize("role", MENUS, ids=str)
def test_the_admin_begins_where_the_role_works(role: Role) -> None:
    client = Client()
    client.force_login(make.user(role))
    response = client.get(reverse("admin:index"))
    assert response["Location"] == reverse(START[role])
    assert client.get(response["Location"]).status_code == 200


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/admin/overview/", "Overview"), ("/admin/never-signed-in/", "Overview"),
        ("/admin/priorities/3/review/", "Priorities"), ("/admin/propagation/3/", "Priorities"),
        ("/admin/campaigns/", "Campaigns"), ("/admin/kpis/campaign/3/change/", "Campaigns"),
        ("/admin/kpi/3/", "KPIs"), ("/admin/kpis/kpi/3/change/", "KPIs"), ("/admin/kpis/kpi/add/", "KPIs"),
        ("/admin/distributors/product/", "Products"), ("/admin/distributors/productline/", "Product lines"),
        ("/admin/field/3/", "View as field"),
    ],
)  # fmt: skip
def test_the_page_she_is_on_is_marked(path: str, title: str, rf: Any) -> None:
    items = [item for group in menu_of(Role.HQ_EDITOR, rf, path) for item in group["items"]]
    assert [item["title"] for item in items if item["active"]] == [title]


def test_the_mark_is_said_aloud() -> None:
    client = Client()
    client.force_login(make.user(Role.HQ_EDITOR))
    text = client.get(reverse("admin:kpis_incentive_changelist")).text
    assert text.count('aria-current="page"') == 1
    assert f'href="{reverse("admin:kpis_incentive_changelist")}" aria-current="page"' in text


def test_an_approver_sees_how_many_drafts_wait_for_her(
    rf: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def waiting(user: Any) -> int:
        request = rf.get("/admin/")
        request.user = user
        [item] = [item for _title, items in MENU for item in items if item.to == "priorities"]
        line = line_of(item, request)
        assert line is not None
        return line["badge"]

    me, other, editor = make.user(Role.HQ_APPROVER), make.user(Role.HQ_APPROVER), make.user(Role.HQ_EDITOR)
    for by, state in ((editor, "in_review"), (me, "in_review"), (editor, "draft")):
        PriorityDraft.objects.create(campaign=make.campaign(), state=state, reason="Why", by=by, saved_at=make.NOW)
    with django_assert_num_queries(1):
        assert waiting(me) == 1  # nobody approves her own
    assert waiting(other) == 2
    with django_assert_num_queries(0):
        assert waiting(editor) == 0


def test_the_reader_is_named_by_initials() -> None:
    assert [initials(name) for name in ("Renata Moss", "Ana de la Cruz", "hq@example.com")] == ["RM", "AC", "H"]
