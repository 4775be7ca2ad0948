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

  // Goods may go by the dozen, and not fewer than some: the first tap adds that many, and one less than that is none.
  const change = (button, name, way) => {
    const input = form.elements[name];
    const most = Number(input.max || 99);
    const least = Number(button.dataset.least || 1);
    const now = Number(input.value) || 0;
    const next = now + way * (way > 0 && now < least ? least - now : Number(button.dataset.step || 1));
    input.value = next < least ? 0 : Math.min(most, next);
    form.dispatchEvent(new CustomEvent("till-changed"));
  };
  form.addEventListener("click", (event) => {
    const add = event.target.closest("[data-add]");
    const less = event.target.closest("[data-less]");
    if (add) change(add, add.dataset.add, 1);
    if (less) change(less, less.dataset.less, -1);
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
      change(tile, tile.dataset.add, event.shiftKey ? -1 : 1);
    } else if (event.key === "Enter" && !event.repeat && !document.activeElement?.matches("a, button, summary")) {
      form.requestSubmit(form.querySelector('[value="cash"]'));
    }
  });
})();
