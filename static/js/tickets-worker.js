/* Shows kept tickets where there is no network. It keeps nothing itself: static/js/tickets.js fills the cache, and
   foyer.js empties it at sign-out. With network, everything comes from the network. */
"use strict";

const PATIENCE = 4000;
const OLDEST = 30 * 24 * 3600 * 1000;
const LIST = "/account/tickets/";

addEventListener("install", (event) => event.waitUntil(skipWaiting()));
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

const copyOf = async (request) => {
  for (const name of await caches.keys()) {
    if (!name.startsWith("tickets-")) continue;
    const cache = await caches.open(name);
    const found = await cache.match(request, { ignoreVary: true });
    if (!found) continue;
    const age = Date.now() - Date.parse(found.headers.get("Date") || 0);
    if (!(age < OLDEST) && new URL(found.url).pathname.startsWith(LIST)) {
      await cache.delete(request, { ignoreVary: true });
      continue;
    }
    return found;
  }
  return undefined;
};

const answer = async (request) => {
  const asked = fetch(request);
  asked.catch(() => {});
  const copy = await copyOf(request);
  if (copy && request.mode !== "navigate") return copy;
  try {
    const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
    const response = copy ? await Promise.race([asked, late]) : await asked;
    if (response && (response.status < 500 || !copy)) return response;
  } catch {
    /* No network. */
  }
  if (copy) return copy;
  const list = request.mode === "navigate" ? await copyOf(new Request(LIST)) : undefined;
  return list || Response.error();
};

addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (event.request.method !== "GET" || address.origin !== location.origin) return;
  const own = event.request.mode === "navigate" ? address.pathname.startsWith(LIST) : address.pathname.startsWith("/static/");
  if (own && !/\.(pdf|ics)$/.test(address.pathname)) event.respondWith(answer(event.request));
});
