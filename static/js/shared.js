/* A page that was looked at for a second counts as opened: once in a tab, and nothing of who looked is sent. */
(() => {
  "use strict";
  const seen = document.body.dataset.seen;
  const once = {
    get done() {
      try {
        return sessionStorage.getItem(seen) === "1";
      } catch {
        return this.said || false;
      }
    },
    set() {
      this.said = true;
      try {
        sessionStorage.setItem(seen, "1");
      } catch {
        /* A browser that keeps nothing asks again; the server counts no more than one in ten minutes. */
      }
    },
  };
  let timer;
  const look = () => {
    clearTimeout(timer);
    if (document.visibilityState !== "visible" || document.prerendering || once.done) return;
    timer = setTimeout(() => {
      once.set();
      fetch(seen, { method: "POST", keepalive: true, cache: "no-store" }).catch(() => {});
    }, 1000);
  };
  document.addEventListener("visibilitychange", look);
  document.addEventListener("prerenderingchange", look);
  look();
})();
