// @ts-check
// A component that is given newer data before its script was read is called for both, in any order.

/** @type {WeakMap<Node, Call[]>} */
const standing = new WeakMap();

/**
 * A component whose newest data stand, whichever of its calls came last.
 *
 * Streamlit reads the script for each data anew and calls the component when that is done; of data
 * that were replaced meanwhile it ends the call at once, while what is drawn stays on the page. A
 * call that ends so is taken back: what stood before it is shown again, and goes on.
 * @param {(given: Mounted<any>) => (() => void) | void} component
 * @returns {(given: Mounted<any>) => () => void}
 */
export function inOrder(component) {
  return (given) => {
    const place = given.parentElement;
    const call = { given, end: component(given) };
    // Only two can wait for a script at a time: what is older was replaced in good order.
    const calls = [...(standing.get(place) ?? []).slice(-1), call];
    standing.set(place, calls);
    return () => {
      const now = /** @type {Call[]} */ (standing.get(place)), last = now.at(-1);
      if (!place.isConnected) return last?.end?.();
      if (last !== call) return;
      now.pop();
      if (now[0]) now[0].end = component(now[0].given);
    };
  };
}
