// @ts-check
// What the browser does for a session: it keeps the text that was typed, counts steps of Back, and
// gives the app's theme to what opens over it.
// In: data of pages/shell/client/memory.py. Out: `kept`, once, where the server has forgotten the text;
// `back`, the address that Back or Forward led to.

const PLACE = "atlas-kept";
let tidy = false; // whether this document's history is looked after already
/** @type {Element | null} */
let followed = null; // the app whose theme the document has
/** @type {string | null} */
let known = null; // the session that this document talks to
/** @type {Tell | null} */
let tell = null;

/** @param {Mounted<BrowserData>} component */
export default function ({ data, setTriggerValue }) {
  tell = setTriggerValue;
  tidyHistory();
  followTheme();
  const again = known !== null ? known !== data.viewer : reloaded();
  known = data.viewer;
  const kept = read();
  if (data.touched) {
    if (!kept || kept.text !== data.text || kept.model !== data.model)
      write({ text: data.text, model: data.model });
  } else if (again && kept && !new URLSearchParams(location.search).has("text")) {
    setTriggerValue("kept", kept);
  }
}

function reloaded() {
  const entry = performance.getEntriesByType("navigation")[0];
  return entry instanceof PerformanceNavigationTiming && entry.type !== "navigate";
}

/** @returns {Kept | null} */
function read() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
    return kept && typeof kept.text === "string" ? kept : null;
  } catch {
    return null;
  }
}

/** @param {Kept} kept */
function write(kept) {
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(kept));
  } catch {
    sessionStorage.removeItem(PLACE); // too long for this browser: better none than an older one
  }
}

// A page writes its values into the address by itself, and a control that a person moves writes its
// own: Streamlit makes a step of the history of the first and none of the second. A step is what a
// person did: one act, one step.
function tidyHistory() {
  if (tidy) return;
  tidy = true;
  const push = history.pushState.bind(history), replace = history.replaceState.bind(history);
  let acted = false, here = location.pathname;
  for (const event of ["pointerdown", "keydown"])
    addEventListener(event, () => (acted = true), { capture: true, passive: true });
  addEventListener("popstate", () => {
    acted = false;
    // To another page Streamlit goes by itself, and a word from the page left would hold it back.
    if (location.pathname === here) tell?.("back", { search: location.search });
    here = location.pathname;
  }, true);
  /** @type {History["pushState"]} */
  const write = (state, title, url) => {
    const to = new URL(url ?? location.href, location.href);
    if (to.href === location.href) return replace(state, title, url);
    const step = acted || to.pathname !== location.pathname;
    acted = false;
    here = to.pathname;
    (step ? push : replace)(state, title, url);
  };
  history.pushState = write;
  history.replaceState = write;
}

// A popover hangs on the document, beside the app: it would have the colours of the light theme.
function followTheme() {
  const app = document.querySelector("[data-testid=stApp]");
  if (app === null || app === followed) return;
  followed = app;
  const follow = () => (document.body.style.colorScheme = getComputedStyle(app).colorScheme);
  follow();
  new MutationObserver(follow).observe(app, { attributes: true, attributeFilter: ["class", "style"] });
}
