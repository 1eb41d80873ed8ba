// @ts-check
// A component that is given newer data before its script was read is called for both, in any order.

/** @type {WeakMap<Node, Call>} */
const calls = new WeakMap();

/**
 * A component whose newest data stand, whichever of its calls came last.
 *
 * Streamlit reads the script for each data anew and calls the component when that is done. It ends
 * a call when the component leaves the page, and at once where its data were replaced meanwhile:
 * such an end would end what the newer data show, and if none have come since, they came before.
 * @param {(given: Mounted<any>) => (() => void) | void} component
 * @returns {(given: Mounted<any>) => () => void}
 */
export function inOrder(component) {
  return (given) => {
    const place = given.parentElement, before = calls.get(place);
    /** @type {Call} */
    const call = { given, end: component(given) };
    calls.set(place, call);
    return () => {
      if (!place.isConnected) return call.end?.();
      // The newer one may be about to come.
      setTimeout(() => {
        if (!before || calls.get(place) !== call || !place.isConnected) return;
        calls.set(place, before);
        before.end = component(before.given);
      }, 50);
    };
  };
}
