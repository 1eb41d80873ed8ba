// @ts-check
// Draws a picture of this page as a PNG in the browser and saves it; the server sends no pixels.

/** @param {Mounted<PngData>} component */
export default function ({ data, parentElement }) {
  const button = /** @type {HTMLButtonElement} */ (parentElement.querySelector("button"));
  const note = /** @type {HTMLElement} */ (parentElement.querySelector("p"));
  button.onclick = async () => {
    const source = data.svg ?? globalThis.atlasPictures?.get(data.digest);
    if (!source) {
      note.textContent = "The picture is not on the screen.";
      return;
    }
    try {
      save(await pixels(plain(source, data.colours), data.ground), data.name + ".png");
      note.textContent = "";
    } catch {
      note.textContent = "This browser cannot draw it. Take the SVG.";
    }
  };
  button.disabled = false;
}

/**
 * An image sees no page: variables become colours, and what waits for a click is left out.
 * @param {string} source
 * @param {Record<string, string>} colours
 */
function plain(source, colours) {
  const text = source.replace(/var\(--atlas-([a-z0-9-]+),\s*([^()]*)\)/g, (_, name, other) => colours[name] ?? other);
  const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  svg.querySelectorAll("[data-show]").forEach((node) => node.remove());
  return svg;
}

/**
 * @param {Element} svg
 * @param {string} ground
 * @returns {Promise<Blob>}
 */
async function pixels(svg, ground) {
  const size = (/** @type {string} */ side) => parseFloat(svg.getAttribute(side) ?? "");
  const width = size("width"), height = size("height");
  // Twice as many pixels as on the screen, less where a browser's canvas would end.
  const scale = Math.min(2, 8000 / Math.max(width, height));
  const image = new Image();
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(svg));
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("no canvas");
  pen.fillStyle = ground;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail()), "image/png"));
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
