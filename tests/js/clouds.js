// The points of a map as the server packs them (pages/embeddings/map/picture.py).

/** All in one; `shift` is where in a larger piece of memory they lie, as in a message that came. */
export function packed({ places, classes, names, ...head }, shift = 0) {
  const text = new TextEncoder(), begun = text.encode(JSON.stringify({ ...head, count: names.length }));
  const padded = new Uint8Array(4 * Math.ceil(begun.length / 4)).fill(32);
  padded.set(begun);
  const long = new Uint8Array(Uint32Array.of(padded.length).buffer);
  const parts = [new Uint8Array(shift), long, padded, new Uint8Array(places.buffer), classes, text.encode(names.join("\n"))];
  return new Uint8Array(parts.flatMap((part) => [...part])).subarray(shift);
}
