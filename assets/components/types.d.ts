// What the server sends to each component, and what they share. Only the type checker reads this.

/** What Streamlit hands to a component at each run of the page. */
interface Mounted<Data> {
  data: Data;
  parentElement: HTMLElement | ShadowRoot;
  setStateValue: Tell;
  setTriggerValue: Tell;
}

type Tell = (name: string, value: unknown) => void;

/** An element of HTML or SVG. */
interface Drawn extends Element, HTMLOrSVGElement, ElementCSSInlineStyle {}

// ---- browser.js

interface Kept {
  text: string;
  model: string;
}

interface BrowserData extends Kept {
  viewer: string;
  touched: boolean;
}

// ---- progress.js

interface Progress {
  at: Record<string, number>;
  done: string[];
  last: string;
}

interface ProgressData {
  lesson?: string;
  step?: number;
  done?: boolean;
  known?: string;
  forget?: boolean;
}

// ---- lessons.js

interface OwnLessonsData {
  known: boolean;
  put: Record<string, string>;
  gone: string[];
}

// ---- class.js

interface Seat {
  code: string;
  key: string;
}

interface ClassData extends Partial<Seat> {
  role?: "teacher" | "pupil";
  locked?: boolean;
  ask: string;
  forget: string;
}

// ---- terms.js

interface Term {
  forms: string[];
  says: string;
  lesson: string;
  step: number;
}

interface TermSpot {
  node: Node;
  start: number;
  end: number;
  term: Term;
}

interface TermsData {
  terms: string; // JSON: Term[]
  ground: string;
  ink: string;
  line: string;
}

// ---- focus.js

interface FocusData {
  target: string;
  moment: string;
}

// ---- grip.js

interface GripData {
  list: string;
  place: number;
  count: number;
  seq: number;
  label: string;
}

// ---- present.js

interface PresentData {
  at: string;
}

// ---- picture.js

interface PictureData {
  svg: string;
  digest: string;
  alt: string;
  height: number | null;
  locked: string | null;
  seq: number;
  report: boolean;
  twice: boolean;
  acts: boolean;
  marked: string | null;
}

/** What a pointer or the focus is on; `quiet` where there is nothing to lock. */
interface Target {
  ids: string[];
  words?: string;
  quiet?: boolean;
  node?: Drawn;
  grid?: Element;
  spot?: [row: number, column: number];
}

interface Matrix {
  x: number;
  y: number;
  cell: number;
  rows: string[];
  columns: string[];
  rowLabels: string[];
  columnLabels: string[];
  values: DataView | null;
  format: string;
  quantity: string;
  mark: Element | null;
  at: [row: number, column: number];
}

/** One element of a picture that can be lit. */
interface Part {
  node: Drawn;
  id: string | undefined;
  on: string[];
  show: string[];
  keep: boolean;
  named: boolean;
  button: boolean;
  looks: string;
  lit: boolean;
}

// ---- the share buttons

interface CopyData {
  values: Record<string, string | string[]>;
  defaults: Record<string, string | string[]>;
  base: string;
  long: string;
}

interface FieldData {
  text: string;
  label: string;
  rows: number;
}

interface PngData {
  digest: string;
  svg?: string;
  name: string;
  colours: Record<string, string>;
  ground: string;
}

// ---- textbox.js

interface TextData {
  text: string;
  seq: number;
  label: string;
  placeholder: string;
  height: number;
  limit: number;
}

// ---- columns.js: the keys of one letter travel many times a second

interface AloudData {
  text: string;
  done: boolean;
}

interface ColumnsData {
  columns: ColumnData[];
  prompt: string;
  tint: string;
  height: number;
  hues: string[];
  chosen: number;
  mark: string;
  /** whether one more column may be added */
  room: boolean;
  held: string;
  seq: number;
}

interface ColumnData {
  name: string;
  /** texts */
  t: string[];
  /** texts as tooltips show them, spaces and line breaks visible */
  v: string[];
  /** probabilities of the model */
  p: number[];
  /** probabilities after the filters */
  a: number[];
  /** how many tokens the filters kept */
  k: number[];
  /** ranks */
  r: number[];
  /** best candidates, text and probability in turn */
  b: (string | number)[][];
  /** where it leaves the chosen column, or -1 */
  d: number;
  /** places of forced tokens */
  f: number[];
  /** whether it is being written */
  w: boolean;
  end: string;
  idle: string;
  /** entropies in bits */
  h: number[];
  peak: number;
  /** label, value, meaning */
  s: [string, string, string][];
}

interface TokenSpan extends HTMLSpanElement {
  at: [column: number, token: number];
  words?: string;
}

// ---- cloud.js and space.js

type Pair = [light: string, dark: string];
type Place = number[];
/** From a place of the space to pixels of the plot. */
type Spot = (place: Place) => [x: number, y: number];

interface CloudData {
  digest: string;
  /** of each point three whole numbers of `scale` */
  places: Int16Array;
  scale: number;
  /** of each point its place in the legend */
  classes: Uint8Array;
  names: string[];
  legend: { name: string; colour: Pair }[];
  ids: string;
}

interface MarkGroup {
  name: string;
  ids: string[];
  places: Place[];
  texts: string[];
  colour: Pair;
  colours: Pair[] | null;
  size: number;
  symbol: string;
}

interface MapLabel {
  id: string;
  place: Place;
  text: string;
  kind: string;
}

interface SpaceData {
  cloud: string;
  axes: string[];
  marks: MarkGroup[];
  labels: MapLabel[];
  flat: boolean;
  dot: { size: number; opacity: number };
  paths: { places: Place[]; colour: Pair; width?: number }[];
  only: number[] | null;
  chosen: string | null;
  camera: string;
  colours: { ink: Pair; muted: Pair; line: Pair; paper: Pair };
  height: number;
  rings?: { id: string; name: string; place: Place }[];
  lit: { name: string; bits: string; colour: Pair; size: number; symbol: string }[];
  frames: Record<string, Place[]> | null;
  pace: number;
  select: boolean;
  seq: number;
}

/** What a map tells of itself: what lies under the pointer, that it turns, that it came to rest. */
interface MapEvents {
  under(id: string | null | undefined): void;
  turning(): void;
  turned(byHand: boolean): void;
}

/** What is drawn, in the colours of this theme. */
interface MapScene {
  cloud: ReturnType<typeof import("./points.js").points>;
  hue: (pair: Pair) => string;
  /** as a link tells it; taken where somebody else than the hand `moved` it */
  view: string;
  moved: boolean;
  only: Set<number> | null;
  ends: [low: number, high: number][];
  flat: boolean;
  dot: { size: number; opacity: number };
  axes: string[];
  colours: SpaceData["colours"];
  height: number;
  lit: { name: string; at: number[]; colour: string; size: number; symbol: string }[];
  paths: { places: Place[]; colour: string; width: number }[];
  marks: (Omit<MarkGroup, "colour" | "colours"> & { colour: string; colours: string[] | null })[];
}

/** Who draws a map: `plotly.js` or `surface.js`. */
interface Drawing {
  draw(scene: MapScene): Promise<void>;
  spot(): Spot | null;
  /** how one looks now, as a link tells it; null before it is drawn */
  look(): string | null;
  /** classes that somebody hid in the legend */
  hidden(): Set<number>;
  stop(): void;
}

/** The part of plotly.js that is used; its own insides are not typed by anyone. */
interface PlotlyElement extends HTMLElement {
  data: any[];
  emit: (...event: unknown[]) => void;
  on: (name: string, act: (event: any) => void) => void;
  _fullLayout?: any;
}

declare var Plotly: {
  react(plot: HTMLElement, traces: object[], layout: object, config: object): Promise<unknown>;
  purge(plot: HTMLElement): void;
} | undefined;
/** The pictures on the screen by their digest. */
declare var atlasPictures: Map<string, string> | undefined;
/** The clouds of points that came, by their digest. */
declare var atlasClouds: Map<string, ReturnType<typeof import("./points.js").points>> | undefined;
/** Who draws large maps, and what it paints with. */
declare var atlasSurface: ((host: HTMLElement, events: MapEvents) => Drawing) | undefined;
declare var atlasPainters: {
  gpu: typeof import("./webgl.js").gpu;
  raster: typeof import("./raster.js").raster;
  above: typeof import("./surroundings.js").above;
  below: typeof import("./surroundings.js").below;
  legend: typeof import("./surroundings.js").legend;
  plain: typeof import("./surroundings.js").plain;
} | undefined;
/** From how many points on a map is not plotly's: only set to measure both (bench/maps.py). */
declare var atlasLarge: number | undefined;
/** Whether this browser has WebGL, once it was asked. */
declare var atlasWebgl: boolean | undefined;

// ---- order.js

interface Call {
  given: Mounted<any>;
  end: (() => void) | void;
}
