/* Talking to the server: one function, and three ways in which it may fail. */

/* Nobody answered, or nobody who can: go on without network. */
export class Offline extends Error {}
/* The sign-in is over. */
export class SignedOut extends Error {}
/* What is asked for is not this person's any more. */
export class Gone extends Error {}

const API = "/api/v1/";
let renewing = null;

const cookie = (name) =>
  document.cookie
    .split("; ")
    .find((each) => each.startsWith(`${name}=`))
    ?.slice(name.length + 1);

const once = async (path, { method = "GET", body, patience = 8000 } = {}) => {
  const asked = Date.now();
  const headers = { Accept: "application/json", "Accept-Language": document.documentElement.lang };
  if (method !== "GET") headers["X-CSRFToken"] = cookie(document.body.dataset.csrfCookie) || "";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path.startsWith("/") ? path : API + path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(patience),
    });
    /* The body is part of the answer: a line that breaks in the middle is a line that broke. */
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return { answer, bytes, asked, heard: Date.now() };
  } catch {
    throw new Offline();
  }
};

const renew = () => {
  renewing ||= once("auth/token/refresh/", { method: "POST", body: {} }).finally(() => {
    renewing = null;
  });
  return renewing;
};

let onClock = () => {};
/* Calls back with how many milliseconds our clock is ahead of the server's, after each answer. */
export const watchClock = (callback) => {
  onClock = callback;
};

const clock = ({ answer, asked, heard }) => {
  const told = Date.parse(answer.headers.get("Date") || "");
  /* The header has whole seconds: half of one is the error that is left. */
  if (!Number.isNaN(told)) onClock((asked + heard) / 2 - told - 500);
};

export const call = async (path, options = {}) => {
  let found = await once(path, options);
  if (found.answer.status === 401) {
    const renewed = await renew();
    if (renewed.answer.status >= 500) throw new Offline();
    found = await once(path, options);
    if (found.answer.status === 401) throw new SignedOut();
  }
  const { answer, bytes } = found;
  clock(found);
  if (answer.status >= 500 || answer.status === 429) throw new Offline();
  if (answer.status === 403 || answer.status === 404) throw new Gone();
  let data = null;
  try {
    data = bytes.length ? JSON.parse(new TextDecoder().decode(bytes)) : null;
  } catch {
    throw new Offline(); /* some café's sign-in page, and not our server */
  }
  return { ok: answer.ok, status: answer.status, data, bytes, headers: answer.headers };
};
