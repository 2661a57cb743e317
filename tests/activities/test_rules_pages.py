"""HQ's rules: the list, the builder without script, the review and one rule's page; who may do what there."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils.datastructures import MultiValueDict

from activities.models import Activity, ActivityText
from activities.rules import failing, form_rows
from activities.views import rule_review, rule_shared, rules
from distributors.models import Distributor, Role, Segment, User
from kpis import rule_drafts, signals
from kpis.models import Firing, Policy, Rule, RuleDay, RuleVersion
from tests import factories as make
from tests.pages import HTMX, now, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("now")]
assert now

NAME = "Sales fell by half against her own four weeks"
FELL: dict[str, Any] = {
    "fact": "change", "of": {"metric": "sales", "line": "", "days": 28}, "is": "at_most", "value": -50,
}  # fmt: skip
REMEDY = {"effect": "trigger", "activity": "win-back", "for": "her", "days": 7}
COMPLETE = {
    "if": {"all": [FELL]}, "then": [REMEDY], "priority": 50, "cooldown_days": 28, "held_back": 10,
}  # fmt: skip


@pytest.fixture(autouse=True)
def win_back() -> Activity:
    made = make.activity("win-back", "Win {name} back", about=Activity.About.LAPSED)
    ActivityText.objects.create(activity=made, language="de", title="{name} zurückgewinnen")
    return made


@pytest.fixture
def dana() -> Distributor:
    return make.distributor(name="Dana Diaz", joined_on=make.TODAY - timedelta(days=400))


class Desk:
    """One person of HQ in her browser, without script: what a page's form holds is sent with the button she presses."""

    def __init__(self, role: Role = Role.HQ_EDITOR, **fields: Any) -> None:
        self.user: User = make.user(role, **fields)
        self.client = Client()
        self.client.force_login(self.user)

    def get(self, name: str, /, *args: object, **query: Any) -> Any:
        return self.client.get(reverse(name, args=args), query)

    def post(self, name: str, /, *args: object, **sent: Any) -> Any:
        return self.client.post(reverse(name, args=args), sent)

    def decide(self, name: str, rule: Rule, /, **sent: Any) -> Any:
        """A button of the review, with what is there now as seen."""
        seen = rule_drafts.seen(rule)
        return self.post(name, rule.pk, **{"revision": seen.revision, "version": seen.version, **sent})

    def write(self, rule: Rule) -> Builder:
        return Builder(self, rule, self.get("rule_edit", rule.pk))


class Builder:
    """The builder's form as a browser holds it."""

    def __init__(self, desk: Desk, rule: Rule, page: Any) -> None:
        self.desk, self.rule = desk, rule
        self.page = page

    @property
    def page(self) -> Any:
        return self._page

    @page.setter
    def page(self, page: Any) -> None:
        self._page, self.fields = page, typed(words(page)) if page.status_code != 303 else MultiValueDict()

    def fill(self, **fields: str | list[str]) -> Builder:
        for name, said in fields.items():
            name = name.replace("__", ".").replace("IF", "if")
            assert name in self.fields, (name, sorted(self.fields))
            self.fields.setlist(name, said if isinstance(said, list) else [said])
        return self

    def press(self, do: str, **more: Any) -> Builder:
        sent: dict[str, Any] = dict(self.fields.lists()) | {"do": do}
        self.page = self.desk.client.post(reverse("rule_edit", args=[self.rule.pk]), sent, **more)
        return self


def typed(page: str) -> MultiValueDict[str, str]:
    """What the builder's fields hold, by name, as a browser would send them."""
    form = page.partition('id="rule-form"')[2].partition("</form>")[0] or page
    found: MultiValueDict[str, str] = MultiValueDict()
    pattern = r"<input[^>]*>|<select[^>]*>.*?</select>|<textarea[^>]*>.*?</textarea>"
    for tag in re.findall(pattern, form, re.DOTALL):
        name = re.search(r' name="([^"]*)"', tag)
        if name is None:
            continue
        if tag.startswith("<select"):
            chosen = re.search(r'<option value="([^"]*)" selected', tag) or re.search(r'<option value="([^"]*)"', tag)
            found.appendlist(name[1], unescape(chosen[1]) if chosen else "")
        elif tag.startswith("<textarea"):
            found.appendlist(name[1], unescape(tag.partition(">")[2].rpartition("</textarea>")[0]))
        elif 'type="checkbox"' not in tag or " checked" in tag:
            value = re.search(r' value="([^"]*)"', tag)
            found.appendlist(name[1], unescape(value[1]) if value else "")
    return found


def begun(by: User, name: str = NAME, definition: dict[str, Any] | None = None) -> Rule:
    return rule_drafts.make(name=name, definition=definition or COMPLETE, by=by, as_of=make.NOW)


def live(name: str = NAME, definition: dict[str, Any] | None = None, by: User | None = None) -> Rule:
    by = by or make.user(Role.HQ_EDITOR, name="Renata Moss")
    made = begun(by, name, definition)
    publish(made, by)
    made.refresh_from_db()
    return made


def publish(rule: Rule, by: User, reason: str = "They need a hand.", as_of: datetime = make.NOW) -> RuleVersion:
    return rule_drafts.publish(
        rule=rule, seen=rule_drafts.seen(rule), by=by, as_of=as_of, reach=0, reason=reason
    )  # fmt: skip


def plain(response: Any) -> str:
    """The words of a page, without its marks."""
    page = words(response).partition('<main class="hq">')[2].partition("</main>")[0] or words(response)
    return " ".join(unescape(re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)).split())


def test_it_works(dana: Distributor) -> None:
    """From the name to a rule that is live, button by button, without script."""
    desk = Desk(name="Renata Moss")
    made = desk.post("rule_new", name=NAME)
    rule = Rule.objects.get(name=NAME)
    assert (made.status_code, made["Location"]) == (303, reverse("rule_edit", args=[rule.pk]))

    form = desk.write(rule)
    form.fill(IF__all__0__fact="change").press("change:if.all.0.fact")
    assert form.fields["if.all.0.of.days"] == "28"  # its parameters are there now
    form.fill(IF__all__0__is="at_most").press("change:if.all.0.is")
    form.fill(IF__all__0__value="-50", then__0__effect="trigger").press("change:then.0.effect")
    form.fill(then__0__activity="win-back").press("show")
    assert "Win … back" in plain(form.page)
    assert form_rows.definition_of(form.fields)["if"] == {"all": [FELL]}

    form.press("review")
    assert (form.page.status_code, form.page["Location"]) == (303, reverse("rule_review", args=[rule.pk]))
    review = plain(desk.get("rule_review", rule.pk))
    assert "0 people of 1" in review
    assert "Publish v1" in review
    sent = desk.decide("rule_publish", rule, reason="Somebody who has bought before is the nearest order.")
    assert (sent.status_code, sent["Location"]) == (303, reverse("rule", args=[rule.pk]))

    rule.refresh_from_db()
    assert rule.state == Rule.State.LIVE
    assert rule.versions.get().definition == COMPLETE | {"held_back": 0}
    page = plain(desk.get("rule", rule.pk))
    assert "Live v1" in page
    assert "Renata Moss" in page
    assert "Somebody who has bought before is the nearest order." in page


# The list


def test_the_list_says_each_rule_in_a_sentence_with_what_it_did(dana: Distributor) -> None:
    rule = live()
    RuleDay.objects.create(rule=rule, market=dana.market, day=make.TODAY, people=200, matched=13)
    RuleDay.objects.create(rule=rule, market=dana.market, day=make.TODAY - timedelta(days=1), people=200, matched=99)
    RuleDay.objects.create(rule=rule, market=make.market("de"), day=make.TODAY, people=100, matched=10)
    version = rule.versions.get()
    for ago in (1, 6, 8):
        day = make.TODAY - timedelta(days=ago)
        Firing.objects.create(rule=rule, version=version, distributor=dana, day=day, at=make.NOW - timedelta(days=ago))
    page = plain(Desk(Role.HQ_VIEWER).get("rules"))
    assert NAME in page
    assert "Win … back" in page
    assert "23 7%" in page  # of 300, the newest day of each market
    assert re.search(r"7% 2 50 Renata Moss 27 August, 15:00", page)


def test_the_list_may_be_limited_to_a_state() -> None:
    by = make.user(Role.HQ_EDITOR)
    live("Live one")
    begun(by, "Drafted one")
    desk = Desk(Role.HQ_VIEWER)
    assert "Drafted one" in plain(desk.get("rules"))
    assert "Drafted one" not in plain(desk.get("rules", state="live"))
    assert "Live one" not in plain(desk.get("rules", state="draft"))
    assert "Live one" in plain(desk.get("rules", state="nonsense"))


def test_an_empty_list_says_what_rules_are_for() -> None:
    assert "No rule is written yet" in plain(Desk().get("rules"))


def test_the_ready_made_signals_are_added_once_as_drafts() -> None:
    desk = Desk()
    n = len(signals.missing())
    assert f"Add the {n} ready-made signals" in plain(desk.get("rules"))
    assert desk.post("rule_signals").status_code == 303
    assert Rule.objects.filter(state=Rule.State.DRAFT).exclude(signal="").count() == n
    page = plain(desk.get("rules"))
    assert "ready-made signals" not in page
    desk.post("rule_signals")
    assert Rule.objects.count() == n


def test_a_name_that_is_taken_is_told_and_kept_in_its_field() -> None:
    live()
    response = Desk().post("rule_new", name=NAME)
    assert response.status_code == 422
    assert f"There is a rule “{NAME}” already. Choose another name." in plain(response)
    assert f'value="{NAME}"' in words(response)


def test_a_broken_rule_and_two_that_pull_apart_are_marked() -> None:
    segment = Segment.objects.create(name="Gone soon", by_rules=True)
    fell = {"fact": "in_segment", "of": {"segment": segment.pk}, "is": "yes"}
    live("Names a segment", COMPLETE | {"if": fell})
    live("Shows it")
    live("Hides it", COMPLETE | {"then": [{"effect": "suppress", "target": {"activity": "win-back"}}]})
    segment.delete()
    page = plain(Desk().get("rules"))
    assert "Left out: It names a segment that no longer exists." in page
    assert "What is hidden stays hidden" in page or "what is hidden stays hidden" in page


def test_a_rule_that_cannot_be_worked_out_says_since_when() -> None:
    minutes, by = timedelta(minutes=1), make.user(Role.HQ_EDITOR)
    with time_machine.travel(make.NOW - 300 * minutes, tick=False):
        rule, other = begun(by), begun(by, "Fine")
        for one in (rule, other):
            publish(one, by, as_of=make.NOW - 300 * minutes)
    desk = Desk(Role.HQ_VIEWER)
    said = "Could not be worked out since 27 August, 14:02"
    for ago in (58, 57, 2):
        failing.tell_failing(rule.pk, make.NOW - ago * minutes)
    for page in (desk.get("rules"), desk.get("rule", rule.pk)):
        assert plain(page).count(said) == 1
        assert "Nobody’s list is held up: each goes on without it." in plain(page)
    assert said not in plain(desk.get("rule", other.pk))
    # Over, as far as anybody knows; and mended by another version.
    with time_machine.travel(make.NOW + 65 * minutes, tick=False):
        assert "Could not be worked out from 27 August, 14:02" in plain(desk.get("rule", rule.pk))
    with time_machine.travel(make.NOW + 119 * minutes, tick=False):
        assert "Could not be worked out" not in plain(desk.get("rule", rule.pk))
    rule_drafts.save(
        rule=rule, definition=COMPLETE | {"priority": 60}, reason="", seen=rule_drafts.seen(rule), by=by, as_of=make.NOW
    )  # fmt: skip
    publish(rule, by)
    assert "Could not be worked out" not in plain(desk.get("rules")) + plain(desk.get("rule", rule.pk))


def test_the_schema_is_there_for_whoever_writes_json() -> None:
    response = Desk(Role.HQ_VIEWER).get("rule_schema")
    assert response["Content-Type"] == "application/schema+json"
    assert response.json()["properties"].keys() >= {"if", "but_not", "then"}


# The builder


def test_every_step_keeps_what_is_typed() -> None:
    desk = Desk()
    form = desk.write(begun(desk.user))
    form.fill(reason="Half written", priority="70").press("add:if.all")
    form.press("group:if.all").press("add:but_not").press("add:then")
    form.fill(IF__all__1__fact="market").press("change:if.all.1.fact")
    assert form.fields["reason"] == "Half written"
    assert form.fields["priority"] == "70"
    found = form_rows.definition_of(form.fields)
    assert found["if"]["all"] == [FELL, {"fact": "market", "is": "one_of"}, {"any": [{"fact": ""}]}]
    assert found["but_not"] == {"any": [{"fact": ""}]}
    assert found["then"] == [REMEDY, {"effect": ""}]
    assert not Rule.objects.get().draft.reason  # nothing is saved by it


def test_what_is_wrong_is_told_at_its_field_and_above_the_form() -> None:
    desk = Desk()
    form = desk.write(begun(desk.user))
    form.fill(IF__all__0__value="half", IF__all__0__of__days="400").press("add:then")
    page = words(form.page)
    assert form.fields["if.all.0.value"] == "half"
    assert form.fields["if.all.0.of.days"] == "400"
    assert re.search(
        r'name="if.all.0.value" value="half"[^>]*aria-invalid="true" aria-describedby="if-all-0-value-p"', page
    )
    assert re.search(r'id="if-all-0-value-p">Enter a number\.', page)
    summary = page.partition('role="alert"')[2].partition("</div>")[0]
    assert '<a class="link" href="#if-all-0-value">Enter a number.</a>' in summary
    assert '<a class="link" href="#if-all-0-of-days">' in summary
    assert "Choose what happens" not in summary  # the new effect is only not filled in yet


def test_another_fact_asks_for_its_own_value() -> None:
    desk = Desk()
    form = desk.write(begun(desk.user))
    form.fill(IF__all__0__fact="market").press("change:if.all.0.fact")
    assert "if.all.0.value" not in form.fields  # no box is ticked
    assert 'type="checkbox" name="if.all.0.value"' in words(form.page) or "Nobody has one yet" in words(form.page)


def test_choices_that_are_gone_stay_and_say_so(win_back: Activity) -> None:
    desk = Desk()
    rule = begun(desk.user)
    win_back.status = Activity.Status.RETIRED
    win_back.save()
    form = desk.write(rule)
    assert form.fields["then.0.activity"] == "win-back"
    assert "win-back (not on offer now)" in plain(form.page)


def test_a_leader_is_offered_what_is_about_recruits_or_nobody() -> None:
    make.activity("care", "Ask {name}", about=Activity.About.QUIET_RECRUIT)
    desk = Desk()
    form = desk.write(begun(desk.user)).fill(then__0__for="leader").press("change:then.0.for")
    options = re.search(r'<select id="then-0-activity".*?</select>', words(form.page), re.DOTALL)
    assert options is not None
    assert 'value="care"' in options[0]
    assert "win-back (not on offer now)" in options[0]


def test_a_leader_is_not_asked_about_a_customer_of_her_own() -> None:
    desk = Desk()
    rule = begun(desk.user, definition=COMPLETE | {"then": [REMEDY | {"for": "leader"}]})
    form = desk.write(rule).press("review")
    assert form.page.status_code == 422
    assert 'id="then-0-activity-p">A leader is asked about the person or about nobody.' in words(form.page)
    assert desk.decide("rule_publish", rule, reason="Now").status_code == 422
    assert desk.decide("rule_ask", rule, reason="Now").status_code == 422
    assert not rule.versions.exists()


def test_titles_are_in_the_readers_language() -> None:
    desk = Desk()
    rule = begun(desk.user)
    page = desk.client.get(reverse("rule_edit", args=[rule.pk]), headers={"Accept-Language": "de"})
    assert "… zurückgewinnen" in plain(page)


def test_a_draft_is_kept_although_it_is_not_complete() -> None:
    desk = Desk()
    desk.post("rule_new", name=NAME)
    rule = Rule.objects.get()
    saved = desk.write(rule).fill(IF__all__0__fact="change").press("save")
    assert saved.page.status_code == 303
    assert rule.draft.definition["if"]["all"][0]["fact"] == "change"
    assert "things are left to do before it can be published" in words(desk.get("rule_edit", rule.pk))
    assert RuleVersion.objects.count() == 0


def test_what_is_not_complete_is_saved_and_not_reviewed() -> None:
    desk = Desk()
    rule = begun(desk.user, definition={"if": {"all": [FELL]}})
    form = desk.write(rule).fill(priority="60").press("review")
    assert form.page.status_code == 422
    assert "The draft is saved. To publish it:" in plain(form.page)
    assert "Choose what happens." in plain(form.page)
    rule.draft.refresh_from_db()
    assert rule.draft.definition["priority"] == 60
    assert "Not ready" in plain(desk.get("rule_review", rule.pk))


def test_the_second_of_two_editors_is_told_and_keeps_hers() -> None:
    renata, cole = Desk(name="Renata Moss"), Desk(name="Cole Park")
    rule = begun(renata.user)
    first, second = renata.write(rule), cole.write(rule)
    first.fill(IF__all__0__value="-40").press("save")
    second.fill(IF__all__0__value="-60", reason="Sixty is clearer").press("save")
    assert second.page.status_code == 409
    page = plain(second.page)
    assert "Renata Moss saved the draft on 27 August 2026, 15:00" in page
    assert "Saved now:" in page
    assert "40" in page.partition("Saved now:")[2].partition("Below is yours")[0]  # hers, in its sentence
    assert second.fields["if.all.0.value"] == "-60"
    assert second.fields["reason"] == "Sixty is clearer"
    rule.draft.refresh_from_db()
    assert rule.draft.definition["if"]["all"][0]["value"] == -40

    second.press("show")
    second.press("save")  # she has seen it now
    assert second.page.status_code == 303
    rule.draft.refresh_from_db()
    assert rule.draft.definition["if"]["all"][0]["value"] == -60


def test_a_button_that_only_shows_does_not_overlook_the_other_editor() -> None:
    renata, cole = Desk(), Desk()
    rule = begun(renata.user)
    first, second = renata.write(rule), cole.write(rule)
    first.fill(priority="60").press("save")
    second.fill(priority="70").press("add:if.all").press("save")
    assert second.page.status_code == 409


def test_to_go_on_to_the_review_takes_nothing_over() -> None:
    renata, cole = Desk(), Desk()
    rule = begun(renata.user)
    cole.write(rule).press("review")
    rule.draft.refresh_from_db()
    assert rule.draft.by == renata.user


def test_script_gets_the_fields_alone() -> None:
    desk = Desk()
    form = desk.write(begun(desk.user))
    form.press("add:if.all", headers=HTMX)
    page = words(form.page)
    assert page.lstrip().startswith('<div id="rule-fields"')
    assert "<main" not in page
    assert re.search(r'<select id="if-all-1-fact"[^>]* autofocus', page)
    assert 'id="n-if-all-1"' in page
    assert 'id="rule-says"' in page
    assert 'hx-swap-oob="true"' in page


def test_a_published_rule_goes_on_from_what_it_says() -> None:
    desk = Desk()
    rule = live(by=desk.user)
    form = desk.write(rule)
    assert form_rows.definition_of(form.fields) == COMPLETE
    assert "name" not in form.fields  # that stays
    form.fill(held_back="20").press("save")
    assert rule.draft.based_on == 1


def test_an_ended_rule_is_not_edited() -> None:
    desk = Desk()
    rule = live(by=desk.user)
    rule_drafts.end(rule=rule, by=desk.user, as_of=make.NOW)
    assert desk.get("rule_edit", rule.pk)["Location"] == reverse("rule", args=[rule.pk])


def test_what_is_typed_for_a_discarded_rule_stays_and_may_be_a_new_one() -> None:
    renata, cole = Desk(name="Renata Moss"), Desk(name="Cole Park")
    rule = begun(renata.user)
    form = cole.write(rule).fill(IF__all__0__value="-60", reason="Sixty is clearer")
    renata.decide("rule_discard", rule)
    form.press("save")
    assert form.page.status_code == 409
    page = plain(form.page)
    assert "Renata Moss discarded this rule on" in page and "Make a new one to keep yours." in page
    assert "Save as a new rule" in page and "Saved now" not in page
    form.press("add:if.all", headers=HTMX)
    assert form.page.status_code == 409 and "Save as a new rule" in plain(form.page)
    assert (form.fields["if.all.0.value"], form.fields["reason"], form.fields["name"]) == (
        "-60", "Sixty is clearer", NAME,
    )  # fmt: skip
    form.press("new")
    made = Rule.objects.get()
    assert form.page["Location"] == reverse("rule_edit", args=[made.pk])
    assert made.draft.definition["if"]["all"][0]["value"] == -60
    assert (made.name, made.draft.reason, made.draft.by) == (NAME, "Sixty is clearer", cole.user)


def test_what_is_typed_for_an_ended_rule_stays_and_may_be_a_new_one() -> None:
    renata, cole = Desk(name="Renata Moss"), Desk(name="Cole Park")
    rule = live(by=renata.user)
    form = cole.write(rule).fill(IF__all__0__value="-60")
    renata.post("rule_end", rule.pk)
    for do in ("save", "review"):
        form.press(do)
        assert form.page.status_code == 409
        assert "Renata Moss ended this rule on" in plain(form.page)
        assert form.fields["if.all.0.value"] == "-60"
    form.fill(name=NAME).press("new")  # which stays taken
    assert form.page.status_code == 422
    assert form.fields["if.all.0.value"] == "-60"
    form.fill(name="At sixty").press("new")
    assert form.page.status_code == 303
    assert Rule.objects.get(name="At sixty").draft.definition["if"]["all"][0]["value"] == -60
    assert rule_drafts.of(rule) is None


def test_who_is_slower_by_a_moment_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule is there when the page looks, and gone when it is to be written."""
    renata, cole = Desk(name="Renata Moss"), Desk(name="Cole Park")
    rule = begun(renata.user)
    form = cole.write(rule).fill(priority="60")
    keep = rule_drafts.save

    def late(**said: Any) -> Any:
        renata.decide("rule_discard", rule)
        return keep(**said)

    monkeypatch.setattr(rule_drafts, "save", late)
    form.press("save")
    assert form.page.status_code == 409
    assert "Save as a new rule" in plain(form.page) and form.fields["priority"] == "60"


def test_a_rule_that_never_was_is_not_found() -> None:
    assert Desk().post("rule_edit", 987654, do="save").status_code == 404


def test_the_largest_rule_fits_into_one_form() -> None:
    """40 conditions with 50 values each."""
    leaf = {"fact": "market", "is": "one_of", "value": [f"m{n}" for n in range(50)]}
    definition = {"if": {"all": [leaf] * 40}}
    desk = Desk()
    form = desk.write(begun(desk.user))
    fields = dict(form_rows.fields_of(definition).lists())
    form.fields = MultiValueDict(dict(form.fields.lists()) | fields)
    form.press("save")
    assert form.page.status_code == 303, plain(form.page)[:500]
    assert len(Rule.objects.get().draft.definition["if"]["all"][39]["value"]) == 50


def test_a_rule_that_was_never_published_may_be_renamed() -> None:
    desk = Desk()
    rule = begun(desk.user)
    desk.write(rule).fill(name="Shorter").press("save")
    rule.refresh_from_db()
    assert rule.name == "Shorter"


def test_more_text_than_a_rule_can_hold_is_told_and_stays() -> None:
    desk = Desk()
    form = desk.write(begun(desk.user)).fill(then__0__effect="notice").press("change:then.0.effect")
    form.fill(then__0__text__en="x" * 20_001).press("save")
    assert form.page.status_code == 422
    assert "A rule has at most 20,000 characters" in plain(form.page)
    assert len(form.fields["then.0.text.en"]) == 20_001


# Review, and publishing it


def test_the_review_says_what_it_said_before(dana: Distributor) -> None:
    desk = Desk(name="Renata Moss")
    rule = live(by=desk.user)
    desk.write(rule).fill(IF__all__0__value="-70", priority="80").press("save")
    page = plain(desk.get("rule_review", rule.pk))
    now, before = page.partition("Before, v1 by Renata Moss")[::2]
    assert "70" in now
    assert "50" in before
    assert "Priority 50 to 80" in page


def test_above_the_limit_a_second_person_publishes(dana: Distributor) -> None:
    Policy.objects.update_or_create(pk=1, defaults={"approval_above": 0})
    everybody = COMPLETE | {"if": {"fact": "joined_days", "is": "at_least", "value": 0}}
    renata, cole = Desk(name="Renata Moss"), Desk(Role.HQ_APPROVER, name="Cole Park")
    rule = begun(renata.user, definition=everybody)
    assert "It reaches 1 person. Above 0 a second person approves it" in plain(renata.get("rule_review", rule.pk))
    assert renata.decide("rule_publish", rule, reason="At once").status_code == 422
    assert not rule.versions.exists()

    assert renata.decide("rule_ask", rule, reason="For everybody").status_code == 303
    assert "Waiting for approval" in plain(renata.get("rule_review", rule.pk))
    waits = r'Rules</span>\s*<span class="desk-menu-n">1<'
    assert re.search(waits, words(cole.get("rules")))
    assert not re.search(waits, words(renata.get("rules")))
    back = cole.decide("rule_send_back", rule, note="")
    assert back.status_code == 422
    assert cole.decide("rule_send_back", rule, note="Say it shorter").status_code == 303
    assert "Sent back: “Say it shorter”" in plain(renata.get("rule_edit", rule.pk))

    renata.decide("rule_ask", rule, reason="For everybody")
    page = plain(cole.get("rule_review", rule.pk))
    assert "Approve and publish" in page
    assert cole.decide("rule_publish", rule, reason="For everybody").status_code == 303
    version = rule.versions.get()
    assert (version.by, version.approved_by) == (renata.user, cole.user)
    assert "Renata Moss, approved by Cole Park" in plain(cole.get("rule", rule.pk))


def test_publishing_needs_a_reason_and_keeps_what_was_written() -> None:
    desk = Desk()
    rule = begun(desk.user)
    response = desk.decide("rule_publish", rule, reason=" ")
    assert response.status_code == 422
    assert "Say in a sentence why the rule changes." in plain(response)
    long = desk.decide("rule_publish", rule, reason="y" * 301)
    assert "y" * 301 in words(long)


def test_what_is_published_is_what_was_looked_at() -> None:
    renata, cole = Desk(name="Renata Moss"), Desk()
    rule = begun(renata.user)
    seen = rule_drafts.seen(rule)
    renata.write(rule).fill(priority="99").press("save")
    response = cole.decide("rule_publish", rule, reason="Now", revision=seen.revision)
    assert response.status_code == 409
    assert "Renata Moss saved the draft" in plain(response)
    assert not rule.versions.exists()


def test_what_is_published_is_what_was_counted(dana: Distributor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A save between the count and the lock: whatever the form says it has seen."""
    renata, cole = Desk(name="Renata Moss"), Desk()
    rule = begun(renata.user)
    seen = rule_drafts.seen(rule)
    counted = rule_review.reach

    def meanwhile(*args: Any) -> Any:
        monkeypatch.setattr(rule_review, "reach", counted)
        renata.write(rule).fill(priority="99").press("save")
        return counted(*args)

    monkeypatch.setattr(rule_review, "reach", meanwhile)
    response = cole.decide("rule_publish", rule, reason="Now", revision=seen.revision + 1)
    assert response.status_code == 409
    assert "Renata Moss saved the draft" in plain(response)
    assert not rule.versions.exists()


def test_what_is_resumed_is_what_was_counted(dana: Distributor, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(name="Renata Moss")
    rule = live(by=desk.user)
    desk.write(rule).fill(priority="99").press("save")
    publish(rule, desk.user)
    desk.post("rule_pause", rule.pk)
    counted = rule_shared.reach

    def meanwhile(*args: Any) -> Any:
        seen = rule_drafts.seen(rule)
        rule_drafts.restore(
            rule=rule, number=1, reason="It sold more", by=desk.user, as_of=make.NOW, seen=seen, reach=0
        )
        return counted(*args)

    monkeypatch.setattr(rule_shared, "reach", meanwhile)
    response = desk.post("rule_resume", rule.pk)
    assert response.status_code == 409
    assert "published version 3" in plain(response)
    rule.refresh_from_db()
    assert rule.state == "paused"


def test_the_review_says_how_far_it_goes_as_days_go_by(dana: Distributor) -> None:
    desk = Desk()
    old = {"fact": "joined_days", "is": "at_least", "value": 3000}
    page = plain(desk.get("rule_review", begun(desk.user, definition=COMPLETE | {"if": old}).pk))
    assert "1 person of 1 0 people today; up to 1 as days go by." in page
    only = {"effect": "eligible", "target": {"activity": "win-back"}}
    page = plain(desk.get("rule_review", begun(desk.user, "Only", COMPLETE | {"if": old, "then": [only]}).pk))
    assert "1 person of 1 It holds for 0 people today. It reaches everybody else too" in page
    assert "Only 0 people then see “Win … back”; 1 other person no longer does." in page
    assert "as days go by" not in page


def test_a_draft_is_discarded_and_the_live_version_stays() -> None:
    desk = Desk()
    rule = live(by=desk.user)
    desk.write(rule).fill(priority="60").press("save")
    assert desk.decide("rule_discard", rule)["Location"] == reverse("rule", args=[rule.pk])
    assert rule_drafts.of(rule) is None
    never = begun(desk.user, "Never published")
    assert desk.decide("rule_discard", never)["Location"] == reverse("rules")
    assert not Rule.objects.filter(name="Never published").exists()


# One rule


def test_a_rule_pauses_resumes_and_ends() -> None:
    desk = Desk()
    rule = live(by=desk.user)
    for name, state in (("rule_pause", "paused"), ("rule_resume", "live"), ("rule_end", "ended")):
        assert desk.post(name, rule.pk).status_code == 303
        rule.refresh_from_db()
        assert rule.state == state
        assert desk.get("rule", rule.pk).status_code == 200
    again = desk.post("rule_resume", rule.pk)
    assert again.status_code == 422
    assert "has ended. Make a new rule." in plain(again)


def test_an_earlier_version_is_brought_back_as_the_next() -> None:
    desk = Desk(name="Renata Moss")
    rule = live(by=desk.user)
    desk.write(rule).fill(IF__all__0__value="-70").press("save")
    publish(rule, desk.user, "Seventy")
    page = plain(desk.get("rule", rule.pk))
    assert "Bring back v1" in page
    assert "Bring back v2" not in page
    seen = rule_drafts.seen(rule)
    assert desk.post("rule_restore", rule.pk, 1, revision=seen.revision, version=seen.version).status_code == 422
    sent = desk.post(
        "rule_restore", rule.pk, 1, revision=seen.revision, version=seen.version, reason="Seventy was too many"
    )
    assert sent.status_code == 303
    newest = rule_drafts.newest_version(rule)
    assert newest is not None
    assert (newest.number, newest.definition["if"]["all"][0]["value"]) == (3, -50)
    assert "Back to version 1. Seventy was too many" in plain(desk.get("rule", rule.pk))
    assert desk.post("rule_restore", rule.pk, 99, version=3).status_code == 422


def test_the_list_counts_those_for_whom_it_acted(dana: Distributor) -> None:
    rule = live()
    shared = {"rule": rule, "version": rule.versions.get(), "facts": []}
    Firing.objects.create(**shared, distributor=dana, day=make.TODAY, at=make.NOW, held_back=True)
    assert rules.fired_lately([rule], make.NOW) == {}
    day = make.TODAY - timedelta(days=1)
    Firing.objects.create(**shared, distributor=dana, day=day, at=make.NOW - timedelta(days=1))
    assert rules.fired_lately([rule], make.NOW) == {rule.pk: 1}


def test_its_page_names_for_whom_it_fired_without_her_figures(dana: Distributor) -> None:
    rule = live()
    Firing.objects.create(
        rule=rule, version=rule.versions.get(), distributor=dana, day=make.TODAY, at=make.NOW,
        facts=[["all.0", -62.0], ["all.9", 1]], held_back=True,
    )  # fmt: skip
    page = plain(Desk(Role.HQ_VIEWER).get("rule", rule.pk))
    assert "Dana Diaz" in page
    assert "Held back" in page
    assert "27 August" in page.partition("Held back")[2]
    # Figures stand where the look is written down.
    assert "62" not in page.partition("Fired of late")[2]
    assert reverse("rule_person", args=[rule.pk, dana.pk]) in words(Desk(Role.HQ_VIEWER).get("rule", rule.pk))


# Who


@pytest.mark.parametrize("name", ["rules", "rule", "rule_review", "rule_schema"])
def test_viewers_read(name: str) -> None:
    rule = begun(make.user(Role.HQ_EDITOR))
    page = Desk(Role.HQ_VIEWER).get(name, *([rule.pk] if name in {"rule", "rule_review"} else []))
    assert page.status_code == 200
    assert "rule-new" not in words(page)
    assert "Publish v1" not in words(page)
    assert reverse("rule_edit", args=[rule.pk]) not in words(page)


@pytest.mark.parametrize("role", [Role.TRAINER, Role.OPERATOR, Role.INTEGRATOR, Role.DISTRIBUTOR, Role.LEADER])
def test_for_anybody_else_they_are_not_there(role: Role) -> None:
    rule = live()
    desk = Desk(role)
    assert desk.get("rules").status_code == 404
    assert desk.get("rule", rule.pk).status_code == 404
    assert desk.get("rule_edit", rule.pk).status_code == 404
    assert desk.post("rule_pause", rule.pk).status_code == 404


@pytest.mark.parametrize("name", ["rule_edit", "rule_ask", "rule_publish", "rule_send_back", "rule_discard",
                                  "rule_pause", "rule_resume", "rule_end"])  # fmt: skip
def test_viewers_change_nothing(name: str) -> None:
    rule = live()
    assert Desk(Role.HQ_VIEWER).post(name, rule.pk, do="save").status_code == 404
    assert Desk(Role.HQ_VIEWER).post("rule_new", name="Mine").status_code == 404
    rule.refresh_from_db()
    assert rule.state == Rule.State.LIVE


# Queries


def test_the_list_asks_as_often_for_many_rules_as_for_few(
    django_assert_max_num_queries: Any, dana: Distributor
) -> None:
    desk = Desk()
    live()
    desk.get("rules")
    with django_assert_max_num_queries(100) as few:
        desk.get("rules")
    for n in range(8):
        live(f"Rule {n}", COMPLETE | {"priority": n + 1})
        begun(desk.user, f"Draft {n}")
    desk.get("rules")
    with django_assert_max_num_queries(100) as many:
        desk.get("rules")
    assert len(many) <= len(few) + 2, [query["sql"][:120] for query in many.captured_queries]


def test_a_press_asks_for_little(django_assert_max_num_queries: Any) -> None:
    desk = Desk()
    form = desk.write(begun(desk.user))
    form.press("show", headers=HTMX)
    with django_assert_max_num_queries(20) as found:
        form.press("add:if.all", headers=HTMX)
    assert len(found) <= 16, [query["sql"][:120] for query in found.captured_queries]
