/* Keys, the undo bar's ten seconds, small menus, copy and share. Everything works without this file. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const typing = (node) => node.closest("input, textarea, select, [contenteditable]");

  /* Undo bar: ten seconds, longer while it is looked at. */
  let timer;
  const startClock = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const bar = $("#undo .toast");
      if (!bar) return;
      if (bar.matches(":hover") || bar.contains(document.activeElement)) return startClock();
      bar.remove();
    }, 10000);
  };
  document.addEventListener("htmx:oobAfterSwap", (event) => {
    if (event.detail.target && event.detail.target.id === "undo") startClock();
  });
  if ($("#undo .toast")) startClock();

  /* Keys. */
  const current = () => {
    const at = document.activeElement && document.activeElement.closest("[data-row]");
    return at || rows()[0];
  };
  const move = (step) => {
    const all = rows();
    const at = all.findIndex((row) => row.contains(document.activeElement));
    const row = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + step))];
    const link = row && $("a[href], button", row);
    if (link) link.focus();
  };
  const post = (row, verb) => {
    const button = $(`[data-do=${verb}]`, row);
    if (button) return button.click();
    const url = row.dataset[verb];
    if (url) htmx.ajax("POST", url, { source: row, target: row, swap: "outerHTML", values: { in: row.dataset.row } });
  };
  const help = () => {
    const dialog = $("#keys");
    if (dialog && !dialog.open) dialog.showModal();
  };
  const actions = {
    j: () => move(1),
    k: () => move(-1),
    e: () => current() && post(current(), "done"),
    h: () => current() && post(current(), "later"),
    z: () => {
      const button = $("#undo button[data-do=undo]") || $("[data-do=undo]");
      if (button) button.click();
    },
    "/": () => {
      const box = [...document.querySelectorAll("input[type=search]")].find((input) => input.offsetParent);
      if (box) box.focus();
      else if ($("[data-search]")) $("[data-search]").click();
    },
    "?": help,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || $("dialog[open]")) return;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  /* One menu open at a time; a click outside or Escape closes it. */
  const closeMenus = (except) =>
    document.querySelectorAll("details.menu[open]").forEach((menu) => menu !== except && menu.removeAttribute("open"));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = $("details.menu[open]");
    closeMenus();
    if (menu) $("summary", menu).focus();
  });

  document.addEventListener("click", async (event) => {
    const menu = event.target.closest("details.menu");
    closeMenus(menu);
    /* The bar's undo is the row's own undo while that row is still here, so that nothing else moves. */
    const undo = event.target.closest("#undo form button");
    const own = undo && $(`[data-row] form[action="${undo.form.getAttribute("action")}"] button`);
    if (own) {
      event.preventDefault();
      return own.click();
    }
    const at = event.target.closest("[data-copy], [data-share], [data-close], [data-way]");
    if (!at || at.closest("#check")) return;
    if ("close" in at.dataset) return at.closest("dialog").close();
    /* The link itself opens her own phone's app; the card then asks whether it was sent. */
    if (at.dataset.start) htmx.ajax("POST", at.dataset.start, { source: document.body, swap: "none" });
    if ("way" in at.dataset) return;
    const text = ($(at.dataset.copy || at.dataset.share) || {}).textContent || "";
    try {
      if (at.dataset.share) await navigator.share({ text: text.trim() });
      else await navigator.clipboard.writeText(text.trim());
    } catch {
      return;
    }
    const said = $("[data-said]", at);
    if (said) said.textContent = at.dataset.done;
  });
  /* Share is offered only where the phone has a share sheet. */
  if (navigator.share) document.querySelectorAll("[data-share]").forEach((button) => button.removeAttribute("hidden"));
  if (navigator.clipboard) document.querySelectorAll("[data-copy]").forEach((button) => button.removeAttribute("hidden"));

  /* What cannot be undone is asked about once more; without script its own page has asked. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-ask]");
    const dialog = button && $(button.dataset.ask);
    if (!dialog) return;
    event.preventDefault();
    $("[data-yes]", dialog).setAttribute("form", button.form.id);
    dialog.showModal();
  });

  /* What she types stays on this device until it is saved, sent or replaced on purpose: a message by the address of its
     sheet, a note by its form. All of it goes when she signs out, or when somebody is erased. */
  const FORTNIGHT = 14 * 864e5;
  const kept = {
    get(key) {
      try {
        const one = JSON.parse(sessionStorage.getItem(key));
        return one && Date.now() - one.at < FORTNIGHT ? one.said : null;
      } catch {
        return null;
      }
    },
    set(key, said) {
      try {
        if (said) sessionStorage.setItem(key, JSON.stringify({ at: Date.now(), said }));
        else sessionStorage.removeItem(key);
      } catch {
        /* no room, or not allowed: then nothing is kept */
      }
    },
  };
  const sheetKey = () => `kept:${location.pathname}${location.search}`;
  const noteKey = (form) => `kept:${form.getAttribute("action")}`;
  const remember = () => {
    const form = draft();
    const said = form && Object.fromEntries(new FormData(form));
    if (said) delete said.csrfmiddlewaretoken;
    const box = form && form.elements.subject;
    const own = form && (said.text.trim() !== said.was.trim() || said.kept || (box && box.value !== box.defaultValue));
    kept.set(sheetKey(), own ? said : null);
  };
  const putBack = () => {
    const form = draft();
    const said = form && kept.get(sheetKey());
    if (form && said) {
      form.elements.text.value = said.text;
      htmx.ajax("POST", form.getAttribute("action"), {
        source: form, target: "#sheet", swap: "outerHTML", values: { ...said, do: "draft" },
      });
    } else if ($("#sheet")) kept.set(sheetKey(), null);
  };
  const putNotesBack = () =>
    document.querySelectorAll("form[data-keep]").forEach((form) => {
      const box = $("textarea", form);
      if (!box.value) box.value = kept.get(noteKey(form)) || "";
    });
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-draft]")) return remember();
    const form = event.target.closest("form[data-keep]");
    if (form) kept.set(noteKey(form), event.target.value);
  });
  document.addEventListener("htmx:load", (event) => {
    if (event.detail.elt !== document.body) return;
    putBack();
    putNotesBack();
  });
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const form = detail.xhr.status < 400 && detail.requestConfig.elt;
    if (form && form.matches("form[data-keep]")) kept.set(noteKey(form), null);
  });
  document.addEventListener("htmx:afterSwap", ({ target, detail }) => {
    if (target.id === "sheet" && detail.requestConfig.parameters.do !== "draft") remember();
    if (target.id === "notes") putNotesBack();
  });
  document.addEventListener("submit", (event) => {
    if (event.target.matches("form[action$='/logout/'], form[action$='/erase/']")) sessionStorage.clear();
  });

  /* The message sheet. Its ways are held while the text they were made of is not the one in the box. */
  const draft = () => $("#sheet form[data-opened]");
  const grow = (area) => {
    area.rows = 4;
    while (area.rows < 20 && area.scrollHeight > area.clientHeight + 2) area.rows += 1;
  };
  const held = (on) => document.querySelectorAll("#check [data-ways]").forEach((ways) => (ways.inert = on));
  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-draft]")) return;
    if (event.target.matches("textarea")) grow(event.target);
    held(true);
    htmx.trigger(draft(), "htmx:abort");
  });
  const prepare = (root) => {
    root.querySelectorAll("[data-way][hidden]").forEach((way) => {
      if (way.dataset.way === "share" ? navigator.share : navigator.clipboard) way.removeAttribute("hidden");
    });
    root.querySelectorAll("textarea[data-draft]").forEach(grow);
  };
  prepare(document);
  document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));

  /* Her text is kept while the app opens, also when this page goes. Back here, "Sent it?" takes the place of the ways. */
  let asked, away;
  const keep = (way) => {
    const form = draft();
    const body = new FormData(form);
    body.set("channel", way.dataset.way);
    const answer = fetch(form.dataset.opened, { method: "POST", body, keepalive: true, headers: { "HX-Request": "true" } });
    asked = answer.then((response) => (response.ok || response.status === 422 ? response.text() : Promise.reject()));
    asked.catch(() => 0);
    answer.then((response) => response.ok && !response.redirected && kept.set(sheetKey(), null)).catch(() => 0);
    away = setTimeout(() => document.hidden || ask(), 4000);
  };
  const ask = async () => {
    const answer = asked;
    asked = null;
    clearTimeout(away);
    if (!answer || !$("#check")) return;
    try {
      htmx.swap("#check", await answer, { swapStyle: "outerHTML" });
      const first = $("#check [data-summary], #check [data-do=done]");
      if (first) first.focus({ preventScroll: true });
    } catch {
      failed();
    }
  };
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  window.addEventListener("focus", ask);
  window.addEventListener("pageshow", ask);
  document.addEventListener("click", async (event) => {
    const way = event.target.closest("#check [data-way]");
    if (!way) return;
    if (way.href) return keep(way);
    const form = draft();
    const text = form.elements.text.value.trim();
    try {
      if (way.dataset.way === "share") await navigator.share({ text });
      else await navigator.clipboard.writeText(text);
    } catch {
      return; // she closed the share sheet: nothing went out
    }
    keep(way);
    $("[data-said]", way).textContent = way.dataset.done;
    if (way.dataset.way === "share") ask();
  });

  /* A post that failed puts the row back (CSS) and says so. */
  const failed = () => {
    const box = $("#failed");
    if (box) box.removeAttribute("hidden");
  };
  document.addEventListener("htmx:sendError", failed);
  document.addEventListener("htmx:responseError", failed);
  document.addEventListener("htmx:beforeRequest", (event) => {
    if ($("#failed")) $("#failed").setAttribute("hidden", "");
    if (event.detail.elt.matches("form") && $("#kept")) $("#kept").setAttribute("hidden", "");
  });
  /* A row that was swapped under the keyboard keeps the focus. */
  document.addEventListener("htmx:load", (event) => {
    const row = event.detail.elt;
    if (row.matches && row.matches("[data-row]") && document.activeElement === document.body) {
      const next = $("[data-do=undo], [data-do=done], a[href]", row);
      if (next) next.focus({ preventScroll: true });
    }
  });
  /* Signed out meanwhile: a form that was sent then is filled in again once she has signed in. Any other page drops it. */
  const fieldsOf = (form) =>
    [...form.elements].filter((one) => one.name && !/^(hidden|password|file|submit|button|fieldset)$/.test(one.type));
  const ticks = (one) => /^(radio|checkbox)$/.test(one.type);
  const hold = (form) => {
    const fields = fieldsOf(form).map((one) => [one.name, one.value, one.checked]);
    const unsent = { who: document.body.dataset.who, path: location.pathname, action: form.getAttribute("action"), fields };
    kept.set("unsent", fields.length && form !== draft() ? unsent : null);
  };
  const bringBack = () => {
    const unsent = kept.get("unsent");
    kept.set("unsent", null);
    if (!unsent || unsent.path !== location.pathname || unsent.who !== document.body.dataset.who) return;
    if (!document.referrer.startsWith(`${location.origin}/accounts/`)) return;
    const form = [...document.forms].find(
      (one) => one.getAttribute("action") === unsent.action && unsent.fields.every(([name]) => one.elements[name])
    );
    if (!form) return;
    for (const [name, value, checked] of unsent.fields) {
      const box = fieldsOf(form).find((one) => one.name === name && (!ticks(one) || one.value === value));
      if (!box) continue;
      if (ticks(box)) box.checked = checked;
      else box.value = value;
      const fold = box.closest("details");
      if (fold) fold.open = true;
    }
    const first = fieldsOf(form).find((one) => one.value && !ticks(one));
    if (first) first.focus();
    if (first) first.scrollIntoView({ block: "center" });
    if ($("#kept")) $("#kept").removeAttribute("hidden");
  };
  document.addEventListener("submit", (event) => {
    if (event.target.method === "post" && !event.defaultPrevented) hold(event.target);
  });
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const to = event.detail.xhr.getResponseHeader("HX-Redirect") || "";
    const form = event.detail.elt.closest("form");
    if (form && to.startsWith("/accounts/")) hold(form);
  });
  bringBack();

  /* An error summary takes the focus, so that it is read and reached. */
  const focusSummary = (root) => {
    const summary = $("[data-summary]", root);
    if (summary) summary.focus();
  };
  document.addEventListener("htmx:afterSwap", () => focusSummary(document));
  focusSummary(document);
})();
