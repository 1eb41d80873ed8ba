// Keeps the points of a map in the browser, so that a new selection does not send them again.
// They never change under one digest; `space.js` waits for them.

export default function ({ data }) {
  const clouds = (globalThis.atlasClouds ??= new Map());
  if (!clouds.has(data.digest)) clouds.set(data.digest, unpacked(data));
  // One map back and forth is all that a person compares.
  while (clouds.size > 4) clouds.delete(clouds.keys().next().value);
}

function unpacked(data) {
  const whole = new Int16Array(bytes(data.places).buffer);
  const count = whole.length / 3;
  const axis = (k) => Float32Array.from({ length: count }, (_, i) => whole[3 * i + k] * data.scale);
  return { axes: [axis(0), axis(1), axis(2)], classes: bytes(data.classes), names: data.names, legend: data.legend, ids: data.ids };
}

function bytes(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}
