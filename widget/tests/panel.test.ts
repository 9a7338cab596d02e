import { beforeEach, describe, expect, it, vi } from "vitest";
import { interfaceFields } from "../src/fields";
import { Panel, PANEL_PX } from "../src/panel";
import { type Item, itemsOf } from "../src/state";
import { lensScene } from "./scenes";

const actions = { change: vi.fn(), place: vi.fn(), remove: vi.fn(), close: vi.fn() };
let panel: Panel;

beforeEach(() => {
  vi.clearAllMocks();
  panel = new Panel(actions);
  document.body.replaceChildren(panel.element);
});

const item = (id: string, scene = lensScene()): Item => {
  const found = itemsOf(scene).get(id);
  if (!found) throw new Error(`no item ${id}`);
  return found;
};

const field = (name: string): HTMLInputElement => {
  const found = panel.element.querySelector<HTMLInputElement>(`[data-field="${name}"]`);
  if (!found) throw new Error(`no field ${name}`);
  return found;
};

function type(name: string, value: string): void {
  field(name).value = value;
  field(name).dispatchEvent(new Event("change"));
}

describe("the panel", () => {
  it("is there for a selected element only", () => {
    expect(panel.element.hidden).toBe(true);
    panel.show(item("lens"), false);
    expect(panel.element.hidden).toBe(false);
    expect(panel.element.querySelector("h3")?.textContent).toBe("L1");
    panel.show(null, false);
    expect(panel.element.hidden).toBe(true);
  });

  it("stands at the side it is told to", () => {
    panel.show(item("lens"), true);
    expect(panel.element.classList.contains("left")).toBe(true);
    expect(panel.leaves(1000)).toEqual([PANEL_PX, 1000]);
    panel.show(item("lens"), false);
    expect(panel.element.classList.contains("left")).toBe(false);
    expect(panel.leaves(1000)).toEqual([0, 1000 - PANEL_PX]);
    panel.show(null, false);
    expect(panel.leaves(1000)).toEqual([0, 1000]);
  });

  it("moves and turns by numbers", () => {
    panel.show(item("lens"), false);
    type("x", "12.5");
    expect(actions.place).toHaveBeenLastCalledWith(expect.anything(), { x: 12.5, y: 10, angle: 0 });
    type("angle", "-30");
    expect(actions.place).toHaveBeenLastCalledWith(expect.anything(), { x: 50, y: 10, angle: -30 });
  });

  it("changes an interface by its number", () => {
    panel.show(item("lens"), false);
    type("0.efl_mm", "75");
    expect(actions.change).toHaveBeenCalledWith(expect.anything(), 0, "efl_mm", 75);
  });

  it("puts back what is not a number", () => {
    panel.show(item("lens"), false);
    type("x", "");
    expect(actions.place).not.toHaveBeenCalled();
    expect(field("x").value).toBe("50");
    type("0.efl_mm", "");
    expect(actions.change).not.toHaveBeenCalled();
  });

  it("changes choices of a source", () => {
    panel.show(item("laser"), false);
    type("item.source_type", "gaussian");
    expect(actions.change).toHaveBeenCalledWith(expect.anything(), null, "source_type", "gaussian");
  });

  it("says beside the field what cannot be used", () => {
    const report = { severity: "error", item: "lens", key: "interfaces[0].efl_mm", value: "0", expected: "a finite number other than 0" } as const;
    panel.show(item("lens", lensScene([report])), false);
    const shown = panel.element.querySelectorAll(".oe-report");
    expect(shown).toHaveLength(1);
    expect(shown[0]?.textContent).toBe("interfaces[0].efl_mm is 0, expected a finite number other than 0");
    expect(shown[0]?.parentElement?.querySelector("[data-field]")?.getAttribute("data-field")).toBe("0.efl_mm");
  });

  it("says what has no field too, once", () => {
    const report = { severity: "warning", item: "lens", key: "unheard_of", value: "1", expected: "nothing" } as const;
    panel.show(item("lens", lensScene([report])), false);
    expect(panel.element.querySelectorAll(".oe-report")).toHaveLength(1);
  });

  it("keeps the focus in its field when the scene comes back", () => {
    panel.show(item("lens"), false);
    field("y").focus();
    panel.show(item("lens"), false);
    expect(document.activeElement?.getAttribute("data-field")).toBe("y");
  });

  it("keeps keys to itself, and lets go with Escape", () => {
    const outside = vi.fn();
    document.body.addEventListener("keydown", outside);
    panel.show(item("lens"), false);
    field("x").dispatchEvent(new KeyboardEvent("keydown", { key: "Delete", bubbles: true }));
    field("x").dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    expect(outside).not.toHaveBeenCalled();
    expect(actions.close).toHaveBeenCalledOnce();
    document.body.removeEventListener("keydown", outside);
  });

  it("does not let linked items be changed", () => {
    const scene = lensScene();
    const linked = { ...scene, items: scene.items.map((each) => ({ ...each, linked: true })) };
    panel.show(item("lens", linked), false);
    expect([...panel.element.querySelectorAll<HTMLInputElement>("input, select")].every((input) => input.disabled)).toBe(true);
    expect(panel.element.querySelector(".oe-remove")).toBeNull();
  });
});

describe("fields", () => {
  const keys = (properties: Record<string, string | boolean>) => interfaceFields(properties).map(({ key }) => key);

  it("follow the type and its older names", () => {
    expect(keys({ element_type: "polarizing_interface", polarizer_subtype: "faraday_rotator" })).toEqual(["rotation_angle_deg"]);
    expect(keys({ element_type: "polarizing_interface" })).toEqual(["phase_shift_deg", "fast_axis_deg"]);
    expect(keys({ element_type: "beamsplitter" })).toEqual(["is_polarizing", "split_T", "split_R"]);
    expect(keys({ element_type: "beam_splitter", is_polarizing: true })).toEqual(["is_polarizing", "pbs_transmission_axis_deg"]);
    expect(keys({ element_type: "mirror", is_curved: true })).toEqual(["reflectivity", "radius_of_curvature_mm"]);
  });

  it("are none for what is not known", () => {
    for (const element_type of ["beam_block", "toString", "something new"]) expect(keys({ element_type })).toEqual([]);
  });
});
