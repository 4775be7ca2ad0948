/* The scanner. Online the server decides; without network the list that was taken along does (T1, T3). */
import * as camera from "./camera.js";
import { digestOf, parse, signedBy } from "./codes.js";
import { listen } from "./keys.js";
import { call, Gone, Offline, SignedOut, watchClock } from "./server.js";
import { $, clearVerdict, clockTime, count, forgetLast, notice, numbers, remember, reportOf, say, setSound, state, verdict, wakeSound } from "./show.js";
import * as store from "./store.js";
import { Forged, refresh, send } from "./sync.js";

const AGAIN = 4000; /* ms in which the same code before the camera is the same scan */
const SYNC = 15_000; /* ms between two looks for changes */
const RETRY = 4000; /* ms until the network is tried again */
const PATIENCE = 2500; /* ms that somebody at the door waits for the server before the list decides */
const CLOCK_OFF = 120_000; /* ms of which people are told */
const LONGEST = 4096;
const ENDED = new Set(["cancelled", "refunded", "transferred", "revoked", "expired"]);

let list = null;
let head = null;
let online = navigator.onLine;
let direction = "in";
let busy = false;
let ahead = 0; /* ms that this device's clock is ahead of the server's */
let wakeLock = null;

/* --- Time --- */

const now = () => new Date(Date.now() - ahead);
/* Between two answers the clock may be set: a step that no time has passed for is the clock's and not the world's. */
let steps = { wall: Date.now(), steady: performance.now() };
const watchSteps = () => {
  const wall = Date.now();
  const steady = performance.now();
  const step = wall - steps.wall - (steady - steps.steady);
  if (step < -5000 || (step > 5000 && steady - steps.steady < 3000)) ahead += step;
  steps = { wall, steady };
  showClock();
};
const showClock = () => {
  const minutes = Math.round(Math.abs(ahead) / 60_000);
  notice("clock", Math.abs(ahead) < CLOCK_OFF ? "" : say(ahead > 0 ? "clock_ahead" : "clock_behind", { minutes }));
};
watchClock((told) => {
  ahead = Math.abs(told) < 1500 ? 0 : told;
  steps = { wall: Date.now(), steady: performance.now() };
  store.put("ahead", ahead);
  showClock();
});

/* --- One scan --- */

const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const device = async () => {
  const known = await store.get("device");
  if (known) return known;
  const made = newId();
  await store.put("device", made);
  return made;
};

/* Why the list refuses the ticket; null where it admits. The same rules as the server's, as far as a list knows them. */
const refusal = (ticket, scan) => {
  const { directions, entries, open_from: from, open_until: until } = head.rules;
  const at = new Date(scan.scanned_at);
  if (directions !== "both" && directions !== scan.direction) return { reason: "wrong_direction" };
  if (scan.direction === "out") return null;
  if (ENDED.has(ticket.status)) return { reason: ticket.status };
  if (head.event.status === "cancelled") return { reason: "cancelled" };
  if (ticket.valid_from && at < new Date(ticket.valid_from)) return { reason: "not_yet_valid" };
  if (ticket.valid_until && at > new Date(ticket.valid_until)) return { reason: "expired" };
  if (from && at < new Date(from)) return { reason: "not_yet_valid" };
  if (until && at >= new Date(until)) return { reason: "expired" };
  const before = entries === "after_exit" ? ticket.inside_since : ticket.last_in_at;
  if (before && (entries !== "once_per_day" || dayOf(before) === dayOf(at))) return { reason: "already_used", since: before };
  return null;
};

/* The day of the event that a moment belongs to; it may begin some hours after midnight. */
const dayOf = (moment) =>
  new Intl.DateTimeFormat("en-CA", { timeZone: head.event.timezone }).format(
    new Date(moment).getTime() - head.rules.day_starts * 3_600_000,
  );

const decideHere = async (scan) => {
  const refuse = (reason, sent = "unknown") => ({ result: "refused", reason, sent });
  if (!head) return { answer: refuse("no_list") };
  if (now() > new Date(head.use_until)) return { answer: refuse("stale") };
  const code = parse(scan.code);
  const key = code && head.keys.find((each) => each.key_id === code.keyId);
  const genuine = Boolean(key) && (await signedBy(code, key.public_key));
  const told = {
    ...scan,
    code: scan.code.slice(0, LONGEST),
    list,
    offline: { device: await device(), listed_at: head.generated_at, clock_ahead: Math.round(ahead / 1000) },
  };
  return store.decide(genuine && (await digestOf(code.token)), told, (ticket, digest) => {
    if (!genuine) return refuse("unknown");
    if (!ticket) return refuse("not_listed");
    if (key.revoked || ticket.digest !== digest) return refuse("revoked", "revoked"); /* it has another code now */
    const why = refusal(ticket, scan);
    return why ? { result: "refused", ...why, sent: why.reason } : { result: "admitted", reason: "" };
  });
};

const decideThere = async (scan) => {
  /* The time is the server's own: that is the plainest question, which it answers fastest. */
  const { scanned_at: _ours, ...body } = scan;
  const { ok, data } = await call(`check-in-lists/${list}/scan/`, { method: "POST", body, patience: PATIENCE });
  if (!ok) return { result: "refused", reason: "unknown" }; /* a code that the server does not even read */
  if (data.ticket && data.result === "admitted") {
    const inside = scan.direction === "in" ? data.scanned_at : null;
    const entered = inside ? { last_in_at: inside } : {};
    const before = await store.note(data.ticket.id, { status: "used", inside_since: inside, ...entered });
    if (!data.repeated) count(scan.direction, inside && before?.status === "active");
  }
  return data;
};

const ASK = new Set(["not_listed", "no_list", "stale", "full"]);

const show = (answer, { holder, type, alone, flags, at }) => {
  const admitted = answer.result === "admitted";
  const look = admitted ? "yes" : ASK.has(answer.reason) ? "ask" : "no";
  const word = say(admitted ? (direction === "out" ? "out" : "admit") : look === "ask" ? "ask" : "refuse");
  const since = answer.admitted_at || answer.since;
  let why = admitted ? "" : say(`reason_${answer.reason}`);
  if (since) why += ` ${say("admitted_at", { time: clockTime(since) })}`;
  const shown = { look, word, why, who: [holder, type].filter(Boolean).join(" · "), flags, alone: alone ? say("alone") : "" };
  verdict(shown);
  remember({ ...shown, at });
};

/* One after the other: a scanner that types is faster than any line. */
let line = Promise.resolve();
const judge = (text) => {
  line = line.then(() => judgeOne(text)).catch(failed);
  return line;
};

const judgeOne = async (text) => {
  if (!list || !text) return;
  busy = true;
  wakeSound();
  const scan = { code: text, scan_id: newId(), scanned_at: now().toISOString(), direction };
  try {
    if (online && navigator.onLine) {
      try {
        const answer = await decideThere({ ...scan, code: text.slice(0, LONGEST) });
        const ticket = answer.ticket;
        const holder = ticket?.holder?.name || ticket?.short_code;
        show(answer, { holder, type: ticket?.ticket_type_name, flags: answer.attention || [], at: scan.scanned_at });
        return;
      } catch (error) {
        if (!(error instanceof Offline)) return await failed(error);
        setOnline(false);
      }
    }
    const { answer, ticket } = await decideHere(scan);
    if (answer.result === "admitted") count(scan.direction, scan.direction === "in" && ticket.status === "active");
    const kind = head?.ticket_types.find((each) => each.id === ticket?.ticket_type);
    const holder = [ticket?.holder, ticket?.seat].filter(Boolean).join(", ");
    const flags = answer.result === "admitted" && kind?.note ? [kind.note] : [];
    show(answer, { holder, type: kind?.name, alone: true, flags, at: scan.scanned_at });
  } finally {
    busy = false;
    await showState();
  }
};

/* --- With and without network --- */

let timer = null;
let running = null;

const showState = async () => state({ online: online && navigator.onLine, waiting: await store.waitingCount() });

const setOnline = (value) => {
  online = value;
  showState();
};

const failed = async (error) => {
  if (error instanceof Offline) return setOnline(false);
  if (error instanceof SignedOut) return signedOut();
  if (error instanceof Gone) return gone();
  if (error instanceof Forged) return notice("trouble", say("forged"));
  if (error.message === "too_many") return notice("trouble", say("too_many"));
  notice("trouble", say("fault", { what: error.message || error.name }));
};

const syncOnce = async () => {
  if (!list) return;
  watchSteps();
  try {
    await samePerson();
    if (await store.waitingCount()) await send();
    head = await refresh(list);
    showHead();
    numbers((await call(`check-in-lists/${list}/status/`)).data);
    notice("trouble", "");
    setOnline(true);
  } catch (error) {
    await failed(error);
  }
  reportOf(await store.reported());
  await showState();
};

const sync = () => {
  running ||= syncOnce().finally(() => {
    running = null;
    clearTimeout(timer);
    timer = setTimeout(sync, online && navigator.onLine ? SYNC : RETRY);
  });
  return running;
};

/* A device that changes hands keeps nothing of the list of whoever had it before. */
const samePerson = async () => {
  const { ok, data } = await call("auth/user/");
  if (!ok) throw new SignedOut();
  const known = await store.get("person");
  if (known && known !== data.id) await store.forgetList();
  await store.put("person", data.id);
};

const showHead = () => {
  if (!head) return notice("age", say("no_list_yet"));
  document.body.dataset.zone = head.event.timezone;
  $("event-title").textContent = head.event.title;
  $("list-name").textContent = head.list.name;
  notice("age", say("list_of", { time: clockTime(head.generated_at) }));
};

const forgetPage = async () => {
  for (const name of await caches.keys()) if (name.startsWith("foyer-scan-")) await (await caches.open(name)).delete(location.pathname);
};

const signedOut = async () => {
  await store.forgetList();
  await forgetPage();
  location.assign(document.body.dataset.login);
};

/* The right to scan here was taken away, or the list is gone: nothing of it stays on the device. */
const gone = async () => {
  await store.forgetList();
  head = null;
  await leave();
  notice("lists-trouble", say("gone"));
};

const signOut = async () => {
  const waiting = await store.waitingCount();
  try {
    if (waiting) await send();
  } catch {
    if (!confirm(say("lose", { count: waiting }))) return;
  }
  await call("auth/logout/", { method: "POST", body: {} }).catch(() => {});
  await store.forgetAll();
  for (const name of await caches.keys()) if (name.startsWith("foyer-scan-")) await caches.delete(name);
  for (const each of await navigator.serviceWorker.getRegistrations()) if (each.scope.endsWith("/scan/")) await each.unregister();
  location.assign(document.body.dataset.login);
};

/* --- The page --- */

const keepAwake = async () => {
  if (!list || document.hidden || wakeLock) return;
  try {
    wakeLock = await navigator.wakeLock.request("screen");
    wakeLock.addEventListener("release", () => (wakeLock = null));
  } catch {
    /* A battery that is low, or a browser that cannot. */
  }
};

let seen = { text: "", at: 0 };
const onPicture = (text) => {
  const moment = performance.now();
  const same = text === seen.text && moment - seen.at < AGAIN;
  if (same) seen.at = moment;
  if (same || busy) return;
  seen = { text, at: moment };
  judge(text);
};

const startCamera = async () => {
  wakeSound();
  notice("camera-trouble", "");
  try {
    await camera.start($("picture"), onPicture);
    $("start").hidden = true;
    $("torch").hidden = !camera.hasTorch();
    document.body.dataset.camera = camera.how();
  } catch (error) {
    const word = { NotAllowedError: "camera_denied", NotFoundError: "camera_none" }[error.name] || "camera_failed";
    notice("camera-trouble", say(word));
  }
};

const stopCamera = () => {
  camera.stop($("picture"));
  $("start").hidden = false;
  $("torch").hidden = true;
};

const enter = async (id) => {
  list = id;
  const kept = await store.head();
  head = kept?.list.id === id ? kept : null;
  notice("lists-trouble", "");
  $("lists").hidden = true;
  $("gate").hidden = false;
  const chosen = document.querySelector(`a[data-list="${id}"]`);
  $("event-title").textContent = head?.event.title ?? chosen?.dataset.event ?? "";
  $("list-name").textContent = head?.list.name ?? chosen?.dataset.name ?? "";
  showHead();
  clearVerdict();
  forgetLast();
  await showState();
  reportOf(await store.reported());
  $("code").focus({ preventScroll: true });
  keepAwake();
  await sync();
};

const leave = async () => {
  list = head = null;
  clearTimeout(timer);
  stopCamera();
  wakeLock?.release();
  $("gate").hidden = true;
  $("lists").hidden = false;
  if (location.hash) history.replaceState(null, "", location.pathname);
};

const route = async () => {
  const id = Number(location.hash.slice(1));
  if (id && id !== list) await enter(id);
  else if (!id && list) await leave();
};

const wire = () => {
  for (const link of document.querySelectorAll("a[data-list]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      wakeSound();
      location.hash = link.dataset.list;
    });
  }
  $("back").addEventListener("click", () => {
    location.hash = "";
    leave();
  });
  $("start").addEventListener("click", startCamera);
  $("verdict").addEventListener("click", clearVerdict);
  $("again").addEventListener("click", sync);
  for (const button of document.querySelectorAll("[data-sign-out]")) button.addEventListener("click", signOut);
  $("report-clear").addEventListener("click", async () => {
    await store.clearReport();
    reportOf([]);
  });
  $("torch").addEventListener("click", async () => {
    const on = $("torch").getAttribute("aria-pressed") !== "true";
    await camera.torch(on);
    $("torch").setAttribute("aria-pressed", String(on));
  });
  $("sound").addEventListener("click", async () => {
    const on = $("sound").getAttribute("aria-pressed") !== "true";
    $("sound").setAttribute("aria-pressed", String(on));
    setSound(on);
    await store.put("sound", on);
  });
  for (const choice of document.querySelectorAll("input[name=direction]")) {
    choice.addEventListener("change", () => {
      direction = choice.value;
      clearVerdict();
    });
  }
  $("by-hand").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = $("code").value;
    $("code").value = "";
    await judge(text);
    $("code").focus({ preventScroll: true });
  });
  listen(judge);
  addEventListener("hashchange", route);
  addEventListener("online", sync);
  addEventListener("offline", showState);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    keepAwake();
    if (list) sync();
  });
};

const begin = async () => {
  document.documentElement.classList.remove("no-script");
  ahead = (await store.get("ahead")) || 0;
  const on = (await store.get("sound")) !== false;
  setSound(on);
  $("sound").setAttribute("aria-pressed", String(on));
  const kept = await store.head();
  /* A list that nobody has freshened for days is no list any more. */
  if (kept && now() > new Date(kept.use_until)) await store.forgetList();
  wire();
  navigator.storage?.persist?.();
  /* Without a worker (plain HTTP, private windows) everything works but a start without network. */
  const { serviceWorker, scope } = document.body.dataset;
  await navigator.serviceWorker?.register(serviceWorker, { scope }).catch(() => {});
  document.body.dataset.ready = "true";
  await route();
  if (!list && navigator.onLine) {
    try {
      await samePerson();
      if (await store.waitingCount()) await send();
    } catch (error) {
      await failed(error);
    }
    await showState();
  }
};

begin().catch((error) => notice("lists-trouble", say("fault", { what: error.message || error.name })));
