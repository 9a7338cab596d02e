import { describe, expect, it } from "vitest";
import { card, ellipse, polarisationText } from "../src/probe";

const state = (azimuth_deg: number, ellipticity_deg: number) => ({ azimuth_deg, ellipticity_deg });

describe("polarisation", () => {
  it("has words", () => {
    expect(polarisationText(state(30, 0))).toBe("linear at 30°");
    expect(polarisationText(state(0, 45))).toBe("circular, right");
    expect(polarisationText(state(0, -45))).toBe("circular, left");
    expect(polarisationText(state(-20, 22.5))).toBe("elliptical at −20°, right, 0.41 : 1");
  });

  it("linear light at 90° stands upright in the ellipse", () => {
    for (const [x, y] of ellipse(state(90, 0), 10)) {
      expect(Math.abs(x)).toBeLessThan(1e-9);
      expect(Math.abs(y)).toBeLessThanOrEqual(10 + 1e-9);
    }
  });

  it("of (1, i)/√2 goes from h towards v: counter-clockwise on the page, where y is down", () => {
    const points = ellipse(state(0, 45), 10);
    expect(points[0]).toEqual([10, -0]);
    expect(points[1]?.[1]).toBeLessThan(0);
    for (const [x, y] of points) expect(Math.hypot(x, y)).toBeCloseTo(10);
  });
});

describe("the card", () => {
  const found = {
    intensity: 0.25, optical_path_mm: 123.4567, radius_mm: null, wavelength_nm: 632.8, source: "s", ray: 2, ending: "left",
    polarisation: state(0, 0),
  };

  it("names power, path, polarisation, wavelength, source and ray", () => {
    const text = card(found, "HeNe", "#dc143c").textContent;
    for (const part of ["25 %", "123.457 mm", "linear at 0°", "632.8 nm", "HeNe · ray 3"]) expect(text).toContain(part);
    expect(text).not.toContain("Radius");
  });

  it("names the radius of a Gaussian beam, and no wavelength where there is none", () => {
    const text = card({ ...found, radius_mm: 0.51234, wavelength_nm: null }, "HeNe", "#dc143c").textContent;
    expect(text).toContain("0.5123 mm");
    expect(text).not.toContain("nm");
  });

  it("takes names for text", () => {
    const made = card(found, "<img src=x onerror=alert(1)>", "red");
    expect(made.querySelector("img")).toBeNull();
    expect(made.textContent).toContain("<img");
  });
});
