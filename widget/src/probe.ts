/** What the light is under the pointer, as a small card. */

import { html, svg } from "./dom";
import { circle, type Point, polyline } from "./geometry";
import { short } from "./viewport";

export interface Found {
  readonly intensity: number;
  readonly optical_path_mm: number;
  readonly radius_mm: number | null;
  readonly wavelength_nm: number | null;
  readonly source: string;
  readonly ray: number;
  readonly ending: string;
  readonly polarisation: { readonly azimuth_deg: number; readonly ellipticity_deg: number };
}

/** Ellipticity in degrees below which light counts as linear, and by which it may miss 45° to count as circular. */
const PURE_DEG = 0.05;
const ELLIPSE_PX = 17;

/** The state of polarisation in words. */
export function polarisationText({ azimuth_deg: azimuth, ellipticity_deg: ellipticity }: Found["polarisation"]): string {
  const sense = ellipticity > 0 ? "right" : "left";
  if (Math.abs(ellipticity) < PURE_DEG) return `linear at ${short(azimuth, 1)}°`;
  if (Math.abs(ellipticity) > 45 - PURE_DEG) return `circular, ${sense}`;
  const ratio = Math.tan((Math.abs(ellipticity) * Math.PI) / 180);
  return `elliptical at ${short(azimuth, 1)}°, ${sense}, ${short(ratio, 2)} : 1`;
}

/** The ellipse in the plane across the beam, h to the right and v up; `radius` is half its major axis. */
export function ellipse({ azimuth_deg: azimuth, ellipticity_deg: ellipticity }: Found["polarisation"], radius: number): Point[] {
  const turn = (azimuth * Math.PI) / 180;
  const minor = Math.tan((ellipticity * Math.PI) / 180);
  return Array.from({ length: 49 }, (_, i): Point => {
    const phase = (2 * Math.PI * i) / 48;
    // E ∝ (cos t, ± sin t) in the axes of the ellipse: with e^{−iωt}, (1, i)/√2 runs counter-clockwise from h to v.
    const [a, b] = [radius * Math.cos(phase), radius * minor * Math.sin(phase)];
    return [a * Math.cos(turn) - b * Math.sin(turn), -(a * Math.sin(turn) + b * Math.cos(turn))];
  });
}

/** The card. */
export function card(found: Found, sourceName: string, colour: string): HTMLElement {
  const rows: [string, string][] = [
    ["Power", `${short(100 * found.intensity, 2)} %`],
    ["Optical path", `${short(found.optical_path_mm, 3)} mm`],
    ...(found.radius_mm === null ? [] : [["Radius w", `${short(found.radius_mm, 4)} mm`] as [string, string]]),
    ["Polarisation", polarisationText(found.polarisation)],
    ...(found.wavelength_nm === null ? [] : [["Wavelength", `${short(found.wavelength_nm, 2)} nm`] as [string, string]]),
  ];
  const list = html("dl", {}, ...rows.flatMap(([term, value]) => [html("dt", {}, term), html("dd", {}, value)]));
  const swatch = html("i", { class: "oe-swatch", style: `background:${colour}` });
  const title = html("p", { class: "oe-card-title" }, swatch, `${sourceName} · ray ${found.ray + 1}`);
  return html("div", { class: "oe-card-content" }, drawing(found.polarisation), html("div", {}, title, list));
}

function drawing(polarisation: Found["polarisation"]): SVGSVGElement {
  const points = ellipse(polarisation, ELLIPSE_PX);
  const marks = [
    svg("path", { d: circle([0, 0], ELLIPSE_PX + 5), class: "oe-ellipse-frame" }),
    svg("path", { d: `M${-ELLIPSE_PX - 5} 0H${ELLIPSE_PX + 5}M0 ${-ELLIPSE_PX - 5}V${ELLIPSE_PX + 5}`, class: "oe-ellipse-axes" }),
    svg("path", { d: polyline(points), class: "oe-ellipse" }),
  ];
  if (Math.abs(polarisation.ellipticity_deg) >= PURE_DEG) marks.push(svg("path", { d: arrowHead(points), class: "oe-ellipse-arrow" }));
  return svg("svg", { viewBox: "-24 -24 48 48", width: 52, height: 52, "aria-hidden": "true" }, ...marks);
}

/** A head at the start of the ellipse, in its sense. */
function arrowHead(points: readonly Point[]): string {
  const tip: Point = points[1] ?? [0, 0];
  const next: Point = points[2] ?? [0, 0];
  const [dx, dy] = [next[0] - tip[0], next[1] - tip[1]];
  const length = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [dx / length, dy / length];
  const behind: Point = [tip[0] - 4 * ux, tip[1] - 4 * uy];
  return `${polyline([[behind[0] - 3 * uy, behind[1] + 3 * ux], tip, [behind[0] + 3 * uy, behind[1] - 3 * ux]])}Z`;
}
