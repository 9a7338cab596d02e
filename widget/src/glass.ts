/** The glass between the refractive interfaces of one item; the rules are those of the engine's pictures. */

import { type Curve, distance, type Point, scale, add } from "./geometry";
import { onNormalSide } from "./symbols";
import { numberOf, type SurfaceState } from "./state";

const SAME_CORNER = 1e-3;
const FARTHEST = 4;
const THINNEST_INDEX = 1.01;

interface Face {
  readonly surface: SurfaceState;
  readonly curve: Curve;
}

interface Medium {
  readonly index: number;
  readonly material: string | null;
}

/** The outlines of what is filled, as data of SVG paths. */
export function bodies(surfaces: readonly SurfaceState[], curves: readonly Curve[]): string[] {
  const faces = surfaces.flatMap((surface, i): Face[] => {
    const curve = curves[i];
    return curve && surface.element === "refractive interface" ? [{ surface, curve }] : [];
  });
  const outline = closedOutline(faces);
  if (outline !== null) return [outline];
  return faces.slice(1).flatMap((face, i) => {
    const before = faces[i];
    const body = before ? between(before, face) : null;
    return body === null ? [] : [body];
  });
}

function facing(face: Face, point: Point): Medium {
  const side = onNormalSide(face.curve, point) ? "n1" : "n2";
  const material = face.surface.parameters[`${side}_material`];
  return {
    index: numberOf(face.surface.parameters, side, 1),
    material: typeof material === "string" ? material : null,
  };
}

function isDrawn(medium: Medium): boolean {
  return medium.material !== null || medium.index > THINNEST_INDEX;
}

/** All faces end to end, back to where the first begins. */
function closedOutline(faces: readonly Face[]): string | null {
  const [first, ...left] = faces;
  if (!first || left.length < 2) return null;
  const near = (a: Point, b: Point, face: Face): boolean =>
    distance(a, b) <= SAME_CORNER * Math.max(face.curve.length, first.curve.length);
  let corner = first.curve.at(1);
  let path = first.curve.path();
  while (left.length > 0) {
    const place = left.findIndex((face) => near(face.curve.at(0), corner, face) || near(face.curve.at(1), corner, face));
    const [face] = place < 0 ? [] : left.splice(place, 1);
    if (!face) return null;
    const backwards = !near(face.curve.at(0), corner, face);
    path += backwards ? face.curve.path(1, 0, "L") : face.curve.path(0, 1, "L");
    corner = face.curve.at(backwards ? 0 : 1);
  }
  const sum = faces.map((face) => face.curve.at(0.5)).reduce(add);
  const inside = facing(first, scale(sum, 1 / faces.length));
  return near(corner, first.curve.at(0), first) && isDrawn(inside) ? `${path}Z` : null;
}

/** The body between two faces with the same medium on the sides that face each other. */
function between(a: Face, b: Face): string | null {
  const [inA, inB] = [facing(a, b.curve.at(0.5)), facing(b, a.curve.at(0.5))];
  if (!isDrawn(inA) || inA.index !== inB.index || inA.material !== inB.material) return null;
  const straight = distance(a.curve.at(1), b.curve.at(1)) + distance(b.curve.at(0), a.curve.at(0));
  const crossed = distance(a.curve.at(1), b.curve.at(0)) + distance(a.curve.at(0), b.curve.at(1));
  if (Math.min(straight, crossed) > 2 * FARTHEST * Math.max(a.curve.length, b.curve.length)) return null;
  const back = straight <= crossed ? b.curve.path(1, 0, "L") : b.curve.path(0, 1, "L");
  return `${a.curve.path()}${back}Z`;
}
