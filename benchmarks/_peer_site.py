"""What Today is compared with: the same server, settings and middleware, and three pages as one would first write them.

/hello/       no database, no template
/commit/      the same and one small durable transaction
/feed/        signed in; ten stored rows with their activity and customer by the ORM, and a template of Today's size

`prepare()` stores the ten rows in a table of their own, as a product that stores feeds would have done before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse

from pep.settings import *  # noqa: F403

ROOT_URLCONF = "_peer_urls"

#: One row is about as long as one of Today's, and ten are a page of about its length; `fill` is the difference in text.
ROW = """
<li class="row" id="row-{{ row.pk }}">
  <article aria-labelledby="title-{{ row.pk }}">
    <header><span class="slot">{{ row.slot }}</span> <span class="minutes">{{ row.activity.minutes }} min</span>
      <h2 id="title-{{ row.pk }}"><a href="/do/{{ row.activity.key }}/">{{ row.title }}</a></h2></header>
    <p class="summary">{{ row.summary }}</p>
    {% if row.customer %}<p class="who"><a href="/people/{{ row.customer.pk }}/">{{ row.customer.name }}</a>,
      {{ row.customer.orders }} order{{ row.customer.orders|pluralize }}, last on {{ row.customer.last_order_on|date:"j F" }},
      {{ row.customer.spent|floatformat:2 }} in all</p>{% endif %}
    <dl class="terms"><dt>Score</dt><dd>{{ row.score|floatformat:3 }}</dd><dt>Place</dt><dd>{{ row.position }}</dd></dl>
    <form method="post" action="/do/{{ row.activity.key }}/"><input type="hidden" name="csrfmiddlewaretoken" value="{{ token }}">
      <button name="kind" value="start">Start</button> <button name="kind" value="snooze">Later</button>
      <button name="kind" value="dismiss">Not for me</button></form>
    <p class="fill">{{ fill }}</p>
  </article>
</li>"""
PAGE = (
    """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Today</title>
<link rel="stylesheet" href="/static/css/app.css"></head><body><nav><a href="/">Today</a> <a href="/people/">People</a>
<a href="/goals/">Goals</a></nav><main><h1>{{ person.name }}, {{ day|date:"l j F" }}</h1><ol>
{% for row in rows %}"""
    + ROW
    + """{% endfor %}</ol></main></body></html>"""
)


def model() -> Any:
    """The stored feed: ten rows a person."""
    from django.apps import apps
    from django.db import models

    if "benchfeedrow" not in apps.all_models["activities"]:
        fields = {
            "distributor": models.ForeignKey("distributors.Distributor", on_delete=models.CASCADE, related_name="+"),
            "activity": models.ForeignKey("activities.Activity", on_delete=models.CASCADE, related_name="+"),
            "customer": models.ForeignKey(
                "distributors.Customer", on_delete=models.CASCADE, null=True, related_name="+"
            ),
            "position": models.SmallIntegerField(),
            "slot": models.CharField(max_length=8),
            "title": models.CharField(max_length=200),
            "summary": models.CharField(max_length=400),
            "score": models.FloatField(),
        }
        meta = type("Meta", (), {"app_label": "activities", "db_table": "bench_feed_row"})
        type("BenchFeedRow", (models.Model,), {**fields, "Meta": meta, "__module__": __name__})
    return apps.get_model("activities", "benchfeedrow")


def prepare(distributor: Any) -> None:
    """Ten rows for her: the first published activities, about her first customers."""
    from django.db import connection

    from activities.models import Activity

    rows = model()
    drop()
    with connection.schema_editor() as editor:
        editor.create_model(rows)
    customers = list(distributor.customers.order_by("pk")[:10])
    rows.objects.bulk_create(
        rows(
            distributor=distributor, activity=activity, customer=customers[n % len(customers)] if customers else None,
            position=n, slot="own", title=(words := activity.texts.filter(language="en").first()).title,
            summary=words.summary, score=1 / (n + 1),
        )
        for n, activity in enumerate(Activity.objects.published().order_by("key")[:10])
    )  # fmt: skip


def drop() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_feed_row, bench_commit")
        cursor.execute("CREATE TABLE bench_commit (n int)")
        cursor.execute("INSERT INTO bench_commit VALUES (0)")


def clean() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_feed_row, bench_commit")


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


def commit(request: HttpRequest) -> HttpResponse:
    """Durable when it is answered, as every write of the product is."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE bench_commit SET n = n + 1")
    return HttpResponse("hello")


def feed(request: HttpRequest) -> HttpResponse:
    from django.http import HttpResponseForbidden
    from django.middleware.csrf import get_token
    from django.utils import timezone

    if not request.user.is_authenticated:
        return HttpResponseForbidden("Sign in.")
    person = request.user.distributor  # type: ignore[attr-defined]
    rows = model().objects.filter(distributor=person).select_related("activity", "customer").order_by("position")[:10]
    fill = "x" * int(os.environ.get("PEP_BENCH_FILL", "0"))
    context = {"person": person, "day": timezone.now(), "rows": rows, "token": get_token(request), "fill": fill}
    from django.template import Context

    return HttpResponse(template().render(Context(context)))


@cache
def template() -> Any:
    from django.template import Engine

    return Engine().from_string(PAGE)


@cache
def wsgi() -> Any:
    from django.core.wsgi import get_wsgi_application

    made = get_wsgi_application()
    model()
    return made


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Made at the first request: this module is the settings, too."""
    return wsgi()(environ, start_response)  # type: ignore[no-any-return]
