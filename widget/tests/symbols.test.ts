import { describe, expect, it } from "vitest";
import { Curve } from "../src/geometry";
import { cube, sourceSymbol, symbol } from "../src/symbols";
import { surfaceState } from "./scenes";

/** From (0, −50) to (0, 50) on the page. */
const upright = new Curve([[0, -50], [0, 50]]);
const flat = [0, 25, 0, -25];
const numbers = (d: string): number[] => [...d.matchAll(/-?[\d.]+/g)].map(([text]) => Number(text));

describe("symbols", () => {
  it("every element has one, with finite numbers", () => {
    const elements = [
      "lens", "mirror", "beam splitter", "polarising beam splitter", "dichroic", "waveplate", "linear polariser",
      "Faraday rotator", "refractive interface", "beam block", "something new",
    ];
    for (const element of elements) {
      for (const curve of [upright, new Curve([[3, 3], [3, 3]])]) {
        const made = symbol(surfaceState("a", element, flat), curve);
        expect(made.length, element).toBeGreaterThan(0);
        for (const { d } of made) expect(numbers(d).every(Number.isFinite), element).toBe(true);
      }
    }
  });

  it("a lens that focuses has its heads outwards, one that spreads inwards", () => {
    const heads = (f: number) => symbol(surfaceState("a", "lens", flat, { focal_length_mm: f, half_aperture_mm: 25 }), upright)[0]?.d;
    // The first head: its tip is the end of the line for f > 0, and 9 px inside of it for f < 0.
    expect(heads(100)).toContain("L0 -50L");
    expect(heads(-100)).toContain("L0 -41L");
  });

  it("a smaller clear aperture shows its mount", () => {
    const made = symbol(surfaceState("a", "lens", flat, { focal_length_mm: 100, half_aperture_mm: 12.5 }), upright);
    expect(made.at(-1)).toMatchObject({ d: "M0 -50L0 -25M0 25L0 50", width: 5 });
  });

  it("a mirror is hatched on the side light does not meet", () => {
    // From upper to lower end on the page, the engine's normal points to −x there.
    expect(upright.normal(0.5)).toEqual([-1, 0]);
    const backs = (lit: number) => {
      const hatches = symbol({ ...surfaceState("a", "mirror", flat), lit }, upright)[1]?.d ?? "";
      const xs = numbers(hatches).filter((_, i) => i % 2 === 0);
      return [Math.min(...xs), Math.max(...xs)];
    };
    expect(backs(1)[1]).toBeGreaterThan(5);
    expect(backs(2)[0]).toBeLessThan(-5);
    expect(symbol({ ...surfaceState("a", "mirror", flat), lit: 3 }, upright)).toHaveLength(1);
  });

  it("a long mirror has no more hatches than its limit", () => {
    const long = (length: number) => symbol(surfaceState("a", "mirror", flat), new Curve([[0, 0], [0, length]]))[1]?.d.match(/M/g)?.length;
    expect(long(6 * 500)).toBe(500);
    expect(long(6 * 501)).toBe(500);
    expect(long(60)).toBe(10);
  });

  it("a splitter without faces of its own stands in a cube", () => {
    const diagonal = new Curve([[0, 0], [10, 10]]);
    const splitter = surfaceState("a", "beam splitter", [0, 0, 10, -10]);
    expect(numbers(cube([splitter], diagonal) ?? "")).toEqual([0, 0, 10, 0, 10, 10, 0, 10]);
    expect(cube([splitter, splitter], diagonal)).toBeNull();
    expect(cube([surfaceState("a", "mirror", [0, 0, 10, -10])], diagonal)).toBeNull();
  });

  it("a source points where its light goes: clockwise from +x", () => {
    const nose = (angle: number) => numbers(sourceSymbol([0, 0], angle, 0).body);
    expect(Math.max(...nose(0).filter((_, i) => i % 2 === 0))).toBe(0);
    expect(Math.max(...nose(90).filter((_, i) => i % 2 === 1))).toBe(0);
    expect(sourceSymbol([0, 0], 0, 6).marks).toHaveLength(1);
    expect(sourceSymbol([0, 0], 0, 7).marks).toHaveLength(2);
  });
});

describe("a curve", () => {
  const bent = new Curve([[0, 0], [10, 0], [10, 10]]);

  it("is measured by length", () => {
    expect(bent.length).toBe(20);
    expect(bent.at(0.25)).toEqual([5, 0]);
    expect(bent.at(1)).toEqual([10, 10]);
    expect(bent.tangent(0.75)).toEqual([0, 1]);
  });

  it("is cut, forwards and backwards", () => {
    expect(bent.path(0.25, 0.75)).toBe("M5 0L10 0L10 5");
    expect(bent.path(0.75, 0.25, "L")).toBe("L10 5L10 0L5 0");
  });
});
