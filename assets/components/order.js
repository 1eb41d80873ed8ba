// @ts-check
// A component that is given newer data before its script was read is called for both, in any order.

/** @type {WeakMap<Node, Call>} */
const calls = new WeakMap();

/**
 * A component whose newest data stand, whichever of its calls came last.
 *
 * Streamlit reads the script for each data anew and calls the component when that is done; of data
 * that were replaced meanwhile it ends the call at once. That call may have been the last, and its
 * end may have ended what the newer one shows: what is left is begun again.
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
      call.end?.();
      // The newer one may be about to come: only where it has come already is anything mended.
      setTimeout(() => {
        const now = calls.get(place), left = now === call ? before : now;
        if (!left || !place.isConnected) return;
        calls.set(place, left);
        left.end?.();
        left.end = component(left.given);
      }, 50);
    };
  };
}
