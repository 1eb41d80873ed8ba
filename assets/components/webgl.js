// @ts-check
// Very many points drawn by the GPU in one call; without one, `raster.js` draws them.
//
// A point is four whole numbers of 16 bits, its place and its hue (-1: out of sight), so that half a
// million are 4 MB, sent to the GPU once. Hues lie in a texture: another theme sends 1 kB.

/** @typedef {{ matrix: number[], share: number, depths: number[], paper: number[] }} Frame */
/** @typedef {{ name: string, packed: Int16Array, size: number, shape: number, opacity: number }} Layer */
/** @typedef {Omit<ReturnType<typeof painter>, "name"> & { name: string }} Painter */

export const ROUND = 0, DIAMOND = 1, SQUARE = 2;
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i; // GPUs that are programs
export const HAZE = 0.5; // of the ground's colour, furthest away

const POINTS = `#version 300 es
layout(location = 0) in vec4 point;
uniform mat4 matrix;
uniform float size;
uniform vec2 depths;
uniform vec3 paper;
uniform sampler2D hues;
out vec3 hue;
void main() {
  gl_Position = point.w < 0.0 ? vec4(2.0, 2.0, 2.0, 1.0) : matrix * vec4(point.xyz, 1.0);
  gl_PointSize = size;
  float far = clamp((gl_Position.w - depths.x) / max(depths.y - depths.x, 1e-6), 0.0, 1.0);
  hue = mix(texelFetch(hues, ivec2(int(max(point.w, 0.0)), 0), 0).rgb, paper, far * ${HAZE.toFixed(2)});
}`;
const DOTS = `#version 300 es
precision mediump float;
in vec3 hue;
uniform int shape;
uniform float opacity;
out vec4 colour;
void main() {
  vec2 at = abs(2.0 * gl_PointCoord - 1.0);
  if ((shape == 0 && dot(at, at) > 1.0) || (shape == 1 && at.x + at.y > 1.0)) discard;
  colour = vec4(hue * opacity, opacity);
}`;
const NAMES = ["matrix", "size", "depths", "paper", "shape", "opacity"];

/**
 * A painter on a canvas; null where the browser has no WebGL 2, and where that is a GPU in software:
 * `raster.js` draws ten times as fast as it (12 ms against 124 for 50,000 points, two cores).
 * @param {HTMLCanvasElement} canvas
 * @param {RegExp} refused  who is not to draw
 */
export function gpu(canvas, refused = SOFTWARE) {
  const gl = canvas.getContext("webgl2", { antialias: false, alpha: true });
  if (!gl) return null;
  if (refused.test(renderer(gl))) {
    gl.getExtension("WEBGL_lose_context")?.loseContext();
    return null;
  }
  const program = built(gl);
  return program ? painter(canvas, gl, program) : null;
}

/**
 * Who draws, as the browser tells it.
 * @param {WebGL2RenderingContext} gl
 */
function renderer(gl) {
  const told = gl.getExtension("WEBGL_debug_renderer_info");
  return String(gl.getParameter(told ? told.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {WebGL2RenderingContext} gl
 * @param {WebGLProgram} program
 */
function painter(canvas, gl, program) {
  const at = Object.fromEntries(NAMES.map((name) => [name, gl.getUniformLocation(program, name)]));
  /** @type {(Layer & { buffer: WebGLBuffer, array: WebGLVertexArrayObject })[]} */
  let held = [];
  gl.useProgram(program);
  gl.enable(gl.DEPTH_TEST);
  gl.depthFunc(gl.LEQUAL);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);

  return { name: "WebGL", lost: () => gl.isContextLost(), layers, hues, paint, done, close };

  /**
   * What is drawn from now on, in this order; what lies in the GPU already is not sent again.
   * @param {Layer[]} wanted
   */
  function layers(wanted) {
    const before = held;
    held = wanted.map((layer) => {
      const same = before.find((one) => one.packed === layer.packed);
      return { ...layer, ...(same ?? sent(layer.packed)), name: layer.name, size: layer.size, shape: layer.shape, opacity: layer.opacity };
    });
    for (const { buffer, array } of before.filter((one) => !held.some(({ packed }) => packed === one.packed))) {
      gl.deleteBuffer(buffer);
      gl.deleteVertexArray(array);
    }
  }

  /** @param {Int16Array} packed */
  function sent(packed) {
    const array = gl.createVertexArray(), buffer = gl.createBuffer();
    gl.bindVertexArray(array);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, packed, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 4, gl.SHORT, false, 0, 0);
    return { array, buffer };
  }

  /** @param {Uint8Array} table  256 colours of four bytes */
  function hues(table) {
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, table);
  }

  /** @param {Frame} frame */
  function paint({ matrix, share, depths, paper }) {
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.uniformMatrix4fv(at.matrix, false, matrix);
    gl.uniform2f(at.depths, depths[0], depths[1]);
    gl.uniform3f(at.paper, paper[0] / 255, paper[1] / 255, paper[2] / 255);
    for (const { array, packed, size, shape, opacity } of held) {
      gl.bindVertexArray(array);
      gl.uniform1f(at.size, size);
      gl.uniform1i(at.shape, shape);
      gl.uniform1f(at.opacity, opacity);
      gl.drawArrays(gl.POINTS, 0, Math.ceil((packed.length / 4) * share));
    }
  }

  /** Wait until what was asked for is drawn: for measuring. */
  function done() {
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  /** A browser has room for few of these. */
  function close() {
    gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

/** @param {WebGL2RenderingContext} gl */
function built(gl) {
  const program = gl.createProgram();
  for (const [kind, text] of /** @type {const} */ ([[gl.VERTEX_SHADER, POINTS], [gl.FRAGMENT_SHADER, DOTS]])) {
    const shader = gl.createShader(kind);
    if (!program || !shader) return null;
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  return gl.getProgramParameter(program, gl.LINK_STATUS) ? program : null;
}
