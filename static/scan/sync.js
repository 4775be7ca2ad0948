/* Keeping the list fresh, and sending what was read without network. */
import { listSignedBy } from "./codes.js";
import { call, Gone } from "./server.js";
import * as store from "./store.js";

const BATCH = 100;

/* The list was not signed by the server that we know. */
export class Forged extends Error {}

const headOf = ({ results, next, ...head }) => head;

const part = async (address) => {
  const { bytes, data, headers } = await call(address, { patience: 30_000 });
  const [, key, signature] = /^key=([\w+/=]+), ed25519=([\w+/=]+)$/.exec(headers.get("Bundle-Signature") || "") || [];
  const known = await store.get("listKey");
  if (!key || (known && known !== key) || !(await listSignedBy(bytes, signature, key))) throw new Forged();
  if (!known) await store.put("listKey", key);
  return data;
};

/* Brings the list up to date: what changed since the last time, or all of it. */
export const refresh = async (list) => {
  let head = await store.head();
  if (head && head.list.id !== list) {
    await store.forgetList();
    head = null;
  }
  const types = (each) => each.ticket_types.map((type) => type.id).join();
  let address = `check-in-lists/${list}/tickets/`;
  if (head) address += `?modified_since=${encodeURIComponent(head.generated_at)}`;
  let first = await part(address);
  if (head && (types(first) !== types(head) || first.generated_at < head.generated_at)) {
    /* The entrance takes other tickets now, of which nothing changed; or an old answer came again. */
    if (first.generated_at < head.generated_at) throw new Forged();
    first = await part(`check-in-lists/${list}/tickets/`);
  }
  let now = first;
  for (;;) {
    if (now.list.id !== list) throw new Forged();
    await store.takeIn(now, { head: headOf(first), round: first.generated_at });
    if (!now.next) return headOf(first);
    const next = new URL(now.next);
    now = await part(next.pathname + next.search);
  }
};

/* Sends what waits, the oldest first; gives the contradictions. A batch that was sent twice is answered alike. */
export const send = async () => {
  const found = [];
  let size = BATCH;
  for (;;) {
    const scans = await store.firstWaiting(size);
    if (!scans.length) return found;
    const list = scans[0].list;
    const ours = scans.filter((scan) => scan.list === list);
    const body = { scans: ours.map(({ place, list: _list, ticket, ...scan }) => scan) };
    let answer;
    try {
      answer = await call(`check-in-lists/${list}/scans/`, { method: "POST", body, patience: 30_000 });
    } catch (error) {
      if (error instanceof Gone) error.list = list;
      throw error;
    }
    if (!answer.ok) {
      /* One that the server cannot read must not hold up the others: it is told and let go. */
      if (ours.length > 1) size = 1;
      else {
        await store.report([{ scan_id: ours[0].scan_id, contradiction: "unreadable", scanned_at: ours[0].scanned_at, told: ours[0].decided }]);
        await store.sent(ours);
      }
      continue;
    }
    const told = answer.data.results.map((result, place) => ({ ...result, told: ours[place].decided }));
    const contradictions = told.filter((result) => result.contradiction);
    await store.report(contradictions);
    found.push(...contradictions);
    await store.sent(ours);
  }
};
