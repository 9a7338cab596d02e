/** The light: decoded from the buffers of a frame, drawn, and found again under the pointer. */

import type { Viewport } from "./viewport";
import type { FrameState } from "./state";

/** Weaker light is drawn as if it had this share: it would not show. */
const FAINTEST = 0.08;
/** Steps of opacity. */
const SHADES = 50;
/** A path of the canvas is begun anew after so many stretches: rasterisers are slow with very long ones. */
const LONGEST_RUN = 256;
/** Opacity of the envelope of a Gaussian beam of full power. */
const ENVELOPE = 0.32;
/** Up to this many paths, lines are of full width. */
const FEW_PATHS = 100;

/** Stretches of one colour and opacity; four numbers each, mm. */
interface Batch {
  readonly style: string;
  readonly ends: Float32Array;
}

/** The envelope of a beam between two surfaces: points of one edge, then of the other backwards; two numbers each, mm. */
interface Envelope {
  readonly style: string;
  readonly outline: Float32Array;
}

/** A point of the light. */
export interface Place {
  readonly path: number;
  /** The vertex of the path at which the stretch begins. */
  readonly vertex: number;
  /** Where on the stretch, 0 to 1. */
  readonly share: number;
  /** mm. */
  readonly x: number;
  readonly y: number;
}

export class Light {
  readonly paths: number;
  readonly points: Float32Array;
  readonly #intensities: Float32Array;
  readonly #radii: Float32Array;
  readonly #starts: Uint32Array;
  readonly #firsts: Uint32Array;
  readonly #colours: Uint8Array;
  readonly #batches: Batch[];
  readonly #envelopes: Envelope[];

  constructor(buffers: FrameState["light"]) {
    this.points = floats(buffers.points);
    this.#intensities = floats(buffers.intensities);
    this.#radii = floats(buffers.radii);
    this.#starts = integers(buffers.starts);
    this.#firsts = integers(buffers.firsts);
    this.#colours = new Uint8Array(buffers.colours.buffer, buffers.colours.byteOffset, buffers.colours.byteLength);
    this.paths = this.#firsts.length;
    this.#batches = this.#inBatches();
    this.#envelopes = this.#radii.length > 0 ? this.#allEnvelopes() : [];
  }

  /** Calls `visit` for every stretch with its path and the number of its first vertex among the points. */
  #eachStretch(visit: (path: number, at: number) => void): void {
    for (let path = 0; path < this.paths; path++) {
      const last = (this.#starts[path + 1] ?? 0) - 1;
      for (let at = this.#starts[path] ?? 0; at < last; at++) visit(path, at);
    }
  }

  #style(path: number, opacity: number): string {
    const [r, g, b] = this.#colours.subarray(3 * path, 3 * path + 3);
    return `rgba(${r},${g},${b},${opacity})`;
  }

  /** The opacity of a stretch, 1 to `SHADES`. */
  #shade(at: number): number {
    return Math.ceil(Math.min(1, Math.max(FAINTEST, this.#intensities[at] ?? 0)) * SHADES);
  }

  #inBatches(): Batch[] {
    // The opacity leads the number of a look: weaker light comes first, so that stronger light is drawn over it.
    const points = this.points;
    const colours = this.#colours;
    const look = (path: number, at: number): number =>
      this.#shade(at) * 2 ** 24 +
      (colours[3 * path] ?? 0) * 2 ** 16 + (colours[3 * path + 1] ?? 0) * 2 ** 8 + (colours[3 * path + 2] ?? 0);
    const found = new Map<number, { path: number; count: number; filled: number; ends: Float32Array }>();
    this.#eachStretch((path, at) => {
      const key = look(path, at);
      const batch = found.get(key);
      if (batch) batch.count += 1;
      else found.set(key, { path, count: 1, filled: 0, ends: new Float32Array(0) });
    });
    for (const batch of found.values()) batch.ends = new Float32Array(4 * batch.count);
    this.#eachStretch((path, at) => {
      const batch = found.get(look(path, at));
      if (!batch) return;
      let finite = true;
      for (let i = 0; i < 4; i++) finite &&= Number.isFinite(points[2 * at + i]);
      if (!finite) return;
      for (let i = 0; i < 4; i++) batch.ends[batch.filled++] = points[2 * at + i] ?? 0;
    });
    const sorted = [...found].sort(([a], [b]) => a - b);
    return sorted.map(([key, { path, filled, ends }]) => ({
      style: this.#style(path, Math.floor(key / 2 ** 24) / SHADES),
      ends: ends.subarray(0, filled),
    }));
  }

  #allEnvelopes(): Envelope[] {
    const found: Envelope[] = [];
    for (let path = 0; path < this.paths; path++) {
      const end = this.#starts[path + 1] ?? 0;
      let from = this.#starts[path] ?? 0;
      while (from < end - 1) {
        const to = this.#endOfRun(from, end);
        const envelope = Number.isFinite(this.#radii[from]) ? this.#envelope(path, from, to) : null;
        if (envelope) found.push(envelope);
        from = to;
      }
    }
    return found;
  }

  /** The last vertex of the straight run with one intensity that begins at `from`. */
  #endOfRun(from: number, end: number): number {
    const [ux, uy] = this.#direction(from);
    let to = from + 1;
    while (to < end - 1 && this.#intensities[to] === this.#intensities[from]) {
      const [vx, vy] = this.#direction(to);
      // The sine of the angle between them, and that they are not opposed.
      if (Math.abs(ux * vy - uy * vx) > 1e-4 || ux * vx + uy * vy < 0) break;
      to++;
    }
    return to;
  }

  #direction(at: number): [number, number] {
    const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = this.points.subarray(2 * at, 2 * at + 4);
    const length = Math.hypot(x1 - x0, y1 - y0);
    return length > 0 ? [(x1 - x0) / length, (y1 - y0) / length] : [0, 0];
  }

  #envelope(path: number, from: number, to: number): Envelope | null {
    const count = to - from + 1;
    const outline = new Float32Array(4 * count);
    const x0 = this.points[2 * from] ?? 0;
    const y0 = this.points[2 * from + 1] ?? 0;
    const dx = (this.points[2 * to] ?? 0) - x0;
    const dy = (this.points[2 * to + 1] ?? 0) - y0;
    const length = Math.hypot(dx, dy) || 1;
    for (let i = 0; i < count; i++) {
      const at = from + i;
      const radius = this.#radii[at] ?? 0;
      const [x = 0, y = 0] = this.points.subarray(2 * at, 2 * at + 2);
      const [across, up] = [(-dy / length) * radius, (dx / length) * radius];
      outline.set([x + across, y + up], 2 * i);
      outline.set([x - across, y - up], 4 * count - 2 - 2 * i);
    }
    const opacity = ENVELOPE * Math.max(FAINTEST, Math.min(1, this.#intensities[from] ?? 0));
    return outline.every(Number.isFinite) ? { style: this.#style(path, opacity), outline } : null;
  }

  /** Draws into a context whose unit is a pixel of the page. */
  draw(context: CanvasRenderingContext2D, view: Viewport): void {
    const { scale, width, height } = view;
    const [left, top] = [width / 2 - view.centre[0] * scale, height / 2 + view.centre[1] * scale];
    for (const { style, outline } of this.#envelopes) {
      context.fillStyle = style;
      context.beginPath();
      for (let i = 0; i < outline.length; i += 2) {
        context.lineTo(left + (outline[i] ?? 0) * scale, top - (outline[i + 1] ?? 0) * scale);
      }
      context.fill();
    }
    context.lineWidth = this.paths <= FEW_PATHS ? 1.5 : 1;
    context.lineJoin = "round";
    for (const { style, ends } of this.#batches) {
      context.strokeStyle = style;
      let run = 0;
      context.beginPath();
      let [penX, penY] = [Number.NaN, Number.NaN];
      for (let i = 0; i < ends.length; i += 4) {
        const cut = clip(
          left + (ends[i] ?? 0) * scale, top - (ends[i + 1] ?? 0) * scale,
          left + (ends[i + 2] ?? 0) * scale, top - (ends[i + 3] ?? 0) * scale,
          width, height,
        );
        if (cut === null) continue;
        if (run >= LONGEST_RUN) {
          context.stroke();
          context.beginPath();
          run = 0;
          penX = Number.NaN;
        }
        if (cut[0] !== penX || cut[1] !== penY) context.moveTo(cut[0], cut[1]);
        context.lineTo(cut[2], cut[3]);
        [penX, penY] = [cut[2], cut[3]];
        run++;
      }
      context.stroke();
    }
  }

  /** The point of the light that is nearest to (x, y), mm, within `reach` mm; null where there is none. */
  nearest(x: number, y: number, reach: number): Place | null {
    let found: Place | null = null;
    let least = reach * reach;
    const points = this.points;
    this.#eachStretch((path, at) => {
      const x0 = points[2 * at] ?? 0;
      const y0 = points[2 * at + 1] ?? 0;
      const dx = (points[2 * at + 2] ?? 0) - x0;
      const dy = (points[2 * at + 3] ?? 0) - y0;
      const squared = dx * dx + dy * dy;
      const share = squared > 0 ? Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / squared)) : 0;
      const px = x0 + share * dx;
      const py = y0 + share * dy;
      const away = (x - px) ** 2 + (y - py) ** 2;
      if (away < least) {
        least = away;
        const vertex = at - (this.#starts[path] ?? 0) + (this.#firsts[path] ?? 0);
        found = { path, vertex, share, x: px, y: py };
      }
    });
    return found;
  }
}

function floats(view: DataView): Float32Array {
  return new Float32Array(aligned(view));
}

function integers(view: DataView): Uint32Array {
  return new Uint32Array(aligned(view));
}

/** A copy of the bytes: those of a message begin anywhere. */
function aligned(view: DataView): ArrayBuffer {
  return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) as ArrayBuffer;
}

/** Room around the view within which lines still show, px. */
const EDGE = 2;

/** The part of a line that is in view (Y.-D. Liang, B. A. Barsky, ACM TOG 3 (1984) 1); null where none is. */
export function clip(
  x0: number, y0: number, x1: number, y1: number, width: number, height: number,
): [number, number, number, number] | null {
  const [dx, dy] = [x1 - x0, y1 - y0];
  let [from, to] = [0, 1];
  const edges = [
    [-dx, x0 + EDGE], [dx, width + EDGE - x0], [-dy, y0 + EDGE], [dy, height + EDGE - y0],
  ] as const;
  for (const [p, q] of edges) {
    if (p === 0) {
      if (q < 0) return null;
    } else if (p < 0) from = Math.max(from, q / p);
    else to = Math.min(to, q / p);
  }
  if (!(from <= to)) return null;
  return [x0 + from * dx, y0 + from * dy, x0 + to * dx, y0 + to * dy];
}
