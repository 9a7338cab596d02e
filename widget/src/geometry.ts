/** Points in the plane, and curves through them. */

export type Point = readonly [number, number];

export const add = (a: Point, b: Point): Point => [a[0] + b[0], a[1] + b[1]];
export const subtract = (a: Point, b: Point): Point => [a[0] - b[0], a[1] - b[1]];
export const scale = (a: Point, factor: number): Point => [a[0] * factor, a[1] * factor];
export const distance = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1]);
export const middle = (a: Point, b: Point): Point => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
export const dot = (a: Point, b: Point): number => a[0] * b[0] + a[1] * b[1];

/** Turned by 90°, on the page counter-clockwise. */
export const perp = (a: Point): Point => [a[1], -a[0]];

/** The unit vector, or (0, 0). */
export function unit(a: Point): Point {
  const length = Math.hypot(a[0], a[1]);
  return length > 0 ? scale(a, 1 / length) : [0, 0];
}

/** A line through points, from t = 0 to t = 1 by length. */
export class Curve {
  readonly points: readonly Point[];
  readonly length: number;
  readonly #lengths: readonly number[];

  /** At least two points, or all is in one place. */
  constructor(points: readonly Point[]) {
    this.points = points;
    const lengths = [0];
    for (let i = 1; i < points.length; i++) {
      lengths.push((lengths[i - 1] ?? 0) + distance(points[i - 1] ?? [0, 0], points[i] ?? [0, 0]));
    }
    this.#lengths = lengths;
    this.length = lengths.at(-1) ?? 0;
  }

  /** From a flat list x, y, x, y, … through `project`. */
  static through(flat: readonly number[], project: (x: number, y: number) => Point): Curve {
    const points: Point[] = [];
    for (let i = 0; i + 1 < flat.length; i += 2) points.push(project(flat[i] ?? 0, flat[i + 1] ?? 0));
    return new Curve(points);
  }

  #stretch(t: number): [number, number] {
    const wanted = t * this.length;
    let i = 1;
    while (i < this.points.length - 1 && (this.#lengths[i] ?? 0) < wanted) i++;
    const before = this.#lengths[i - 1] ?? 0;
    const long = (this.#lengths[i] ?? 0) - before;
    return [i, long > 0 ? (wanted - before) / long : 0];
  }

  at(t: number): Point {
    const [i, share] = this.#stretch(t);
    const a = this.points[i - 1] ?? [0, 0];
    const b = this.points[i] ?? a;
    return add(a, scale(subtract(b, a), share));
  }

  /** Unit vector from t = 0 towards t = 1. */
  tangent(t: number): Point {
    const [i] = this.#stretch(t);
    return unit(subtract(this.points[i] ?? [0, 0], this.points[i - 1] ?? [0, 0]));
  }

  /** Unit normal: the engine's, as seen on the page. */
  normal(t: number): Point {
    const [x, y] = this.tangent(t);
    return [-y, x];
  }

  /** The part from `t0` to `t1` as data of an SVG path; `begin` M starts one, L goes on with one. */
  path(t0 = 0, t1 = 1, begin: "M" | "L" = "M"): string {
    const inner = this.points.filter((_, i) => {
      const t = this.length > 0 ? (this.#lengths[i] ?? 0) / this.length : 0;
      return t > Math.min(t0, t1) && t < Math.max(t0, t1);
    });
    if (t0 > t1) inner.reverse();
    return polyline([this.at(t0), ...inner, this.at(t1)], begin);
  }
}

/** Data of an SVG path through points. */
export function polyline(points: readonly Point[], begin: "M" | "L" = "M"): string {
  return points.map((point, i) => `${i === 0 ? begin : "L"}${px(point[0])} ${px(point[1])}`).join("");
}

/** A circle as data of an SVG path. */
export function circle(centre: Point, radius: number): string {
  const r = px(radius);
  return `M${px(centre[0] - radius)} ${px(centre[1])}a${r} ${r} 0 1 0 ${px(2 * radius)} 0a${r} ${r} 0 1 0 ${px(-2 * radius)} 0Z`;
}

/** A hundredth of a pixel; what is not a number becomes 0, so that no value can break a document. */
export function px(value: number): string {
  return String(Number.isFinite(value) ? Math.round(value * 100) / 100 : 0);
}
