"""Merge fields: whatever is known, a message never shows a hole, a half sentence or a stray blank."""

from __future__ import annotations

import re

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.messages import words
from distributors import blanks
from distributors.reorder import Due
from tests import factories as make

ALL = {
    "name": "Maya", "full_name": "Maya Brooks", "me": "Jenna", "company": "YouSystem", "product": "Lumen Liner",
    "line": "Eyes", "days": "34", "usual": "5 weeks", "link": "https://you.example/s/a.b?c=1",
}  # fmt: skip
TEMPLATE = "Hi[ {name}], your {product} should be nearly used up. Shall I put one aside[, as every {usual}]? {me}"


def said(template: str, *known: str) -> str:
    return words.render(template, {name: ALL[name] for name in known})


def test_it_works() -> None:
    assert words.problems(TEMPLATE) == []
    assert words.render(TEMPLATE, ALL) == (
        "Hi Maya, your Lumen Liner should be nearly used up. Shall I put one aside, as every 5 weeks? Jenna"
    )
    assert (
        said(TEMPLATE, "me", "product") == "Hi, your Lumen Liner should be nearly used up. Shall I put one aside? Jenna"
    )
    assert said(TEMPLATE, "name") == "Shall I put one aside?"


@pytest.mark.parametrize(("template", "known", "text"), [
    ("Hi {name|there}, how are you?", "", "Hi there, how are you?"),
    ("Hi [{name}], how are you?", "", "Hi, how are you?"),
    ("[{name}, ]how are you?", "", "How are you?"),
    ("¿[{name}, ]cómo estás?", "", "¿Cómo estás?"),
    ("Are you there, [{name}]?", "", "Are you there?"),
    ("So ([{product}]) it is.", "", "So it is."),
    ("One[, {product}], two.", "", "One, two."),
    ("the [ {line} ]products", "", "the products"),
    ("Dear {name},\n\nall is well.", "", "all is well."),
    ("[{name}]!\n\nAll is well.", "", "All is well."),
    ("All is well.\n\n{product}\n\nBye.", "", "All is well.\n\nBye."),
    ("[Your {product} is due. ]Shall I order?", "", "Shall I order?"),
    ("[Your {product} is due. ]Shall I order?", "product", "Your Lumen Liner is due. Shall I order?"),
    ("Hello.[ Your {product} is due.] Bye.", "", "Hello. Bye."),
    ("[Your {product} is due. ]Hello {me}", "product", "Your Lumen Liner is due."),
    ("Here it is: {link}", "", ""),
    ("Here: {link}. Bye.", "link", "Here: https://you.example/s/a.b?c=1. Bye."),
    # What ends no sentence: an abbreviation, a day, a quotation that goes on, a number.
    ("We have some, e.g. {product}. Bye.", "", "Bye."),
    ("Wir sehen uns am 5. {product} kommt mit. Bis bald.", "", "Bis bald."),
    ("“Nice {product}. Really.” she said. Bye.", "", "Bye."),
    ("It is $3.50 for {product}. Bye.", "", "Bye."),
    ("Well... maybe the {product}. Bye.", "", "Bye."),
    ("See you  soon , then .", "", "See you soon, then."),
    ("Windows\r\nlines {me}", "", "Windows"),
])  # fmt: skip
def test_what_is_left_out(template: str, known: str, text: str) -> None:
    assert words.problems(template) == []
    assert said(template, *known.split()) == text


def test_a_value_is_only_text() -> None:
    odd = {"name": "  {me} [x]\n\ue000 Eve ", "me": "", "product": "Serum No. 5."}
    assert words.render("Hi {name}. I like {product}. {me}", odd) == "Hi me x Eve. I like Serum No. 5."
    assert words.render("Hi {name}", {"name": "{}"}) == ""


@pytest.mark.parametrize(("template", "sentence"), [
    ("Hi {nmae}", "{nmae} is not a field. The fields are: {name}, {full_name}, {me}, {company}, {product}, {line}, {days}, "
     "{usual}, {link}."),
    ("Hi {Name}", "{Name} is not a field."),
    ("Hi {}", "{} is not a field."),
    ("Hi {name|}", "Write after the bar in {name|} the word that stands in for it."),
    ("Hi {name", "Each { needs its }"),
    ("Hi name}", "Each { needs its }"),
    ("Hi {{name}}", "Each { needs its }"),
    ("Hi [{name}", "Each [ needs its ] in the same line."),
    ("Hi [{name}\n]", "Each [ needs its ] in the same line."),
    ("Hi {name]}", "Each { needs its }"),
    ("Hi [my [{name}]]", "Brackets do not stand within brackets."),
    ("Hi [you]", "[you] has no field"),
    ("Great news [about {product}.] Bye.", "[about {product}.] tears a sentence"),
    ("Hi. [Your {product} is here. And] more.", "[Your {product} is here. And] tears a sentence"),
])  # fmt: skip
def test_what_is_wrong_is_told_in_a_sentence(template: str, sentence: str) -> None:
    found = words.problems(template)
    assert any(sentence in one for one in found), found
    assert all(one.endswith(".") for one in found)


def test_the_same_is_told_once() -> None:
    assert len(words.problems("{x} {x}\n{x}")) == 1


# For any template and whatever is known

# Each sentence is told by a number at its beginning and its end: a half one lacks one of them.
plain = st.sampled_from(["alpha", "beta", "e.g.", "Zoë", "3.5", "and", "niño", "“quoted”", "(aside)", "5.", "gamma"])
fields = st.builds(
    lambda name, word: f"{{{name}{'|' + word if word else ''}}}",
    st.sampled_from(words.FIELDS), st.sampled_from(["", "", "", "friend", "good soul"]),
)  # fmt: skip
piece = st.one_of(plain, plain, fields)
optional = st.builds(
    lambda before, inner, name, after: f"{before}[{inner}{{{name}}}{after}]",
    st.sampled_from(["", " "]), st.sampled_from(["", " ", ", ", " with ", "("]), st.sampled_from(words.FIELDS),
    st.sampled_from(["", " ", ", ", " too"]),
)  # fmt: skip
inside = st.lists(st.tuples(st.one_of(piece, piece, optional), st.sampled_from([" ", " ", "  ", ", "])), max_size=5)


@st.composite
def sentence(draw: st.DrawFn, number: int) -> str:
    middle = "".join(part + gap for part, gap in draw(inside))
    return f"Begin{number} {middle}end{number}{draw(st.sampled_from(['.', '?', '!', '…', '?!', '.”']))}"


@st.composite
def templates(draw: st.DrawFn) -> str:
    greeting = draw(
        st.sampled_from(
            ["", "Hi {name},\n\n", "Hi[ {name}],\n\n", "Hi [{name}],\n", "[{name}],\n", "Hi {name|there}:\n"]
        )
    )
    parts = [greeting]
    for number in range(1, 1 + draw(st.integers(0, 4))):
        one = draw(sentence(number))
        if draw(st.booleans()) and "[" not in one and blanks.TOKEN.search(one) and not one.endswith(("…", "”")):
            one = f"[{one}]"
        parts.append(one + draw(st.sampled_from([" ", " ", "\n", "\n\n", "  "])))
    return "".join(parts) + draw(st.sampled_from(["", "\n\n{me}", "{me}", "\n[Bye, {me}]"]))


def holes(text: str) -> list[str]:
    """What must never be in a message."""
    wrong = {
        "a brace or bracket": r"[\[\]{}]", "None": r"\bNone\b", "two blanks": r"[^\S\n]{2}",
        "a blank before punctuation": r"\s[,.;!?…](?!\w)", "two commas": r",\s*,", "a comma at the end": r",[ ]*[.!?]",
        "an empty greeting": r"(?m)^\W+$", "blanks at an end": r"(?m)^[^\S\n]|[^\S\n]$", "a gap": r"\n{3}",
        "an empty pair": r"\(\s*\)",
    }  # fmt: skip
    return [what for what, pattern in wrong.items() if re.search(pattern, text)]


@settings(max_examples=400, deadline=None)
@given(templates(), st.sets(st.sampled_from(words.FIELDS)))
def test_never_a_hole_nor_a_half_sentence(template: str, known: set[str]) -> None:
    if words.problems(template):
        return
    text = said(template, *known)
    assert holes(text) == []
    begun, ended = re.findall(r"Begin(\d)", text), re.findall(r"end(\d)", text)
    assert begun == ended
    # With everything known nothing is left out.
    assert re.findall(r"Begin(\d)", words.render(template, ALL)) == re.findall(r"Begin(\d)", template)


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet='[]{}|. ,!?\n\r\t ()“”"nameproductX15é\ue000\U000f0001\U00100000', max_size=80),
    st.sets(st.sampled_from(words.FIELDS)),
)
def test_whatever_is_typed_nothing_breaks(template: str, known: set[str]) -> None:
    text = said(template, *known)
    assert not re.search(r"[\[\]{}]|[^\S\n]{2}|\n{3}|[\ue000-\uf8ff\U000f0000-\U0010ffff]", text)
    assert all(problem.endswith(".") for problem in words.problems(template))


def test_what_is_accepted_is_most_of_it() -> None:
    """The property above is not empty: the templates it draws are accepted."""
    for template in (
        "Begin1 alpha [ with {product}, ]end1. [Begin2 {name} end2.] {me}",
        "Hi [{name}],\nBegin1 {days} end1?",
    ):
        assert words.problems(template) == []


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["[", "{", "{a|", "[{", "“", "(", ". ", "[{name}.]", "{name}", "a."]), st.integers(1, 20_000))
def test_no_text_is_slow(part: str, times: int) -> None:
    """Bounded by its length; a quadratic one would not come to an end here."""
    text = (part * times)[: blanks.LONGEST]
    assert words.render(text, ALL) is not None


# What is known of a customer


@pytest.mark.django_db
class TestFields:
    def test_it_works(self) -> None:
        her = make.distributor(name="Jenna Reyes")
        maya = make.customer(her, name="Maya  Brooks", usual_gap_days=35.0, last_order_on=make.TODAY.replace(day=1))
        facts: dict[str, object] = {"product": "Lumen Liner", "line_name": "Eyes", "days_since_order": 26}
        known = words.fields_of(her, maya, due=Due(maya, "reorder_due", 0.5, facts), link="https://x.example/s/1")
        assert known == {
            "name": "Maya", "full_name": "Maya Brooks", "me": "Jenna", "company": "YouSystem", "product": "Lumen Liner",
            "line": "Eyes", "days": "26", "usual": "5 weeks", "link": "https://x.example/s/1",
        }  # fmt: skip

    def test_of_a_new_name_only_the_name(self, django_assert_num_queries: object) -> None:
        her = make.distributor(name="Jenna Reyes")
        known = words.fields_of(her, make.customer(her, name="Maya"), as_of=make.NOW)
        assert known == {"name": "Maya", "full_name": "Maya", "me": "Jenna", "company": "YouSystem"}

    def test_her_number_in_the_shop_is_no_name(self) -> None:
        her = make.distributor()
        assert "name" not in words.fields_of(her, make.customer(her, name="", external_id="c-4711"))
        assert words.fields_of(her, make.customer(her, name="Household 900"))["name"] == "Household 900"

    def test_the_last_product_where_no_reason_names_one(self) -> None:
        her = make.distributor()
        maya = make.customer(her)
        for sku, line, day in (("EYE-1", "eye", 20), ("LIP-1", "lip", 24)):
            product = make.product(sku, name=f"{sku} name", line=make.product_line(line))
            maya.lines.create(
                line=product.line,
                distributor=her,
                orders=1,
                last_on=make.TODAY.replace(day=day),
                product=product,
                amount=1,
            )
        known = words.fields_of(her, maya)
        assert (known["product"], known["line"]) == ("LIP-1 name", "Lip")

    def test_of_an_open_basket_what_is_in_it(self) -> None:
        her = make.distributor()
        maya = make.customer(her)
        due = Due(maya, "open_basket", 1, {"product": "Old", "basket_product": "Lip tint"})
        assert words.fields_of(her, maya, due=due)["product"] == "Lip tint"

    @pytest.mark.parametrize(("ago", "told"), [(0, None), (1, None), (2, "2"), (34, "34")])
    def test_days_are_told_from_two(self, ago: int, told: str | None) -> None:
        her = make.distributor()
        ordered = make.customer(her, last_order_on=make.TODAY.fromordinal(make.TODAY.toordinal() - ago))
        assert words.fields_of(her, ordered, as_of=make.NOW).get("days") == told
        assert "days" not in words.fields_of(her, ordered)

    def test_spans_are_in_the_language_of_the_message(self) -> None:
        her = make.distributor()
        maya = make.customer(her, usual_gap_days=35.0)
        with translation.override("de"):
            assert words.fields_of(her, maya)["usual"] == "5 Wochen"
