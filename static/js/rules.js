/* The builder of a rule. Without this file every button loads the page again and the counts are a page of their own; with it
   htmx swaps the fields in place, and this keeps focus, what was typed meanwhile, and the mark of what is not saved. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const form = $("#rule-form");
  const summary = $("[data-summary]");
  if (summary) summary.focus();
  if (!form) return;
  let leaving = false;

  /* The fields by name, without the token: what is compared, and what is put back. */
  const said = () => {
    const found = {};
    for (const [name, value] of new FormData(form)) {
      if (name !== "csrfmiddlewaretoken") (found[name] = found[name] || []).push(value);
    }
    return found;
  };
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

  /* Not saved: marked, and leaving asks. */
  const saved = said();
  const unsaved = () => "unsaved" in $("#rule-fields").dataset || !same(said(), saved);
  const mark = () => $("#unsaved").classList.toggle("off", !unsaved());
  form.addEventListener("submit", () => (leaving = true));
  window.addEventListener("pageshow", () => (leaving = false));
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && unsaved()) event.preventDefault();
  });

  /* Ten people and the last seven days are of what the form said when they were asked for. Whatever changes the rule takes
     them away, and what is still on its way; so does asking for the other one. */
  const answers = ["rule-people", "rule-replay"];
  const forget = (but) => {
    for (const button of document.querySelectorAll("[data-asks]")) {
      if (button !== but) button.dispatchEvent(new Event("htmx:abort", { bubbles: true }));
    }
    for (const id of answers) document.getElementById(id)?.replaceChildren();
  };
  document.addEventListener("htmx:beforeRequest", (event) => "asks" in event.target.dataset && forget(event.target));
  /* The answer is brought into sight, and read from its heading on. */
  document.addEventListener("htmx:afterSwap", (event) => {
    if (!answers.includes(event.detail.target.id)) return;
    const heading = $("h2", event.detail.target);
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    event.detail.target.scrollIntoView({ block: "start" });
  });

  /* The counts follow 300 ms after the last change (hx-trigger of #rule-check). */
  const moved = (event) => {
    mark();
    if (!event || !["name", "reason"].includes(event.target.name)) forget();
    form.dispatchEvent(new Event("moved", { bubbles: true }));
  };
  form.addEventListener("input", moved);
  form.addEventListener("change", moved);

  /* While the fields are on their way, somebody goes on typing: that is put into those that come, and her hand stays there. */
  let asked = null;
  let from = "";
  let hand = null;
  const ours = (event) => event.detail.target && event.detail.target.id === "rule-fields";
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!ours(event)) return;
    asked = said();
    from = document.activeElement.id;
  });
  let later = {};
  let counted = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!ours(event)) return;
    // What is refused is shown as well.
    if (event.detail.xhr.status === 422 || event.detail.xhr.status === 409) event.detail.shouldSwap = true;
    counted = [...form.querySelectorAll(".cnt > [id]")].map((one) => [one.id, one.textContent]);
    const at = document.activeElement;
    hand = at.id && at.id !== from && form.contains(at) ? [at.id, at.type === "number" ? null : at.selectionStart] : null;
    const now = said();
    later = Object.fromEntries(Object.entries(now).filter(([name, values]) => !same(values, (asked || {})[name])));
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (!event.detail.elt || event.detail.elt.id !== "rule-fields") return;
    const redraw = [];
    for (const [name, values] of Object.entries(later)) {
      const field = form.elements.namedItem(name);
      if (!field || !("value" in field) || field.type === "hidden" || values.length !== 1) continue;
      field.value = values[0];
      // Its own request went with the field that was swapped away.
      if (field.hasAttribute("hx-post")) redraw.push(field);
    }
    later = {};
    for (const field of redraw) field.dispatchEvent(new Event("change", { bubbles: true }));
    // What was counted stands until the new counts are there, so that rows keep their shape.
    for (const [id, text] of counted) if (document.getElementById(id)) document.getElementById(id).textContent = text;
    const next = (hand && document.getElementById(hand[0])) || $("[autofocus]", event.detail.elt);
    if (next) next.focus();
    if (hand && next && hand[1] != null) next.setSelectionRange(hand[1], hand[1]);
    moved();
  });

  /* The counts come with the sentence of what is typed: it stands above the form. */
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "rule-check") return;
    const found = $(".rc-said", event.detail.target);
    const says = $("#rule-says");
    says.textContent = found ? found.textContent : says.dataset.later;
    says.classList.toggle("none", !found);
  });

  /* A panel that did not load says so above what it showed last. */
  const tell = (event, fine) => {
    const at = event.target.dataset && event.target.dataset.failed;
    if (at) document.getElementById(at).hidden = fine;
  };
  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => tell(event, false));
  }
  document.addEventListener("htmx:afterRequest", (event) => event.detail.successful && tell(event, true));
})();
