/* What the device keeps: the list, what it read and has not sent yet, and what contradicted it. One database of the
   browser's; a decision and the scan that it leaves are one transaction, so two windows let nobody in twice. */

const NAME = "foyer-scan";
/* So much and no more: a device is no archive. */
export const MOST_TICKETS = 200_000;
export const MOST_WAITING = 5_000;
const MOST_REPORTED = 200;

let opened = null;

const open = () => {
  opened ||= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      const database = asked.result;
      database.createObjectStore("meta");
      database.createObjectStore("tickets", { keyPath: "id" }).createIndex("digests", "digests", { multiEntry: true });
      database.createObjectStore("waiting", { keyPath: "place", autoIncrement: true });
      database.createObjectStore("report", { keyPath: "scan_id" });
    };
    asked.onsuccess = () => {
      asked.result.onversionchange = () => {
        asked.result.close();
        opened = null;
      };
      resolve(asked.result);
    };
    asked.onerror = () => reject(asked.error);
  });
  return opened;
};

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/* Runs `work` in one transaction and gives what it gives, once everything is on disk. */
const within = async (names, mode, work) => {
  const database = await open();
  const transaction = database.transaction(names, mode);
  const finished = new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error || new Error("aborted"));
  });
  const stores = names.map((name) => transaction.objectStore(name));
  const result = await work(...stores);
  await finished;
  return result;
};

export const get = (key) => within(["meta"], "readonly", (meta) => done(meta.get(key)));
export const put = (key, value) => within(["meta"], "readwrite", (meta) => done(meta.put(value, key)));

/* --- The list --- */

export const head = () => get("head");
export const ticketCount = () => within(["tickets"], "readonly", (tickets) => done(tickets.count()));

/* What a scan that admitted makes of the ticket's row. */
const moved = ({ direction, scanned_at: at }) => (direction === "in" ? { inside_since: at, last_in_at: at } : { inside_since: null });

/* Takes in a part of the list. What a whole list does not name goes with its last part and not before: if the line
   breaks half way, the old list is still there. What was read meanwhile and is not sent yet stays as it was told. */
export const takeIn = (part, { head, round }) =>
  within(["meta", "tickets", "waiting"], "readwrite", async (meta, tickets, waiting) => {
    for (const row of part.results) tickets.put({ ...row, digests: [row.digest, ...(row.retired || [])], round });
    if (!part.next && part.complete) await drop(tickets, (row) => row.round !== round);
    if ((await done(tickets.count())) > MOST_TICKETS) throw new Error("too_many");
    for (const scan of await done(waiting.getAll())) {
      const row = scan.ticket && scan.decided === "admitted" && (await done(tickets.get(scan.ticket)));
      if (row) tickets.put({ ...row, ...moved(scan) });
    }
    if (!part.next) await done(meta.put(head, "head"));
  });

const drop = (store, unwanted) =>
  new Promise((resolve, reject) => {
    const asked = store.openCursor();
    asked.onerror = () => reject(asked.error);
    asked.onsuccess = () => {
      const cursor = asked.result;
      if (!cursor) return resolve();
      if (unwanted(cursor.value)) cursor.delete();
      cursor.continue();
    };
  });

/* Notes what the server has just said about a ticket, so that the list knows it when the network goes; gives the row
   as it was. */
export const note = (id, changes) =>
  within(["tickets"], "readwrite", async (tickets) => {
    const row = await done(tickets.get(id));
    if (row) await done(tickets.put({ ...row, ...changes }));
    return row;
  });

/* --- Decisions without network --- */

/* Asks `judge(ticket or undefined)` for {result, reason}, and keeps the scan for the server: both or neither. */
export const decide = (digest, scan, judge) =>
  within(["tickets", "waiting"], "readwrite", async (tickets, waiting) => {
    if ((await done(waiting.count())) >= MOST_WAITING) return { answer: { result: "refused", reason: "full" } };
    const ticket = digest && (await done(tickets.index("digests").get(digest)));
    const answer = judge(ticket, digest);
    if (answer.result === "admitted" && ticket) {
      await done(tickets.put({ ...ticket, status: "used", ...moved(scan) }));
    }
    await done(waiting.add({ ...scan, ticket: ticket?.id, decided: answer.result, offline: { ...scan.offline, reason: answer.sent ?? answer.reason } }));
    return { answer, ticket };
  });

export const waitingCount = () => within(["waiting"], "readonly", (waiting) => done(waiting.count()));
export const firstWaiting = (count) => within(["waiting"], "readonly", (waiting) => done(waiting.getAll(null, count)));
export const sent = (scans) =>
  within(["waiting"], "readwrite", async (waiting) => {
    for (const scan of scans) await done(waiting.delete(scan.place));
  });

/* --- Contradictions --- */

export const report = (rows) =>
  within(["report"], "readwrite", async (kept) => {
    for (const row of rows) await done(kept.put(row));
    const keys = await done(kept.getAllKeys());
    for (const key of keys.slice(0, Math.max(0, keys.length - MOST_REPORTED))) await done(kept.delete(key));
  });
export const reported = () => within(["report"], "readonly", (kept) => done(kept.getAll()));
export const clearReport = () => within(["report"], "readwrite", (kept) => done(kept.clear()));

/* --- The end --- */

/* Throws the list away: names, digests, keys, report. What waits to be sent stays: it holds codes and times, no names. */
export const forgetList = () =>
  within(["meta", "tickets", "report"], "readwrite", async (meta, tickets, kept) => {
    await Promise.all([done(tickets.clear()), done(kept.clear()), done(meta.delete("head")), done(meta.delete("listKey")), done(meta.delete("person"))]);
  });

/* Throws everything away. */
export const forgetAll = async () => {
  const database = await open();
  database.close();
  opened = null;
  await done(indexedDB.deleteDatabase(NAME));
};
