import { describe, expect, it } from "vitest";
import { formatLength, GREATEST_SCALE, LEAST_SCALE, roundLength, short, Viewport } from "../src/viewport";

function viewport(): Viewport {
  const view = new Viewport();
  [view.width, view.height] = [400, 200];
  return view;
}

describe("the viewport", () => {
  it("has y up, and the way back", () => {
    const view = viewport();
    view.scale = 2;
    view.centre = [10, 5];
    expect(view.project(10, 5)).toEqual([200, 100]);
    expect(view.project(20, 10)).toEqual([220, 90]);
    expect(view.unproject(220, 90)).toEqual([20, 10]);
  });

  it("keeps the point under the pointer when it zooms", () => {
    const view = viewport();
    const before = view.unproject(30, 170);
    view.zoom(1.7, 30, 170);
    expect(view.scale).toBeCloseTo(1.7);
    const after = view.unproject(30, 170);
    expect(after[0]).toBeCloseTo(before[0]);
    expect(after[1]).toBeCloseTo(before[1]);
  });

  it("zooms between its limits and not beyond", () => {
    const view = viewport();
    view.zoom(1e9);
    expect(view.scale).toBe(GREATEST_SCALE);
    view.zoom(1e-12);
    expect(view.scale).toBe(LEAST_SCALE);
  });

  it("moves with the hand", () => {
    const view = viewport();
    const before = view.project(1, 2);
    view.pan(30, -7);
    expect(view.project(1, 2)).toEqual([before[0] + 30, before[1] - 7]);
  });

  it("fits what there is, with a margin", () => {
    const view = viewport();
    view.fit([[-100, 0], [100, 0], [0, 10]]);
    for (const [atX, atY] of [[-100, 0], [100, 0], [0, 10]] as const) {
      const [x, y] = view.project(atX, atY);
      expect(x).toBeGreaterThan(20);
      expect(x).toBeLessThan(380);
      expect(y).toBeGreaterThan(0);
      expect(y).toBeLessThan(200);
    }
  });

  it("fits a point, nothing, and what is not a number", () => {
    for (const points of [[[3, 4]], [], [[Number.NaN, 1], [3, 4]]] as [number, number][][]) {
      const view = viewport();
      view.fit(points);
      expect(Number.isFinite(view.scale)).toBe(true);
      expect(view.centre).toEqual(points.length > 0 ? [3, 4] : [0, 0]);
    }
  });
});

describe("numbers for people", () => {
  it("rounds lengths of scale bars down", () => {
    expect([roundLength(1), roundLength(1.99), roundLength(2), roundLength(49), roundLength(0.07)]).toEqual([1, 1, 2, 20, 0.05]);
  });

  it("takes the unit that suits", () => {
    expect([formatLength(2000), formatLength(50), formatLength(0.05)]).toEqual(["2 m", "50 mm", "50 µm"]);
  });

  it("has true minus signs and no needless zeros", () => {
    expect([short(-1.5), short(0), short(-0.00001, 3), short(1e9), short(2.50001, 2)]).toEqual(["−1.5", "0", "−1.00e−5", "1.00e+9", "2.5"]);
  });
});
