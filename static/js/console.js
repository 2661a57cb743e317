/* The console: sliders, numbers and locks that share out 100 points. Without this file the numbers are typed and checked by
   the server; what would change is then a button. Nothing here decides anything that the server does not check. */
(() => {
  "use strict";
  const POINTS = 100;
  const $ = (selector, root = document) => root.querySelector(selector);
  const form = $("#console");
  const clamp = (n, low, high) => Math.min(high, Math.max(low, n));
  const whole = (text) => Math.round(Number(text)) || 0;
  let leaving = false;

  /* Forms that cannot be taken back ask first. */
  const dialog = $("#ask");
  if (dialog) {
    let asking = null;
    document.addEventListener("submit", (event) => {
      const said = event.target.dataset.ask;
      if (!said || event.target === asking) return;
      event.preventDefault();
      asking = event.target;
      $("#ask-said").textContent = said;
      $("#ask-yes").textContent = event.submitter.firstChild.textContent;
      dialog.returnValue = "no";
      dialog.showModal();
    });
    dialog.addEventListener("close", () => {
      const one = asking;
      if (one && dialog.returnValue === "yes") {
        leaving = "drops" in one.dataset;
        return one.submit();
      }
      asking = null;
    });
  }

  /* A panel that did not load says so above what it showed last. */
  const failed = (event) => tell(event.target, false);
  const loaded = (event) => event.detail.successful && tell(event.target, true);
  const tell = (panel, fine) => {
    const at = panel.dataset && panel.dataset.failed;
    if (at) document.getElementById(at).hidden = fine;
  };
  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(name, failed);
  document.addEventListener("htmx:afterRequest", loaded);

  const summary = $("[data-summary]");
  if (summary) summary.focus();

  if (!form || !$(".w:enabled", form)) return;

  /* One row a KPI: `points` is the truth, number and slider show it. */
  const rows = [...form.querySelectorAll("[data-kpi]")].map((box) => ({
    box,
    number: $(".w", box),
    slider: $("input[type=range]", box),
    bar: $(".v", box),
    lock: $(".icb", box),
    keep: $(".keep", box),
    points: clamp(whole($(".w", box).value), 0, POINTS),
    locked: $(".icb", box).getAttribute("aria-pressed") === "true",
  }));
  /* What has points now or in the draft takes some back from 0; what never had any waits until somebody gives it some. */
  for (const row of rows) row.weighs = "counts" in row.box.dataset || row.points > 0;
  const more = $("#more");
  const offered = (row) => !more || more.open || !more.contains(row.box);

  /* What `amount` points are for each of `parts` (weights, not all zero): whole numbers, the largest remainders first. */
  const sharedOut = (amount, parts) => {
    const sum = parts.reduce((a, b) => a + b, 0);
    const exact = parts.map((part) => (amount * part) / sum);
    const found = exact.map(Math.floor);
    const left = amount - found.reduce((a, b) => a + b, 0);
    const order = exact.map((_, i) => i).sort((a, b) => exact[b] - found[b] - (exact[a] - found[a]) || a - b);
    for (const i of order.slice(0, left)) found[i] += 1;
    return found;
  };

  /* While one control moves, the others are shared out from where they stood when it began: back again is back again. */
  let gesture = null;
  const begin = (row) => {
    if (!gesture || gesture.row !== row) gesture = { row, from: rows.map((one) => one.points) };
    return gesture.from;
  };

  const partsOf = (others, from) => {
    const parts = others.map((row) => from[rows.indexOf(row)]);
    return parts.some((part) => part > 0) ? parts : others.map((row) => (row.weighs ? 1 : 0));
  };

  const move = (row, wanted) => {
    const from = begin(row);
    const before = (some) => some.reduce((sum, one) => sum + from[rows.indexOf(one)], 0);
    const others = rows.filter((one) => one !== row && !one.locked);
    const room = Math.max(0, POINTS - before(rows.filter((one) => one !== row && one.locked)));
    const parts = partsOf(others, from);
    const taken = parts.some((part) => part > 0);
    row.points = taken || others.some(offered) ? clamp(wanted, 0, room) : room;
    /* Points that were missing are given before any are taken from the others. */
    const held = before(others);
    const left = room - row.points;
    const theirs = held && before(rows) < POINTS ? Math.min(left, held) : left;
    if (taken) sharedOut(theirs, parts).forEach((points, i) => (others[i].points = points));
    show();
    form.dispatchEvent(new Event("moved", { bubbles: true }));
  };

  const show = () => {
    for (const row of rows) {
      row.number.value = row.slider.value = row.points;
      row.number.readOnly = row.slider.disabled = row.locked;
      row.bar.setAttribute("width", `${row.points}%`);
      row.lock.setAttribute("aria-pressed", String(row.locked));
      row.lock.setAttribute("aria-label", row.lock.dataset.label.replace("{n}", row.points));
      row.keep.disabled = !row.locked;
    }
    const total = rows.reduce((sum, row) => sum + row.points, 0);
    $("#total").textContent = total;
    $("#total").classList.toggle("off", total !== POINTS);
    mark();
  };

  for (const row of rows) {
    row.slider.addEventListener("input", () => move(row, whole(row.slider.value)));
    row.number.addEventListener("change", () => move(row, clamp(whole(row.number.value), 0, POINTS)));
    row.lock.addEventListener("click", () => {
      row.locked = !row.locked;
      gesture = null;
      show();
    });
  }

  /* Their own goals, 50 to 100: the slider moves over the right half of the bar, where the floor ends it. */
  const share = $(".share", form);
  const slider = $("#share-slider");
  const split = (wanted) => {
    const own = clamp(wanted, Number(slider.min), POINTS);
    share.value = slider.value = own;
    $("#rest").textContent = POINTS - own;
    $(".own .o1").setAttribute("width", `${own}%`);
    $(".own .o2").setAttribute("x", `${own}%`);
    $(".own .o2").setAttribute("width", `${POINTS - own}%`);
    mark();
    form.dispatchEvent(new Event("moved", { bubbles: true }));
  };
  slider.addEventListener("input", () => split(whole(slider.value)));
  share.addEventListener("change", () => split(whole(share.value)));

  /* Enter in a number settles it; it does not save. */
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input[type=number]")) return;
    event.preventDefault();
    event.target.dispatchEvent(new Event("change", { bubbles: true }));
  });

  /* What is unsaved is marked, and leaving it asks; saving does not. */
  const entered = () => JSON.stringify([rows.map((row) => [row.points, row.locked]), share.value]);
  const saved = entered();
  const unsaved = () => "unsaved" in form.dataset || entered() !== saved;
  const mark = () => $("#unsaved").classList.toggle("off", !unsaved());
  mark();
  form.addEventListener("submit", () => (leaving = true));
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && unsaved()) event.preventDefault();
  });
  window.addEventListener("pageshow", () => (leaving = false));

  for (const row of rows) row.slider.disabled = row.number.readOnly = row.locked;
})();
