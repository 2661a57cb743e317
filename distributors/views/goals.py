"""Her goals: current, the last eight periods, change, add, end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from .. import goals as domain
from ..access import FIELD, access
from ..bars import HistoryBar, history_bars
from ..forms import GoalForm
from ..goals import GoalState
from ..history import PastPeriod, past_periods
from ..http import FieldRequest, SeeOther
from ..metrics import METRICS
from ..models import Goal
from ..wording import GoalLine, counted, goal_lines

#: How many whole periods are drawn.
PAST = 8


@dataclass(frozen=True)
class GoalCard:
    line: GoalLine
    share: int  # percent of her own side of the list; 0 when she has one goal only
    bars: list[HistoryBar] = field(default_factory=list)
    target_y: str = ""
    labels: list[str] = field(default_factory=list)
    spoken: str = ""


@access(FIELD)
@require_safe
def goals(request: FieldRequest) -> HttpResponse:
    as_of = timezone.now()
    states = domain.states(request.distributor, as_of=as_of)
    day = request.distributor.local_day(as_of)
    total = sum(state.goal.weight for state in states)
    cards = [
        goal_card(
            line,
            past_periods(request.distributor, line.state.goal, day, PAST),
            weight_share(line.state, total, len(states)),
        )
        for line in goal_lines(states)
    ]
    return render(request, "distributors/goals.html", {"cards": cards, "tab": "goals"})


def weight_share(state: GoalState, total: Any, n: int) -> int:
    return int(state.goal.weight * 100 / total) if n > 1 and total else 0


def goal_card(line: GoalLine, past: list[PastPeriod], share: int) -> GoalCard:
    if not past:
        return GoalCard(line, share)
    bars, target_y = history_bars([period.value for period in past], line.state.target)
    weekly = line.state.goal.period == Goal.Period.WEEK
    labels = [date_format(period.first, pgettext("short day", "j M") if weekly else "M") for period in past]
    made = sum(period.value >= line.state.target for period in past)
    return GoalCard(line, share, bars, target_y, labels, reached_line(made, len(past), weekly=weekly))


def reached_line(made: int, n: int, *, weekly: bool) -> str:
    """How often she was on goal; nothing when she never was, the bars say it."""
    if not made:
        return ""
    if weekly:
        return ngettext("On goal %(made)s of the last %(n)s week.", "On goal %(made)s of the last %(n)s weeks.", n) % {
            "made": made, "n": n,
        }  # fmt: skip
    return ngettext("On goal %(made)s of the last %(n)s month.", "On goal %(made)s of the last %(n)s months.", n) % {
        "made": made, "n": n,
    }  # fmt: skip


@access(FIELD)
@require_http_methods(["GET", "HEAD", "POST"])
def goal_add(request: FieldRequest) -> HttpResponse:
    sent = request.POST if request.method == "POST" else request.GET
    metric, period = sent.get("metric", ""), sent.get("period", "")
    chosen = {
        "metric": metric if metric in METRICS else "sales",
        "period": period if period in Goal.Period.values else str(Goal.Period.WEEK),
    }
    hint = suggestion(request, chosen["metric"], chosen["period"], sent.get("scope", ""))
    form = GoalForm(request.POST or None, initial=request.GET.dict(), chosen=chosen, hint=hint)
    if request.method == "POST" and form.is_valid() and save(request, form, form.cleaned_data):
        return saved(request)
    return form_page(request, form, _("Add a goal"), reverse("goal_add"))


@access(FIELD)
@require_http_methods(["GET", "HEAD", "POST"])
def goal_edit(request: FieldRequest, pk: int) -> HttpResponse:
    goal = get_object_or_404(Goal.objects.of(request.distributor.pk).running(), pk=pk)
    chosen = {"metric": goal.metric, "period": goal.period}
    kind = {name: getattr(goal, name) for name in ("metric", "scope", "period", "starts_on", "ends_on")}
    target = int(goal.target) if goal.target % 1 == 0 else goal.target
    initial = {"target": target, "weight": f"{goal.weight:.2f}"}
    hint = suggestion(request, goal.metric, goal.period, goal.scope)
    form = GoalForm(request.POST or None, initial=initial, chosen=chosen, fixed=True, hint=hint)
    if request.method == "POST" and form.is_valid() and save(request, form, kind | form.cleaned_data):
        return saved(request)
    return form_page(request, form, _("Change your goal"), reverse("goal_edit", args=[pk]))


@access(FIELD)
@require_POST
def goal_end(request: FieldRequest, pk: int) -> HttpResponse:
    goal = get_object_or_404(Goal.objects.of(request.distributor.pk).running(), pk=pk)
    domain.end_goal(goal=goal, as_of=timezone.now(), by=request.user)
    messages.success(request, _("That goal has ended. Its history is kept."))
    return SeeOther(reverse("goals"))


def save(request: FieldRequest, form: GoalForm, data: dict[str, Any]) -> bool:
    """Whether it was saved; what the domain refuses becomes the form's error."""
    try:
        domain.set_goal(
            distributor=request.distributor, metric=data["metric"], scope=data.get("scope", ""), period=data["period"],
            target=data["target"], weight=data["weight"], starts_on=data.get("starts_on"), ends_on=data.get("ends_on"),
            as_of=timezone.now(), by=request.user,
        )  # fmt: skip
    except ValidationError as error:
        refuse(form, error)
        return False
    return True


def refuse(form: GoalForm, error: ValidationError) -> None:
    """The domain's sentences at the fields they name, above the form when it has no such field."""
    named = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    for name, sentences in named.items():
        form.add_error(name if name in form.fields else None, sentences)


def saved(request: FieldRequest) -> HttpResponse:
    messages.success(request, _("Your goal is set. The list follows it from now on."))
    url = reverse("goals")
    return HttpResponse(status=204, headers={"HX-Redirect": url}) if request.htmx else SeeOther(url)


def form_page(request: FieldRequest, form: GoalForm, heading: str, action: str) -> HttpResponse:
    template = "distributors/_goal_form.html" if request.htmx else "distributors/goal_form.html"
    context = {"form": form, "heading": heading, "action": action, "tab": "goals"}
    return render(request, template, context, status=422 if form.errors and request.method == "POST" else 200)


def suggestion(request: FieldRequest, metric: str, period: str, scope: str) -> str:
    """A number from her own history, in one sentence; empty without one."""
    suggested = domain.suggest(request.distributor, metric, period, timezone.now(), scope)
    if not suggested:
        return ""
    figure = counted(suggested, metric, request.distributor.market.currency)
    if period == Goal.Period.WEEK:
        return _("You reached %(figure)s in two of the last four weeks.") % {"figure": figure}
    return _("You reached %(figure)s in two of the last four months.") % {"figure": figure}
