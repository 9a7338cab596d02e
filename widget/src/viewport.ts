/** Which part of the plane is seen. */

import type { Point } from "./geometry";

/** Pixels per millimetre between which one can zoom. */
export const LEAST_SCALE = 1e-3;
export const GREATEST_SCALE = 1e3;
/** Share of the view that stays free around what is fitted into it. */
const MARGIN = 0.08;
/** Half the side in mm of what is shown of a scene that is a single point, or empty. */
const AROUND_POINT_MM = 50;

export class Viewport {
  width = 1;
  height = 1;
  /** Pixels per millimetre. */
  scale = 1;
  /** The point in the middle, mm. */
  centre: Point = [0, 0];

  /** From mm, y up, to pixels from the upper left corner. */
  project(x: number, y: number): Point {
    return [this.width / 2 + (x - this.centre[0]) * this.scale, this.height / 2 - (y - this.centre[1]) * this.scale];
  }

  /** Back to mm. */
  unproject(x: number, y: number): Point {
    return [this.centre[0] + (x - this.width / 2) / this.scale, this.centre[1] - (y - this.height / 2) / this.scale];
  }

  /** Moves what is seen by so many pixels. */
  pan(dx: number, dy: number): void {
    this.centre = [this.centre[0] - dx / this.scale, this.centre[1] + dy / this.scale];
  }

  /** Zooms in by `factor`, so that the point under the pixel (x, y) stays there. */
  zoom(factor: number, x = this.width / 2, y = this.height / 2): void {
    const under = this.unproject(x, y);
    this.scale = Math.min(GREATEST_SCALE, Math.max(LEAST_SCALE, this.scale * factor));
    const now = this.unproject(x, y);
    this.centre = [this.centre[0] + under[0] - now[0], this.centre[1] + under[1] - now[1]];
  }

  /** Shows all of these points, mm. */
  fit(points: readonly Point[]): void {
    const finite = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
    const xs = finite.map(([x]) => x);
    const ys = finite.map(([, y]) => y);
    const [left, right] = finite.length > 0 ? [Math.min(...xs), Math.max(...xs)] : [0, 0];
    const [low, high] = finite.length > 0 ? [Math.min(...ys), Math.max(...ys)] : [0, 0];
    this.centre = [(left + right) / 2, (low + high) / 2];
    const free = 1 - 2 * MARGIN;
    const point = left === right && low === high;
    const across = point ? 2 * AROUND_POINT_MM : right - left;
    const up = point ? 2 * AROUND_POINT_MM : high - low;
    const wanted = Math.min((this.width * free) / across, (this.height * free) / up);
    this.scale = Math.min(GREATEST_SCALE, Math.max(LEAST_SCALE, wanted));
  }
}

/** The greatest 1, 2 or 5 times a power of ten that is at most `value`. */
export function roundLength(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const lead = value / power;
  return (lead >= 5 ? 5 : lead >= 2 ? 2 : 1) * power;
}

/** A length in the unit that suits it. */
export function formatLength(mm: number): string {
  if (mm >= 1000) return `${short(mm / 1000)} m`;
  return mm >= 1 ? `${short(mm)} mm` : `${short(mm * 1000)} µm`;
}

/** A number for people: up to `decimals` decimals, a true minus sign. */
export function short(value: number, decimals = 4): string {
  const size = Math.abs(value);
  const text = size !== 0 && (size < 10 ** (1 - decimals) || size >= 1e7) ? value.toExponential(2) : String(Number(value.toFixed(decimals)));
  return (text === "-0" ? "0" : text).replace(/-/g, "−");
}
