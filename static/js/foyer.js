/* Comforts. Every page works without this file. */
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.remove("no-script");

  const cookie = (name, value) => {
    document.cookie = `${name}=${value};path=/;max-age=31536000;samesite=lax${location.protocol === "https:" ? ";secure" : ""}`;
  };

  /* Tickets that this device keeps for their owner go when the owner does: at sign-out, and as soon as a page is shown
     to nobody or to somebody else. A page that does not say whom it is for, as that of a fault, changes nothing. */
  const forget = (person) => {
    if (!("caches" in window)) return Promise.resolve();
    const others = (name) => name.startsWith("tickets-") && name !== `tickets-${person}`;
    return caches.keys().then((names) => Promise.all(names.filter(others).map((name) => caches.delete(name))));
  };
  if ("person" in root.dataset) forget(root.dataset.person).catch(() => {});
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("action")?.startsWith("/account/logout")) forget("").catch(() => {});
  });

  /* Theme: the cookie is read by the server, so the first paint is right. */
  const dark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-switch]");
    if (!button) return;
    root.dataset.theme = dark() ? "light" : "dark";
    cookie("theme", root.dataset.theme);
    button.setAttribute("aria-pressed", String(dark()));
  });

  /* Menus (details) close on Escape and on a click beside them. */
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  /* Dialogs: data-dialog="id" opens, data-close closes. Without script the same link leads to a page. */
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.dialog);
      if (dialog?.showModal) {
        event.preventDefault();
        dialog.showModal();
      }
    }
    const closer = event.target.closest("[data-close]");
    if (closer) closer.closest("dialog, .toast")?.[closer.closest("dialog") ? "close" : "remove"]();
    const copier = event.target.closest("[data-copy]");
    if (copier) {
      navigator.clipboard?.writeText(copier.dataset.copy).then(() => {
        const label = copier.querySelector("[data-copy-label]");
        if (!label) return;
        const before = label.textContent;
        label.textContent = copier.dataset.copied;
        setTimeout(() => (label.textContent = before), 1600);
      });
    }
    if (event.target.closest("[data-print]")) print();
  });

  /* Whoever logs out leaves no list of the scanner's behind on this device (static/scan/store.js). What it read and
     has not sent yet stays: it names nobody, and is sent when somebody scans here again. */
  const forgetScanner = async () => {
    for (const name of await caches.keys()) if (name.startsWith("foyer-scan-")) await caches.delete(name);
    if (!(await indexedDB.databases()).some((each) => each.name === "foyer-scan")) return;
    await new Promise((resolve) => {
      const asked = indexedDB.open("foyer-scan");
      asked.onerror = resolve;
      asked.onsuccess = () => {
        const names = ["meta", "tickets", "report"].filter((name) => asked.result.objectStoreNames.contains(name));
        if (!names.length) return resolve();
        const all = asked.result.transaction(names, "readwrite");
        for (const name of names) all.objectStore(name).clear();
        all.oncomplete = all.onabort = resolve;
      };
    });
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.getAttribute("action")?.endsWith("/account/logout/") || !globalThis.caches || !globalThis.indexedDB?.databases) return;
    event.preventDefault();
    forgetScanner().catch(() => {}).finally(() => form.submit());
  });

  /* A form that asks first. */
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });

  const money = (minor, form) => {
    const digits = Number(form.dataset.digits);
    const whole = minor % 10 ** digits === 0;
    return new Intl.NumberFormat(root.lang, {
      style: "currency",
      currency: form.dataset.currency,
      currencyDisplay: "narrowSymbol",
      minimumFractionDigits: whole ? 0 : digits,
      maximumFractionDigits: digits,
    }).format(minor / 10 ** digits);
  };

  const enhance = (scope) => {
    for (const stepper of scope.querySelectorAll(".stepper:not([data-ready])")) {
      stepper.dataset.ready = "";
      const input = stepper.querySelector("input");
      const [less, more] = stepper.querySelectorAll("button");
      const min = Number(input.min || 0);
      const max = Number(input.max || 99);
      const least = Number(stepper.dataset.least || 1);
      let changed;
      const show = () => {
        const value = Number(input.value) || 0;
        less.disabled = value <= min;
        more.disabled = value >= max;
      };
      const step = (by) => {
        const value = Number(input.value) || 0;
        let next = value + by;
        if (next > 0 && next < least) next = by > 0 ? least : 0;
        input.value = Math.min(Math.max(next, min), max);
        input.dispatchEvent(new Event("input", { bubbles: true }));
        /* Where each change is sent: once, when the clicking is over. */
        if (!("changes" in stepper.dataset)) return;
        clearTimeout(changed);
        changed = setTimeout(() => input.dispatchEvent(new Event("change", { bubbles: true })), 600);
      };
      less.hidden = more.hidden = false;
      less.addEventListener("click", () => step(-1));
      more.addEventListener("click", () => step(1));
      input.addEventListener("input", show);
      show();
    }

    /* The sum under the tickets, and the button that says how many. The server reckons again. */
    for (const form of scope.querySelectorAll("form[data-tickets]:not([data-ready])")) {
      form.dataset.ready = "";
      const total = form.querySelector("[data-total]");
      const saidPrice = (input, own) => {
        const said = Number(own.value.replace(/\s/g, "").replace(",", ".")) || 0;
        const one = Math.max(0, Math.round(said * 10 ** Number(form.dataset.digits)));
        return one + Math.round((one * Number(input.dataset.tax || 0)) / 100);
      };
      /* The first ones may be early birds: "3:1000 17:1500" is three at 1000 and the next at 1500. */
      const cost = (input, quantity) => {
        const own = input.dataset.priceFrom && document.getElementById(input.dataset.priceFrom);
        if (own) return quantity * saidPrice(input, own);
        let left = quantity;
        let minor = 0;
        for (const step of input.dataset.steps.split(" ")) {
          const [count, price] = step.split(":").map(Number);
          minor += Math.min(left, count) * price;
          left -= Math.min(left, count);
        }
        return minor;
      };
      const add = () => {
        let minor = 0;
        let count = 0;
        for (const input of form.querySelectorAll("input[data-steps]")) {
          const quantity = Number(input.value) || 0;
          count += quantity;
          minor += cost(input, quantity);
        }
        for (const part of form.querySelectorAll("[data-when-chosen]")) part.hidden = !count;
        for (const part of form.querySelectorAll("[data-when-paid]")) part.hidden = !minor;
        total.textContent = count && !minor ? form.dataset.free : money(minor, form);
      };
      form.addEventListener("input", add);
      add();
    }

    /* The picture that was chosen, before it is sent. A data: address, for the policy takes no others. */
    for (const chooser of scope.querySelectorAll("input[data-preview]:not([data-ready])")) {
      chooser.dataset.ready = "";
      const preview = document.getElementById(chooser.dataset.preview);
      chooser.addEventListener("change", () => {
        const file = chooser.files[0];
        preview.hidden = true;
        if (!file || !chooser.accept.split(",").includes(file.type) || file.size > 5 * 1024 * 1024) return;
        const reader = new FileReader();
        reader.addEventListener("load", () => {
          preview.src = reader.result;
          preview.hidden = false;
        });
        reader.readAsDataURL(file);
      });
    }

    /* A box that ticks all others of its name. Without script each is ticked by itself. */
    for (const all of scope.querySelectorAll("input[data-ticks]:not([data-ready])")) {
      all.dataset.ready = "";
      all.closest("[data-ticks-all]").hidden = false;
      const boxes = () => [...document.querySelectorAll(`input[name="${all.dataset.ticks}"]`)];
      all.addEventListener("change", () => {
        for (const box of boxes()) box.checked = all.checked;
      });
    }

    /* What is left of a hold. The page is asked again when the time is up. */
    for (const clock of scope.querySelectorAll("[data-until]:not([data-ready])")) {
      clock.dataset.ready = "";
      const until = Date.parse(clock.dataset.until);
      const offset = Date.parse(clock.dataset.now) - Date.now();
      /* Read aloud at a few moments only: a clock that speaks every second is in everybody's way. */
      const voice = clock.parentElement.querySelector("[data-hold-says]");
      const moments = (voice?.dataset.says ?? "").split("|").map((each) => each.split(":"));
      let before = Infinity;
      const says = (left) => {
        const now = moments.find(([at]) => at && left <= Number(at) && before > Number(at));
        if (now && voice && before !== Infinity) voice.textContent = now[1];
        before = left;
      };
      const tick = () => {
        const left = Math.max(0, Math.round((until - Date.now() - offset) / 1000));
        const hours = Math.floor(left / 3600);
        const rest = [Math.floor((left % 3600) / 60), left % 60].map((part) => String(part).padStart(2, "0"));
        clock.textContent = (hours ? [hours, ...rest] : rest).join(":");
        says(left);
        if (left) return;
        clearInterval(timer);
        /* A page that somebody types into is not taken from them. */
        if ("stays" in clock.dataset) {
          for (const over of document.querySelectorAll("[data-hold-over]")) over.hidden = false;
          return;
        }
        setTimeout(() => location.reload(), 1500);
      };
      const timer = setInterval(tick, 1000);
      tick();
    }

    /* The way of delivery changes the total, and whether an address is asked for. The server reckons again. */
    for (const form of scope.querySelectorAll("#checkout:not([data-ready])")) {
      form.dataset.ready = "";
      const show = () => {
        const way = form.querySelector("input[name=method]:checked");
        if (way) {
          form.querySelector("[data-order-total]").textContent = way.dataset.total;
          form.querySelector("[data-delivery-sum]").textContent = way.dataset.delivery;
          form.querySelector("[data-delivery-sum]").className = "number";
          form.querySelector("[data-delivery-name]").textContent = way.dataset.name;
        }
        const address = form.querySelector("[data-address]");
        if (!address) return;
        address.hidden = way?.dataset.kind === "pickup";
        const saved = form.querySelector("input[name=address]:checked");
        form.querySelector("[data-new-address]").hidden = Boolean(saved) && saved.value !== "new";
      };
      form.addEventListener("change", show);
      show();
    }

    /* An address made from the name, until somebody types one. */
    for (const slug of scope.querySelectorAll("[data-slug-of]:not([data-ready])")) {
      slug.dataset.ready = "";
      const source = document.getElementById(slug.dataset.slugOf);
      let own = slug.value !== "";
      slug.addEventListener("input", () => (own = true));
      source?.addEventListener("input", () => {
        if (own) return;
        slug.value = source.value
          .normalize("NFKD")
          .toLowerCase()
          .replace(/[а-яё]/g, (letter) => CYRILLIC[letter])
          .replace(/[^a-z0-9]+/g, "-")
          .replace(/^-+|-+$/g, "")
          .slice(0, 40)
          .replace(/-+$/, "");
        slug.dispatchEvent(new Event("change", { bubbles: true }));
      });
    }

    /* The device's own way of sharing, or the address on the clipboard. Without either the button stays away. */
    for (const button of scope.querySelectorAll("[data-share]:not([data-ready])")) {
      button.dataset.ready = "";
      if (!navigator.share && !navigator.clipboard) continue;
      button.hidden = false;
      const label = button.querySelector("span");
      const before = label.textContent;
      button.addEventListener("click", async () => {
        const { share: url, title, done } = button.dataset;
        try {
          if (navigator.share) {
            await navigator.share({ title, url });
            return;
          }
          await navigator.clipboard.writeText(url);
          label.textContent = done;
          setTimeout(() => (label.textContent = before), 2500);
        } catch {
          /* Somebody who closes the sheet wants nothing more. */
        }
      });
    }

    for (const toast of scope.querySelectorAll(".toast:not([data-ready])")) {
      toast.dataset.ready = "";
      if (!toast.matches("[data-stays]")) setTimeout(() => toast.remove(), 7000);
    }
  };
  const CYRILLIC = Object.fromEntries(
    "а:a б:b в:v г:g д:d е:e ё:e ж:zh з:z и:i й:i к:k л:l м:m н:n о:o п:p р:r с:s т:t у:u ф:f х:kh ц:ts ч:ch ш:sh щ:shch ъ: ы:y ь: э:e ю:yu я:ya"
      .split(" ")
      .map((pair) => pair.split(":")),
  );

  /* A suggestion that fills in the field it is about. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fills]");
    if (!button) return;
    const field = document.getElementById(button.dataset.fills);
    field.value = button.dataset.value;
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });

  /* Filters submit themselves; htmx swaps the list and keeps the address. */
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-submits]");
    if (form) form.requestSubmit();
  });

  /* Where one is, asked for only after a click; rounded to about a hundred metres before it is sent. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-near]");
    if (!button) return;
    const form = button.form;
    const say = button.parentElement.querySelector("[role=status]");
    const denied = () => {
      say.textContent = button.dataset.denied;
      button.disabled = false;
    };
    if (!navigator.geolocation) return denied();
    button.disabled = true;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const near = form.elements.near;
        near.disabled = false;
        near.value = `${coords.latitude.toFixed(3)},${coords.longitude.toFixed(3)}`;
        form.requestSubmit();
      },
      denied,
      { timeout: 10000, maximumAge: 300000 },
    );
  });

  /* The time zone that the browser knows, where a form asks for one. */
  for (const field of document.querySelectorAll("select[data-zone]")) {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (field.value === "UTC" && [...field.options].some((option) => option.value === zone)) field.value = zone;
  }

  /* A bar that points at something goes when that is on the screen. */
  for (const bar of document.querySelectorAll("[data-until-seen]")) {
    const seen = document.getElementById(bar.dataset.untilSeen);
    new IntersectionObserver(([entry]) => (bar.hidden = entry.isIntersecting)).observe(seen);
  }

  enhance(document);
  // The bell asks by itself; without network it need not try, nor complain.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!navigator.onLine && event.target.closest(".bell")) event.preventDefault();
  });
  document.addEventListener("htmx:load", (event) => enhance(event.target));
})();
