/** The field's symbols as the engine's SVG pictures have them, in pixels. Colours are classes of the style sheet. */

import { add, circle, Curve, dot, type Point, perp, polyline, scale, subtract, unit } from "./geometry";
import { numberOf, type SurfaceState } from "./state";

/** A path with its classes. */
export interface Stroke {
  readonly d: string;
  readonly look: string;
  readonly width?: number;
}

export const DIAL_PX = 8;
export const DIAL_OFFSET_PX = 13;
export const SOURCE_PX = 24;
const HATCH_PX = 6;
/** A symbol is drawn with at most so many hatches. */
const MOST_HATCHES = 500;

/** The symbol of a surface along `curve`, which goes from its first point to its last. */
export function symbol(surface: SurfaceState, curve: Curve): Stroke[] {
  const whole = curve.path();
  const parameter = (key: string): number => numberOf(surface.parameters, key, 0);
  switch (surface.element) {
    case "lens":
      return lens(surface, curve);
    case "mirror":
      return mirror(surface.lit, curve);
    case "beam splitter":
      return [{ d: whole, look: "ink", width: 1.5 }];
    case "polarising beam splitter": {
      const axis = parameter("transmission_axis_deg");
      const dial = Math.abs(axis) > 1e-6 ? axisDial(curve, axis, true) : [];
      return [{ d: whole, look: "ink", width: 1.5 }, ...polarisationMarks(curve), ...dial];
    }
    case "dichroic":
      return [
        { d: whole, look: "short-waves", width: 2.5 },
        { d: whole, look: "long-waves", width: 2.5 },
      ];
    case "waveplate":
      return [...plate(whole, "waveplate", 6), ...axisDial(curve, parameter("fast_axis_deg"), false)];
    case "linear polariser":
      return [...plate(whole, "polariser", 6), ...axisDial(curve, parameter("transmission_axis_deg"), true)];
    case "Faraday rotator":
      return [...plate(whole, "faraday", 12), ...rotationDial(curve, parameter("rotation_deg"))];
    case "refractive interface":
      return [{ d: whole, look: "glass-edge", width: 1.5 }];
    case "beam block":
      return [{ d: whole, look: "ink butt", width: 7 }];
    default:
      return [{ d: whole, look: "ink", width: 1.5 }];
  }
}

/** Whether a dial stands above the symbol. */
export function hasDial(surface: SurfaceState | undefined): boolean {
  return surface !== undefined && ["waveplate", "linear polariser", "Faraday rotator"].includes(surface.element);
}

const clamp = (value: number, least: number, greatest: number): number => Math.min(greatest, Math.max(least, value));

function lens(surface: SurfaceState, curve: Curve): Stroke[] {
  const points = surface.points;
  const chord = Math.hypot((points.at(-2) ?? 0) - (points[0] ?? 0), (points.at(-1) ?? 0) - (points[1] ?? 0));
  const open = chord > 0 ? clamp((2 * numberOf(surface.parameters, "half_aperture_mm", chord / 2)) / chord, 0, 1) : 1;
  const [t0, t1] = [0.5 - 0.5 * open, 0.5 + 0.5 * open];
  const size = clamp(0.12 * curve.length * open, 2, 9);
  let d = curve.path(t0, t1);
  for (const [t, sign] of [[t0, -1], [t1, 1]] as const) {
    const outwards = scale(curve.tangent(t), sign);
    const end = curve.at(t);
    const across = scale(curve.normal(t), 0.75 * size);
    const behind = subtract(end, scale(outwards, size));
    d += numberOf(surface.parameters, "focal_length_mm", 0) > 0
      ? polyline([add(behind, across), end, subtract(behind, across)])
      : polyline([add(end, across), behind, subtract(end, across)]);
  }
  const mount = open < 1 ? [{ d: curve.path(0, t0) + curve.path(t1, 1), look: "ink butt", width: 5 }] : [];
  return [{ d, look: "ink", width: 2 }, ...mount];
}

function mirror(lit: number, curve: Curve): Stroke[] {
  const line = { d: curve.path(), look: "ink", width: 2.5 };
  // Met from both sides it has no back; met from none, the back is the side of n2.
  if (lit === 3) return [line];
  const back = lit === 2 ? 1 : -1;
  const depth = 0.7 * clamp(0.12 * curve.length, 2, 9);
  const count = clamp(Math.round(curve.length / HATCH_PX), 1, MOST_HATCHES);
  let d = "";
  for (let i = 0; i < count; i++) {
    const t = (i + 0.5) / count;
    const foot = curve.at(t);
    const tip = add(foot, scale(subtract(scale(curve.normal(t), back), scale(curve.tangent(t), 0.7)), depth));
    d += polyline([foot, tip]);
  }
  return [line, { d, look: "ink", width: 1 }];
}

function plate(d: string, look: string, width: number): Stroke[] {
  return [
    { d, look: `${look}-edge butt`, width },
    { d, look: `${look} butt`, width: width - 2.5 },
  ];
}

function polarisationMarks(curve: Curve): Stroke[] {
  const [at, along, normal] = [curve.at(0.5), curve.tangent(0.5), curve.normal(0.5)];
  const reach = 0.25 * curve.length;
  const size = clamp(0.09 * curve.length, 2, 9);
  const arrow = add(at, scale(normal, reach));
  const hole = subtract(at, scale(normal, reach));
  return [
    { d: doubleArrow(subtract(arrow, scale(along, size)), add(arrow, scale(along, size)), 0.5 * size), look: "ink", width: 1 },
    { d: circle(hole, 0.5 * size), look: "ink", width: 1 },
    { d: circle(hole, 0.15 * size), look: "ink filled", width: 1 },
  ];
}

function doubleArrow(from: Point, to: Point, head: number): string {
  let d = polyline([from, to]);
  for (const [tip, towards] of [[from, subtract(from, to)], [to, subtract(to, from)]] as const) {
    const along = unit(towards);
    const behind = subtract(tip, scale(along, head));
    const across = scale(perp(along), 0.7 * head);
    d += polyline([add(behind, across), tip, subtract(behind, across)]);
  }
  return d;
}

/** The end of a curve that is higher on the page, and the direction out of it. */
export function upperEnd(curve: Curve): [Point, Point] {
  return endOf(curve, (first, last) => first[1] < last[1]);
}

/** The end that is lower on the page. */
export function lowerEnd(curve: Curve): [Point, Point] {
  return endOf(curve, (first, last) => first[1] >= last[1]);
}

function endOf(curve: Curve, isFirst: (first: Point, last: Point) => boolean): [Point, Point] {
  const [first, last] = [curve.at(0), curve.at(1)];
  return isFirst(first, last) ? [first, scale(curve.tangent(0), -1)] : [last, curve.tangent(1)];
}

function dialCentre(curve: Curve): Point {
  const [end, outwards] = upperEnd(curve);
  return add(end, scale(outwards, DIAL_OFFSET_PX));
}

/** The plane across the beam, h to the right and v up: a double arrow for what passes, a line for a fast axis. */
function axisDial(curve: Curve, degrees: number, arrow: boolean): Stroke[] {
  const centre = dialCentre(curve);
  const radians = (degrees * Math.PI) / 180;
  const axis: Point = [Math.cos(radians), -Math.sin(radians)];
  const reach = arrow ? DIAL_PX - 1 : DIAL_PX;
  const [from, to] = [subtract(centre, scale(axis, reach)), add(centre, scale(axis, reach))];
  return [
    { d: circle(centre, DIAL_PX), look: "ink dial", width: 1 },
    { d: arrow ? doubleArrow(from, to, 4) : polyline([from, to]), look: "ink", width: 1.5 },
  ];
}

/** A curved arrow: counter-clockwise for a rotation from h to v. */
function rotationDial(curve: Curve, degrees: number): Stroke[] {
  const centre = dialCentre(curve);
  const radius = 0.85 * DIAL_PX;
  const sense = degrees < 0 ? 1 : -1;
  const end = 1.5 * Math.PI;
  const at = (turn: number): Point => add(centre, [radius * Math.cos(sense * turn), radius * Math.sin(sense * turn)]);
  const arc = Array.from({ length: 25 }, (_, i) => at((end * i) / 24));
  const forwards: Point = [-Math.sin(sense * end) * sense, Math.cos(sense * end) * sense];
  const behind = subtract(at(end), scale(forwards, 4.5));
  const across = scale(perp(forwards), 3.5);
  const head = polyline([add(behind, across), at(end), subtract(behind, across)]);
  return [{ d: polyline(arc) + head, look: "ink", width: 1.5 }];
}

/** A small emitter with its nose at `position`, and the width light comes from where it is wide enough to be seen. */
export function sourceSymbol(position: Point, angleDeg: number, widthPx: number): { body: string; marks: Stroke[] } {
  const turn = (angleDeg * Math.PI) / 180;
  const along: Point = [Math.cos(turn), Math.sin(turn)];
  const across: Point = [-along[1], along[0]];
  const corner = (a: number, b: number): Point => add(position, add(scale(along, a), scale(across, b)));
  const outline: [number, number][] = [
    [-SOURCE_PX, 6], [-6, 6], [-6, 3], [0, 3], [0, -3], [-6, -3], [-6, -6], [-SOURCE_PX, -6],
  ];
  const arrow = polyline([corner(-20, 0), corner(-10, 0)]) + polyline([corner(-13, 3), corner(-10, 0), corner(-13, -3)]);
  const marks: Stroke[] = [{ d: arrow, look: "white", width: 1.5 }];
  if (widthPx > 6) marks.push({ d: polyline([corner(0, widthPx / 2), corner(0, -widthPx / 2)]), look: "ink", width: 1.5 });
  return { body: `${polyline(outline.map(([a, b]) => corner(a, b)))}Z`, marks };
}

/** The cube around the diagonal of a splitter that has no surfaces of its own. */
export function cube(surfaces: readonly SurfaceState[], curve: Curve): string | null {
  const [only, other] = surfaces;
  if (!only || other || !only.element.endsWith("beam splitter")) return null;
  const [first, last] = [curve.at(0), curve.at(1)];
  const centre = scale(add(first, last), 0.5);
  const across = perp(scale(subtract(last, first), 0.5));
  return `${polyline([first, add(centre, across), last, subtract(centre, across)])}Z`;
}

/** Whether `point` lies on the side of the curve to which its normal points. */
export function onNormalSide(curve: Curve, point: Point): boolean {
  const chord = subtract(curve.at(1), curve.at(0));
  return dot(subtract(point, curve.at(0.5)), [-chord[1], chord[0]]) > 0;
}
