/* Tickets at the door: the screen stays on, and what was opened once opens without network. */
(() => {
  "use strict";
  const person = document.documentElement.dataset.person;

  /* The screen must not go dark in the queue. A browser that cannot promise it does nothing. */
  const stayAwake = () => {
    if (document.visibilityState !== "visible" || !document.querySelector(".ticket .qr")) return;
    navigator.wakeLock?.request("screen").catch(() => {});
  };
  document.addEventListener("visibilitychange", stayAwake);
  stayAwake();

  const note = document.querySelector("[data-offline]");
  const tell = () => {
    if (note) note.hidden = navigator.onLine;
  };
  addEventListener("online", tell);
  addEventListener("offline", tell);
  tell();

  /* The list names the tickets to keep. Everything goes into one cache with its owner's number in the name;
     foyer.js throws it away as soon as a page is shown to nobody or to somebody else. */
  const list = document.querySelector("[data-keep]");
  if (!list || !person || !("serviceWorker" in navigator) || !("caches" in window) || !navigator.onLine) return;
  const here = location.pathname;
  const pages = [here, ...list.dataset.keep.split(" ").filter(Boolean)];

  /* Styles, scripts, icons that a page names. Read as text: a parsed document is under this page's content policy. */
  const parts = (html) => [...html.matchAll(/(?:href|src)="(\/static\/[^"#]+)/g)].map((found) => found[1]);

  const keep = async () => {
    await navigator.serviceWorker.register(list.dataset.worker, { scope: here });
    const cache = await caches.open(`tickets-${person}`);
    const wanted = new Set(
      performance
        .getEntriesByType("resource")
        .map((each) => new URL(each.name))
        .filter((each) => each.origin === location.origin && each.pathname.startsWith("/static/"))
        .map((each) => each.href),
    );
    const kept = new Set();
    for (const page of pages) {
      const response = await fetch(page, { credentials: "same-origin", headers: { Accept: "text/html" } });
      if (!response.ok || response.redirected) continue;
      kept.add(new URL(page, location.href).href);
      for (const part of parts(await response.clone().text())) wanted.add(new URL(part, location.href).href);
      await cache.put(page, response);
    }
    for (const part of wanted) {
      kept.add(part);
      if (await cache.match(part)) continue;
      const response = await fetch(part);
      if (response.ok) await cache.put(part, response);
    }
    /* What is no longer among the next tickets need not stay. */
    for (const request of await cache.keys()) if (!kept.has(request.url)) await cache.delete(request);
    list.hidden = false;
  };
  keep().catch(() => {});
})();
