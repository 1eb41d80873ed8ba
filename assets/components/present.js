// @ts-check
// The keys of a presentation, and pictures as large as the room that is left for them.
// In: `at`, what is shown (pages/shell/lesson/present.py). Out: `go`, 1 onward, -1 back, 0 to leave.
// A presenter's remote sends Page Up and Page Down. What is typed into a field, and the keys of whatever
// has the focus, are not ours.

/** @typedef {(way: 1 | -1 | 0) => void} Go */
const ON = ["PageDown", "ArrowRight", " "], BACK = ["PageUp", "ArrowLeft", "Backspace"];
const ALWAYS = ["PageDown", "PageUp", "Escape"]; // also where something else has the focus
const HOSTS = "[data-testid=stBidiComponentIsolated]", BAR = 56, LEAST = 300; // pixels
const BOTTOM = ".st-key-atlas-present-bar";
const SAID = "atlas-present-text-on";
const FITS = [2.4, 2.1, 1.8, 1.5, 1.25, 1]; // sizes that chips are tried in
const LARGE = `.stage{overflow:visible;max-height:none}.more{display:none!important}
.stage>svg{width:100%!important;min-width:0!important;max-width:100%!important;height:auto!important;max-height:var(--atlas-room)!important}
.sheet .text{height:auto;font-size:clamp(1.1rem,.7rem + 1.2vw,1.8rem)}.sheet .name{font-size:1.2rem;min-height:0}
.sheet .foot,.sheet .add{display:none}.sheet{max-height:var(--atlas-room);overflow:auto}
.space .plot{height:var(--atlas-room)!important}.space .labels button{font-size:18px!important}.tip{font-size:1.15rem}`;

/** @type {Go} */
let go = () => {};
/** @type {ReturnType<typeof presenting> | null} */
let one = null;

/** @param {Mounted<PresentData>} component */
export default function ({ setTriggerValue }) {
  /** @type {Go} */
  const own = (way) => setTriggerValue("go", way);
  go = own; // each step is told by its own call, which leaves what is shown as it is
  one ??= presenting((way) => go(way));
  return () => {
    if (go !== own) return;
    one?.stop();
    one = null;
  };
}

/** @param {Go} go */
export function presenting(go) {
  const large = "CSSStyleSheet" in globalThis ? new CSSStyleSheet() : null;
  large?.replaceSync(LARGE);
  let timer = 0, room = "", limit = 0;

  /** @param {KeyboardEvent} event */
  function press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.key.toLowerCase() === "t" && !busy(event)) return said();
    const way = ON.includes(event.key) ? 1 : BACK.includes(event.key) ? -1 : event.key === "Escape" ? 0 : null;
    if (way === null || (busy(event) && !ALWAYS.includes(event.key))) return;
    // On the page behind it the space bar and the arrows mean something else.
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!event.repeat) go(way);
  }

  // What the lesson says at this step stays out of sight until somebody wants to read it.
  function said() {
    document.documentElement.classList.toggle(SAID);
    fit();
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(fit, 60);
  }

  const watch = new MutationObserver(later);
  // Fonts and pictures that come late move what stands under them, and nothing else tells of it.
  const sized = "ResizeObserver" in globalThis ? new ResizeObserver(later) : null;

  // The pictures in sight, those side by side in one row.
  function rows() {
    /** @type {{ bottom: number, hosts: Element[] }[]} */
    const found = [];
    for (const host of document.querySelectorAll(HOSTS)) {
      const box = host.getBoundingClientRect();
      if (!host.shadowRoot?.querySelector(".stage,.sheet,.space") || box.width < 40) continue;
      if (large && !host.shadowRoot.adoptedStyleSheets.includes(large)) host.shadowRoot.adoptedStyleSheets.push(large);
      const last = found.at(-1);
      if (last && box.top < last.bottom - 8) last.hosts.push(host);
      else found.push({ bottom: box.bottom, hosts: [host] });
    }
    return found;
  }

  function fit() {
    const all = rows(), first = all[0]?.hosts[0].getBoundingClientRect().top ?? 0;
    const count = Math.max(1, all.length), most = (innerHeight - scrolled() - first - BAR - 16 * count) / count;
    // A control that the step needs stands under the picture: it has room, too. What was taken for it
    // is given back when the room is another, or chips would grow and shrink in turns.
    if (Math.abs(most - limit) > 4) room = "";
    limit = most;
    const each = room ? parseFloat(room) + Math.min(0, spare() / count) : most;
    const next = `${Math.max(LEAST, Math.round(each))}px`;
    if (next !== room) {
      room = next;
      document.documentElement.style.setProperty("--atlas-room", room);
      dispatchEvent(new Event("resize")); // maps of plotly.js follow the window
    }
    for (const { hosts } of all) for (const host of hosts) chips(host, parseFloat(next));
  }

  // What is free above the bar; less than nothing where something is behind it.
  function spare() {
    const ends = [...document.querySelectorAll("[data-testid=stMain] [data-testid=stElementContainer]")].filter((node) => !node.closest(BOTTOM))
      .map((node) => node.getBoundingClientRect()).filter((box) => box.height > 1).map((box) => box.bottom + scrolled());
    return innerHeight - BAR - 8 - Math.max(0, ...ends);
  }

  // How far the page was scrolled does not count.
  function scrolled() {
    return document.querySelector("[data-testid=stMain]")?.scrollTop ?? 0;
  }

  function stop() {
    clearTimeout(timer);
    watch.disconnect();
    sized?.disconnect();
    removeEventListener("keydown", press, true);
    removeEventListener("resize", fit);
    document.documentElement.style.removeProperty("--atlas-room");
    document.documentElement.classList.remove(SAID);
    for (const { shadowRoot: root } of document.querySelectorAll(HOSTS)) {
      if (root && large) root.adoptedStyleSheets = root.adoptedStyleSheets.filter((one) => one !== large);
    }
  }

  addEventListener("keydown", press, true);
  addEventListener("resize", fit);
  watch.observe(document.body, { childList: true, subtree: true });
  const main = document.querySelector("[data-testid=stMainBlockContainer]");
  if (main) sized?.observe(main);
  fit();
  return { stop, fit };
}

/**
 * Whether the keys belong to what has the focus: a field, a button, a target of a picture.
 * @param {Event} event
 */
function busy(event) {
  const node = event.composedPath()[0];
  return node instanceof Element && node !== document.body && Boolean(node.closest("input,textarea,select,button,a,[role=slider],[data-id],.matrix"));
}

/**
 * Chips wrap like text: as large as they fit.
 * @param {Element} host
 * @param {number} tall
 */
function chips(host, tall) {
  const drawn = /** @type {HTMLElement | null | undefined} */ (host.shadowRoot?.querySelector(".stage > div"));
  if (!drawn) return;
  for (const size of FITS) {
    drawn.style.zoom = String(size);
    if (drawn.getBoundingClientRect().height <= tall) break;
  }
}
