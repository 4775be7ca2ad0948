/* Scanners that type: a hardware scanner is a keyboard that types fast and ends with Enter, wherever the focus is. */

const FAST = 500; /* ms between two keys: outside of a field nobody types, so this only parts two codes */
const LEAST = 8;

/* By the key's place and not by what is printed on it: a scanner types Latin letters also where the layout is Russian. */
const letter = (event) => {
  const [, key] = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(event.code) || [];
  if (key) return key;
  if (event.code === "Period" || event.code === "NumpadDecimal") return ".";
  return event.key.length === 1 ? event.key : "";
};

export const listen = (onCode) => {
  let typed = "";
  let last = 0;
  addEventListener(
    "keydown",
    (event) => {
      const field = event.target.closest?.("input, textarea, select");
      if (field || event.ctrlKey || event.metaKey || event.altKey) return;
      const now = performance.now();
      if (now - last > FAST) typed = "";
      last = now;
      if (event.key === "Enter" || event.key === "Tab") {
        if (typed.length >= LEAST) {
          event.preventDefault();
          onCode(typed);
        }
        typed = "";
        return;
      }
      typed = (typed + letter(event)).slice(-400);
    },
    true,
  );
};
