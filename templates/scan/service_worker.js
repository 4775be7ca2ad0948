/* The scanner's service worker: its files are there without network, its page as it was last seen. Data is not its
   business: what the scanner knows of tickets lies in the page's own database, which the page throws away. */
"use strict";
const VERSION = "foyer-scan-{{ version }}";
const FILES = [{% for file in files %}"{{ file|escapejs }}"{% if not forloop.last %}, {% endif %}{% endfor %}];
const PAGE = "{% url "scan-doors" %}";
const PATIENCE = 3000; /* ms until the kept page is shown instead */

addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(VERSION);
      await cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" })));
      await keepPage(cache).catch(() => {});
      await skipWaiting();
    })(),
  );
});

addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name.startsWith("foyer-scan-") && name !== VERSION) await caches.delete(name);
      await clients.claim();
    })(),
  );
});

addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (event.request.method !== "GET" || address.origin !== location.origin) return;
  if (event.request.mode === "navigate") event.respondWith(page(event.request, address));
  else if (FILES.includes(address.pathname)) event.respondWith(file(event.request, address));
});

async function keepPage(cache) {
  const answer = await fetch(PAGE, { credentials: "same-origin", redirect: "manual" });
  if (answer.ok) await cache.put(PAGE, answer);
}

async function file(request, address) {
  const cache = await caches.open(VERSION);
  return (await cache.match(address.pathname, { ignoreVary: true })) || fetch(request);
}

async function page(request, address) {
  const cache = await caches.open(VERSION);
  const kept = () => cache.match(PAGE, { ignoreVary: true });
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE);
  try {
    /* A redirect (to the sign-in page) is handed on as it is: the browser follows it. */
    const answer = await fetch(request, { signal: patience.signal });
    if (answer.ok && address.pathname === PAGE) await cache.put(PAGE, answer.clone());
    if (answer.status < 500) return answer;
    return (await kept()) || answer;
  } catch (error) {
    return (await kept()) || Response.error();
  } finally {
    clearTimeout(timer);
  }
}
