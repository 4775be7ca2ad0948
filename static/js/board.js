/* The live board: pushed by the server while it has a stream to give, else asked for every five seconds. */
(() => {
  "use strict";
  const board = document.querySelector("[data-board]");
  if (!board || !window.htmx) return;
  const EVERY = 5000;
  const TRY_STREAM_AGAIN = 60000;
  const state = document.querySelector("[data-board-state]");
  let source = null;
  let triesAt = 0;
  let silence = 0;

  const say = (now) => {
    if (state.dataset.boardState === now) return;
    state.dataset.boardState = now;
    for (const word of state.querySelectorAll("[data-state]")) word.hidden = word.dataset.state !== now;
  };

  /* The table that somebody opened stays open. */
  const put = (html) => {
    const open = board.querySelector("details")?.open;
    htmx.swap(board, html, { swapStyle: "innerHTML" });
    if (open) board.querySelector("details")?.setAttribute("open", "");
  };

  const poll = () => {
    if (source || document.hidden) return;
    if (Date.now() >= triesAt) return listen();
    htmx.trigger(board, "board-poll");
  };

  const listen = () => {
    source = new EventSource(board.dataset.stream);
    source.addEventListener("board", (event) => {
      clearTimeout(silence);
      say("stream");
      put(event.data);
    });
    source.addEventListener("error", () => {
      clearTimeout(silence);
      /* A stream that ended comes back by itself, soon. Closed for good: there was none to have. */
      if (source.readyState !== EventSource.CLOSED) {
        silence = setTimeout(() => say("lost"), EVERY);
        return;
      }
      source = null;
      triesAt = Date.now() + TRY_STREAM_AGAIN;
      poll();
    });
  };

  board.addEventListener("htmx:beforeSwap", () => {
    board.dataset.open = board.querySelector("details")?.open ? "1" : "";
  });
  board.addEventListener("htmx:afterSwap", () => {
    if (board.dataset.open) board.querySelector("details")?.setAttribute("open", "");
    if (!source) say("poll");
  });
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) board.addEventListener(name, () => say("lost"));

  /* A page that nobody looks at holds no stream. */
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(silence);
      source?.close();
      source = null;
    } else if (!source) {
      triesAt = 0;
      poll();
    }
  });
  addEventListener("pagehide", () => source?.close());
  setInterval(poll, EVERY);
  poll();
})();
