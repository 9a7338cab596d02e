/** Scenes and light for the tests, as Python sends them. */

import type { FrameState, ItemState, Properties, ReportState, SceneState, SurfaceState } from "../src/state";

export function itemState(id: string, properties: Properties, kind = "component"): ItemState {
  return { id, section: "items", kind, hidden: false, linked: false, properties };
}

export function surfaceState(item: string, element: string, points: number[], parameters: Properties = {}): SurfaceState {
  return { item, interface: 0, element, label: null, description: element, parameters, points, lit: 0 };
}

/** A lens of 20 mm at (50, 10) and a source at (−100, 0). */
export function lensScene(reports: ReportState[] = []): SceneState {
  return {
    items: [
      itemState("laser", { x_mm: -100, y_mm: 0, angle_deg: 0, color_hex: "#00a651", name: "Laser" }, "source"),
      itemState("lens", {
        x_mm: 50, y_mm: 10, angle_deg: 0, name: "L1",
        interfaces: [{ element_type: "lens", efl_mm: 100, x1_mm: 0, y1_mm: -10, x2_mm: 0, y2_mm: 10 }],
      }),
    ],
    surfaces: [surfaceState("lens", "lens", [50, 0, 50, 20], { focal_length_mm: 100, half_aperture_mm: 10 })],
    reports,
  };
}

const view = (array: Float32Array | Uint32Array | Uint8Array): DataView =>
  new DataView(array.buffer, array.byteOffset, array.byteLength);

interface PathOfTest {
  readonly points: readonly (readonly [number, number])[];
  readonly intensities: readonly number[];
  readonly radii?: readonly number[];
  readonly first?: number;
  readonly colour?: readonly [number, number, number];
}

/** The buffers of some paths. */
export function lightOf(...paths: PathOfTest[]): FrameState["light"] {
  const starts = [0];
  for (const path of paths) starts.push((starts.at(-1) ?? 0) + path.points.length);
  const beams = paths.some((path) => path.radii);
  return {
    points: view(Float32Array.from(paths.flatMap((path) => path.points.flat()))),
    intensities: view(Float32Array.from(paths.flatMap((path) => [...path.intensities]))),
    radii: view(Float32Array.from(beams ? paths.flatMap((path) => path.radii ?? path.points.map(() => Number.NaN)) : [])),
    starts: view(Uint32Array.from(starts)),
    firsts: view(Uint32Array.from(paths.map((path) => path.first ?? 0))),
    colours: view(Uint8Array.from(paths.flatMap((path) => path.colour ?? [220, 20, 60]))),
  };
}

/** The same buffer at an odd place, as in a message. */
export function shifted(light: FrameState["light"]): FrameState["light"] {
  const move = (at: DataView): DataView => {
    const bytes = new Uint8Array(at.byteLength + 3);
    bytes.set(new Uint8Array(at.buffer, at.byteOffset, at.byteLength), 3);
    return new DataView(bytes.buffer, 3);
  };
  return Object.fromEntries(Object.entries(light).map(([key, value]) => [key, move(value)])) as FrameState["light"];
}

export function frame(light: FrameState["light"], changed: SceneState | null = null, revision = 1): FrameState {
  return { revision, whole: 1, changed, can_undo: false, can_redo: false, truncated: false, light };
}
