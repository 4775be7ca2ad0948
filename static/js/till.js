/* The till by taps and keys: digits add a ticket, Escape starts again, Enter sells. Without it the numbers are typed. */
(() => {
  "use strict";
  const form = document.querySelector("[data-till]");
  const next = document.querySelector("[data-next]");
  const typing = () => document.activeElement?.matches("input:not([type=hidden]), textarea, select");

  if (next) {
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.repeat || document.activeElement?.matches("a, button, summary")) return;
      next.click();
    });
  }
  if (!form) return;

  const change = (name, by) => {
    const input = form.elements[name];
    const most = Number(input.max || 99);
    input.value = Math.min(most, Math.max(0, (Number(input.value) || 0) + by));
    form.dispatchEvent(new CustomEvent("till-changed"));
  };
  form.addEventListener("click", (event) => {
    const add = event.target.closest("[data-add]");
    const less = event.target.closest("[data-less]");
    if (add) change(add.dataset.add, 1);
    if (less) change(less.dataset.less, -1);
  });
  form.addEventListener("reset", () =>
    setTimeout(() => {
      for (const input of form.querySelectorAll(".till__number, .till__given")) input.value = input.matches(".till__number") ? 0 : "";
      form.dispatchEvent(new CustomEvent("till-changed"));
    }),
  );
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return form.reset();
    if (typing()) return;
    const tile = /^[1-9]$/.test(event.key) && form.querySelector(`[data-key="${event.key}"]:not(:disabled)`);
    if (tile) {
      event.preventDefault();
      change(tile.dataset.add, event.shiftKey ? -1 : 1);
    } else if (event.key === "Enter" && !event.repeat && !document.activeElement?.matches("a, button, summary")) {
      form.requestSubmit(form.querySelector('[value="cash"]'));
    }
  });
})();
