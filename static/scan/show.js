/* What the person at the door sees, hears and feels. Never by colour alone: word, symbol and sound say the same. */

export const $ = (id) => document.getElementById(id);

const words = Object.fromEntries(
  [...document.getElementById("words").content.querySelectorAll("[data-word]")].map((each) => [each.dataset.word, each.textContent]),
);
/* A sentence of the page's, with its {names} filled in. */
export const say = (word, facts = {}) =>
  (words[word] ?? word).replace(/\{(\w+)\}/g, (whole, name) => facts[name] ?? whole);

const zone = () => document.body.dataset.zone || undefined;
export const clockTime = (moment) =>
  new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone() }).format(
    new Date(moment),
  );

const icon = (name, css = "") => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `icon ${css}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.body.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
};

const element = (tag, css, ...content) => {
  const made = document.createElement(tag);
  if (css) made.className = css;
  made.append(...content.filter((each) => each !== null && each !== undefined && each !== ""));
  return made;
};

/* --- The verdict --- */

const LOOKS = {
  yes: ["check", [660, 990], [60]],
  no: ["x", [200, 150], [180, 80, 180]],
  ask: ["triangle-alert", [440, 440, 440], [90, 60, 90, 60, 90]],
};
let goes;

/* Shows {look, word, why, who} large, over the camera's picture, until the next one or a tap. */
export const verdict = ({ look, word, why, who, flags = [], alone }) => {
  const [symbol, tones, pulses] = LOOKS[look];
  const box = $("verdict");
  box.className = `scan-verdict scan-verdict--${look}`;
  box.dataset.look = look;
  const text = element("div", "scan-verdict__text", element("p", "scan-verdict__word", word));
  if (why) text.append(element("p", "scan-verdict__why", why));
  if (who) text.append(element("p", "scan-verdict__who", who));
  for (const flag of flags) text.append(element("p", "scan-verdict__flag", icon("triangle-alert"), flag));
  if (alone) text.append(element("p", "scan-verdict__alone", icon("cloud-off"), alone));
  box.replaceChildren(icon(symbol, "scan-verdict__icon"), text);
  box.hidden = false;
  clearTimeout(goes);
  if (look === "yes" && !flags.length) goes = setTimeout(clearVerdict, 2500);
  sound(tones);
  navigator.vibrate?.(pulses);
};

export const clearVerdict = () => {
  clearTimeout(goes);
  $("verdict").hidden = true;
};

/* --- Sound --- */

let audio = null;
let loud = true;
export const setSound = (on) => {
  loud = on;
};
/* Browsers let a page make sounds only after somebody touched it. */
export const wakeSound = () => {
  audio ||= globalThis.AudioContext ? new AudioContext() : null;
  if (audio?.state === "suspended") audio.resume().catch(() => {});
};
const sound = (tones) => {
  if (!loud || audio?.state !== "running") return;
  tones.forEach((frequency, place) => {
    const from = audio.currentTime + place * 0.13;
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.type = frequency < 300 ? "square" : "sine";
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.35, from);
    volume.gain.exponentialRampToValueAtTime(0.001, from + 0.12);
    tone.connect(volume).connect(audio.destination);
    tone.start(from);
    tone.stop(from + 0.13);
  });
};

/* --- The lines around it --- */

const last = [];
/* The last scans: on the screen only, kept nowhere. */
export const remember = ({ look, who, why, at, alone }) => {
  last.unshift({ look, who, why, at, alone });
  last.length = Math.min(last.length, 8);
  $("last-box").hidden = false;
  $("last").replaceChildren(
    ...last.map((each) =>
      element(
        "li",
        "",
        element(
          "div",
          "list__item list__item--tight",
          element(
            "span",
            `mark mark--${each.look === "yes" ? "admitted" : "refused"}`,
            icon(LOOKS[each.look][0]),
            element("span", "hidden-visually", say(each.look === "yes" ? "admitted" : "refused")),
          ),
          element("span", "grow", element("span", "", each.who || each.why || ""), each.who && each.why ? element("span", "small muted sub", each.why) : ""),
          each.alone ? icon("cloud-off", "muted") : "",
          element("time", "small muted number", clockTime(each.at)),
        ),
      ),
    ),
  );
};
export const forgetLast = () => {
  last.length = 0;
  $("last").replaceChildren();
  $("last-box").hidden = true;
};

/* The state in one line: with or without network, and how many scans wait. */
export const state = ({ online, waiting }) => {
  const chip = $("state");
  chip.className = `chip ${online ? (waiting ? "chip--info" : "chip--good") : "chip--warn"}`;
  const text = online ? say(waiting ? "sending" : "online", { count: waiting }) : say(waiting ? "offline_waiting" : "offline", { count: waiting });
  chip.replaceChildren(icon(online ? "cloud" : "cloud-off"), text);
  document.body.dataset.online = String(online);
  document.body.dataset.waiting = String(waiting);
};

export const notice = (id, text) => {
  $(id).hidden = !text;
  if (text) $(id).querySelector("[data-text]").textContent = text;
};

/* Who arrived and who is inside: as the server told last, and what this device has seen since. */
let counted = null;
export const numbers = (told) => {
  counted = told;
  $("numbers").hidden = !told;
  if (!told) return;
  $("arrived").textContent = told.arrived;
  $("expected").textContent = told.expected;
  $("inside").textContent = told.inside;
};
export const count = (direction, isNew) => {
  if (!counted) return;
  const inside = Math.max(0, counted.inside + (direction === "in" ? 1 : -1));
  numbers({ ...counted, inside, arrived: counted.arrived + (isNew ? 1 : 0) });
};

/* Scans of which the door was told something else than the server says. */
export const reportOf = (rows) => {
  $("report").hidden = !rows.length;
  $("report-count").textContent = rows.length;
  $("report-rows").replaceChildren(
    ...rows
      .sort((one, other) => (one.scanned_at < other.scanned_at ? 1 : -1))
      .map((row) =>
        element(
          "li",
          "",
          element(
            "div",
            "list__item list__item--tight",
            element("span", "mark mark--refused", icon("triangle-alert")),
            element(
              "span",
              "grow",
              element("span", "strong sub-name", say(`conflict_${row.contradiction}`)),
              element(
                "span",
                "small muted sub",
                [row.ticket?.holder?.name || row.ticket?.short_code, row.ticket?.ticket_type_name, row.reason && say(`reason_${row.reason}`)]
                  .filter(Boolean)
                  .join(" · "),
              ),
            ),
            element("time", "small muted number", clockTime(row.scanned_at)),
          ),
        ),
      ),
  );
};
