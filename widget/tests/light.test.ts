import { describe, expect, it } from "vitest";
import { clip, Light } from "../src/light";
import { Viewport } from "../src/viewport";
import { lightOf, shifted } from "./scenes";

/** A context that notes what is drawn. */
function recorder() {
  const calls: { style: string; lines: number[][]; filled: boolean }[] = [];
  let lines: number[][] = [];
  const context = {
    strokeStyle: "", fillStyle: "", lineWidth: 0, lineJoin: "",
    beginPath: () => { lines = []; },
    moveTo: (x: number, y: number) => lines.push([x, y]),
    lineTo: (x: number, y: number) => lines.push([x, y]),
    stroke() { calls.push({ style: context.strokeStyle, lines, filled: false }); },
    fill() { calls.push({ style: context.fillStyle, lines, filled: true }); },
  };
  return { calls, context: context as unknown as CanvasRenderingContext2D };
}

function viewport(): Viewport {
  const view = new Viewport();
  [view.width, view.height] = [400, 200];
  return view;
}

const SPLIT = lightOf(
  { points: [[-100, 0], [0, 0], [100, 0]], intensities: [1, 0.5, 0.5] },
  { points: [[0, 0], [0, 50]], intensities: [0.5, 0.5], first: 1 },
);

describe("light", () => {
  it("is drawn in the colour of its path, weak light first and more transparent", () => {
    const { calls, context } = recorder();
    new Light(SPLIT).draw(context, viewport());
    expect(calls.map(({ style }) => style)).toEqual(["rgba(220,20,60,0.5)", "rgba(220,20,60,1)"]);
    expect(calls[1]?.lines).toEqual([[100, 100], [200, 100]]);
    expect(calls[0]?.lines).toEqual([[200, 100], [300, 100], [200, 100], [200, 50]]);
  });

  it("never becomes too faint to be seen", () => {
    const { calls, context } = recorder();
    new Light(lightOf({ points: [[0, 0], [1, 0]], intensities: [1e-6, 1e-6] })).draw(context, viewport());
    expect(calls[0]?.style).toBe("rgba(220,20,60,0.08)");
  });

  it("is read from any place in a message", () => {
    expect(new Light(shifted(SPLIT)).points).toEqual(new Light(SPLIT).points);
  });

  it("skips stretches that have no place, and goes on behind them", () => {
    const { calls, context } = recorder();
    const light = new Light(lightOf({ points: [[0, 0], [Number.POSITIVE_INFINITY, 0], [0, 5], [10, 5]], intensities: [1, 1, 1, 1] }));
    light.draw(context, viewport());
    expect(calls.flatMap(({ lines }) => lines)).toEqual([[200, 95], [210, 95]]);
  });

  it("is found under the pointer, by path, vertex and share", () => {
    const light = new Light(SPLIT);
    expect(light.nearest(50, 2, 5)).toEqual({ path: 0, vertex: 1, share: 0.5, x: 50, y: 0 });
    // The second path has its first own vertex at 1: what is before belongs to the first.
    expect(light.nearest(1, 40, 5)).toEqual({ path: 1, vertex: 1, share: 0.8, x: 0, y: 40 });
    expect(light.nearest(50, 6, 5)).toBeNull();
  });

  it("of a Gaussian beam has an envelope that is as wide as the beam", () => {
    const { calls, context } = recorder();
    const beam = { points: [[0, 0], [50, 0], [100, 0]] as [number, number][], intensities: [1, 1, 1], radii: [1, 2, 5] };
    new Light(lightOf(beam)).draw(context, viewport());
    const envelope = calls.find(({ filled }) => filled);
    expect(envelope?.lines).toEqual([[200, 99], [250, 98], [300, 95], [300, 105], [250, 102], [200, 101]]);
  });

  it("bends its envelope where the beam does", () => {
    const { calls, context } = recorder();
    const beam = { points: [[0, 0], [50, 0], [50, 50]] as [number, number][], intensities: [1, 1, 1], radii: [1, 1, 1] };
    new Light(lightOf(beam)).draw(context, viewport());
    expect(calls.filter(({ filled }) => filled)).toHaveLength(2);
  });

  it("may be none at all", () => {
    const { calls, context } = recorder();
    const light = new Light(lightOf());
    light.draw(context, viewport());
    expect(calls).toEqual([]);
    expect(light.nearest(0, 0, 10)).toBeNull();
  });
});

describe("lines", () => {
  it("are cut two pixels outside of the view", () => {
    expect(clip(50, 50, 1e6, 50, 100, 100)).toEqual([50, 50, 102, 50]);
    expect(clip(-1e6, 20, 1e6, 20, 100, 100)).toEqual([-2, 20, 102, 20]);
    expect(clip(10, 10, 20, 20, 100, 100)).toEqual([10, 10, 20, 20]);
  });

  it("outside are not drawn", () => {
    expect(clip(-50, 10, -10, 90, 100, 100)).toBeNull();
    expect(clip(-50, 60, 60, -50, 100, 100)).not.toBeNull();
    expect(clip(-50, 40, 40, -50, 100, 100)).toBeNull();
  });
});
