import { beforeEach, describe, expect, it } from "vitest";
import { ElementsLayer } from "../src/elements";
import { type Item, itemsOf } from "../src/state";
import { Viewport } from "../src/viewport";
import { itemState, lensScene, surfaceState } from "./scenes";

let layer: ElementsLayer;
let view: Viewport;

beforeEach(() => {
  document.body.replaceChildren();
  layer = new ElementsLayer();
  document.body.append(layer.element);
  view = new Viewport();
  [view.width, view.height, view.scale] = [400, 200, 2];
});

const group = (id: string): SVGGElement => {
  const found = [...layer.element.querySelectorAll<SVGGElement>("[data-item]")].find((each) => each.dataset["item"] === id);
  if (!found) throw new Error(`no group of ${id}`);
  return found;
};

describe("the elements", () => {
  it("can be tabbed to, in the order of the scene, and say what they are and where", () => {
    layer.rebuild(itemsOf(lensScene()), view);
    const groups = [...layer.element.querySelectorAll("[data-item]")];
    expect(groups.map((each) => each.getAttribute("data-item"))).toEqual(["laser", "lens"]);
    expect(groups.every((each) => each.getAttribute("tabindex") === "0" && each.getAttribute("role") === "button")).toBe(true);
    expect(group("lens").getAttribute("aria-label")).toBe("L1: lens, at x 50, y 10 mm, angle 0°");
  });

  it("stand where they are: the scale times mm, y up", () => {
    layer.rebuild(itemsOf(lensScene()), view);
    expect(group("lens").querySelector(".oe-hit")?.getAttribute("d")).toBe("M100 0L100 -40");
    expect(layer.element.firstElementChild?.getAttribute("transform")).toBe("translate(200 100)");
  });

  it("follow the hand before Python has answered, and the scene afterwards", () => {
    layer.rebuild(itemsOf(lensScene()), view);
    layer.override("lens", { x: 60, y: 10, angle: 30 });
    expect(group("lens").getAttribute("transform")).toBe("translate(120 -20)rotate(30)translate(-100 20)");
    expect(layer.pose("lens")).toEqual({ x: 60, y: 10, angle: 30 });
    layer.override(null, null);
    expect(group("lens").hasAttribute("transform")).toBe(false);
    expect(layer.pose("lens")).toEqual({ x: 50, y: 10, angle: 0 });
  });

  it("keep the focus when the scene is drawn again, in another order too", () => {
    layer.rebuild(itemsOf(lensScene()), view);
    group("lens").focus();
    const reordered = lensScene();
    layer.rebuild(itemsOf({ ...reordered, items: [...reordered.items, itemState("new", { x_mm: 0, y_mm: 0 })] }), view);
    expect(document.activeElement).toBe(group("lens"));
  });

  it("that have not changed are not drawn again", () => {
    const items = itemsOf(lensScene());
    layer.rebuild(items, view);
    const before = group("lens").firstChild;
    const moved: Item = { ...(items.get("laser") as Item), pose: { x: -90, y: 0, angle: 0 } };
    const emitter = group("laser").querySelector(".oe-emitter")?.getAttribute("d");
    layer.rebuild(new Map([...items, ["laser", moved]]), view);
    expect(group("lens").firstChild).toBe(before);
    expect(group("laser").querySelector(".oe-emitter")?.getAttribute("d")).not.toBe(emitter);
    view.scale = 3;
    layer.rebuild(items, view);
    expect(group("lens").firstChild).not.toBe(before);
  });

  it("that are gone or hidden are not there", () => {
    const scene = lensScene();
    layer.rebuild(itemsOf(scene), view);
    const [laser, lens] = scene.items;
    if (!laser || !lens) throw new Error("the scene has two items");
    layer.rebuild(itemsOf({ ...scene, items: [{ ...lens, hidden: true }] }), view);
    expect(layer.element.querySelectorAll("[data-item]")).toHaveLength(0);
  });

  it("show the handle for what can be turned, not for what is locked", () => {
    const scene = lensScene();
    layer.rebuild(itemsOf(scene), view);
    expect(layer.element.querySelector(".oe-knob")).toBeNull();
    layer.select("lens");
    expect(group("lens").getAttribute("aria-pressed")).toBe("true");
    expect(layer.element.querySelector(".oe-knob")).not.toBeNull();
    const locked = scene.items.map((item) => ({ ...item, properties: { ...item.properties, locked: true } }));
    layer.rebuild(itemsOf({ ...scene, items: locked }), view);
    layer.select("lens");
    expect(layer.element.querySelector(".oe-knob")).toBeNull();
  });

  it("at fault are marked, and say so", () => {
    const report = { severity: "error", item: "lens", key: "interfaces[0].efl_mm", value: "0", expected: "another" } as const;
    layer.rebuild(itemsOf(lensScene([report])), view);
    expect(group("lens").classList.contains("at-fault")).toBe(true);
    expect(group("lens").getAttribute("aria-label")).toContain("cannot be used");
  });

  it("never become markup, whatever the scene holds", () => {
    const evil = '"><img src=x onerror=alert(1)>';
    const items = [itemState("a", { x_mm: 0, y_mm: 0, name: evil, color_hex: evil }, "source"), itemState(evil, { text: evil, x: 0, y: 0 }, "text")];
    layer.rebuild(itemsOf({ items, surfaces: [], reports: [] }), view);
    expect(layer.element.querySelector("img")).toBeNull();
    expect(layer.element.textContent).toContain(evil);
  });

  it("give way with their labels: none covers another", () => {
    const lens = (id: string, x: number) => ({ ...surfaceState(id, "lens", [x, -10, x, 10]), label: "f = 100 mm" });
    const item = (id: string, x: number) => itemState(id, { x_mm: x, y_mm: 0 });
    const two = (x: number) => itemsOf({ items: [item("a", 0), item("b", x)], surfaces: [lens("a", 0), lens("b", x)], reports: [] });
    layer.rebuild(two(5), view);
    expect(layer.element.querySelectorAll(".oe-label")).toHaveLength(1);
    layer.rebuild(two(80), view);
    expect(layer.element.querySelectorAll(".oe-label")).toHaveLength(2);
  });

  it("of glass are filled between their faces", () => {
    const face = (i: number, x: number, n1: number, n2: number) =>
      ({ ...surfaceState("g", "refractive interface", [x, 10, x, -10], { n1, n2 }), interface: i });
    const scene = (n: number) => itemsOf({ items: [itemState("g", { x_mm: 0, y_mm: 0 })], surfaces: [face(0, 0, 1, n), face(1, 5, n, 1)], reports: [] });
    layer.rebuild(scene(1.5), view);
    expect(layer.element.querySelector(".oe-glass")?.getAttribute("d")).toBe("M0 -20L0 20L10 20L10 -20Z");
    layer.rebuild(scene(1.0), view);
    expect(layer.element.querySelector(".oe-glass")).toBeNull();
  });
});
