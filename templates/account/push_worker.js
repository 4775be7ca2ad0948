/* Shows what is pushed, and opens it on a click. It keeps nothing and loads nothing. */
"use strict";

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("push", (event) => {
  let told = {};
  try {
    told = event.data ? event.data.json() : {};
  } catch {
    /* Not one of ours: shown without words, for browsers want something to be shown. */
  }
  const title = typeof told.title === "string" && told.title ? told.title : location.host;
  event.waitUntil(
    registration.showNotification(title, {
      body: typeof told.body === "string" ? told.body : "",
      /* The same message once more takes the place of the first. */
      tag: typeof told.tag === "string" ? told.tag : "",
      data: { url: typeof told.url === "string" ? told.url : "/" },
    }),
  );
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  let address = new URL("/", location.origin);
  try {
    address = new URL(event.notification.data.url, location.origin);
  } catch {
    /* The front page, then. */
  }
  if (address.origin !== location.origin) address = new URL("/", location.origin);
  event.waitUntil(
    (async () => {
      for (const open of await clients.matchAll({ type: "window", includeUncontrolled: true }))
        if (open.url === address.href) return open.focus();
      return clients.openWindow(address.href);
    })(),
  );
});
