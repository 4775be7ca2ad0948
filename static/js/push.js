/* The button by which this browser takes pushes. What the browser says about itself goes into a plain form. */
(() => {
  "use strict";
  const form = document.getElementById("push");
  if (!form) return;
  const button = form.querySelector("button");
  const say = (state) => {
    for (const each of document.querySelectorAll("[data-push-state]")) each.hidden = each.dataset.pushState !== state;
  };
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return;

  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
  const same = (one, two) => one && one.byteLength === two.byteLength && new Uint8Array(one).every((b, i) => b === two[i]);
  const wanted = bytes(form.dataset.key);
  const register = () => navigator.serviceWorker.register(form.dataset.worker, { scope: form.dataset.scope });

  /* "Firefox on Android": enough for its owner to know it by. */
  const name = () => {
    const agent = navigator.userAgent;
    const find = (pairs) => (pairs.find(([pattern]) => pattern.test(agent)) || [null, ""])[1];
    const browser = find([[/Edg\//, "Edge"], [/OPR\//, "Opera"], [/YaBrowser\//, "Yandex"], [/Firefox\//, "Firefox"], [/Chrom(e|ium)\//, "Chrome"], [/Safari\//, "Safari"]]);
    const system = find([[/Android/, "Android"], [/iPhone|iPad/, "iOS"], [/Windows/, "Windows"], [/Mac OS X/, "macOS"], [/Linux/, "Linux"]]);
    return [browser, system].filter(Boolean).join(" · ");
  };

  const start = async () => {
    const found = await navigator.serviceWorker.getRegistration(form.dataset.scope);
    const there = found ? await found.pushManager.getSubscription() : null;
    if (Notification.permission === "denied") return say("denied");
    button.disabled = false;
    say(there && same(there.options.applicationServerKey, wanted) ? "on" : "off");
  };
  start().catch(() => {
    button.disabled = false;
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    button.disabled = true;
    (async () => {
      if ((await Notification.requestPermission()) !== "granted") return say("denied");
      const registration = await register();
      await new Promise((done) => {
        const worker = registration.active || registration.waiting || registration.installing;
        if (registration.active) return done();
        worker.addEventListener("statechange", () => worker.state === "activated" && done());
      });
      let there = await registration.pushManager.getSubscription();
      if (there && !same(there.options.applicationServerKey, wanted)) {
        await there.unsubscribe();
        there = null;
      }
      there = there || (await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: wanted }));
      const told = there.toJSON();
      form.elements.endpoint.value = told.endpoint;
      form.elements.p256dh.value = told.keys.p256dh;
      form.elements.auth.value = told.keys.auth;
      form.elements.device.value = name();
      HTMLFormElement.prototype.submit.call(form);
    })()
      .catch(() => say("failed"))
      .finally(() => {
        button.disabled = false;
      });
  });
})();
