// @ts-check
// What the browser keeps of the lessons that somebody writes: one entry for each, its file.
// In: data of pages/shell/lesson/own/keeper.py. Out: `kept`, once, what is here; `failed`, where
// nothing can be kept.

const BEGINS = "atlas-own:";
const MOST = 20;

/** @param {Mounted<OwnLessonsData>} component */
export default function ({ data, setTriggerValue }) {
  try {
    for (const name of data.gone) localStorage.removeItem(BEGINS + name);
    for (const [name, text] of Object.entries(data.put)) localStorage.setItem(BEGINS + name, text);
  } catch {
    setTriggerValue("failed", true);
  }
  if (!data.known) setTriggerValue("kept", JSON.stringify(kept()));
}

/** @returns {Record<string, string>} */
function kept() {
  /** @type {Record<string, string>} */
  const found = {};
  try {
    for (const key of Object.keys(localStorage).sort()) {
      if (!key.startsWith(BEGINS) || Object.keys(found).length >= MOST) continue;
      found[key.slice(BEGINS.length)] = localStorage.getItem(key) ?? "";
    }
  } catch {
    // A browser that keeps nothing has nothing to give back.
  }
  return found;
}
