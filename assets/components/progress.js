// @ts-check
// What the browser keeps of the course: the step reached in each lesson, and the lessons finished
// (`done`: the last step was answered or left by Finish).
// In: data of pages/shell/lesson/progress.py. Out: `progress`, where the server asks and knows less.

const PLACE = "atlas-learn";

/** @param {Mounted<ProgressData>} component */
export default function ({ data, setTriggerValue }) {
  if (data.forget) write(null);
  const kept = read();
  if (data.lesson && data.step) {
    kept.at[data.lesson] = data.step;
    kept.last = data.lesson;
    if (data.done && !kept.done.includes(data.lesson)) kept.done.push(data.lesson);
    write(kept);
  }
  if (data.known !== undefined && !data.forget) {
    const text = kept.last ? JSON.stringify(kept) : "";
    if (text !== data.known) setTriggerValue("progress", text);
  }
}

/** @returns {Progress} */
function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(PLACE) ?? "null");
    if (kept && typeof kept.at === "object" && kept.at && Array.isArray(kept.done)) return kept;
  } catch {
    // What is there was not written by us, or the browser keeps nothing: begin anew.
  }
  return { at: {}, done: [], last: "" };
}

/** @param {Progress | null} kept */
function write(kept) {
  try {
    if (kept) localStorage.setItem(PLACE, JSON.stringify(kept));
    else localStorage.removeItem(PLACE);
  } catch {
    // A browser that keeps nothing shows the course from its beginning.
  }
}
