/** The properties of the selected element. */

import { html } from "./dom";
import { type Field, interfaceFields, itemFields } from "./fields";
import { isMovable, type Item, isTurnable, type Json, kindOf, nameOf, type Pose, type Properties } from "./state";
import { short } from "./viewport";

export interface PanelActions {
  /** A property of the item, or of its interface of that number. */
  change(item: Item, interfaceNumber: number | null, key: string, value: string | number | boolean): void;
  place(item: Item, pose: Pose): void;
  remove(item: Item): void;
  close(): void;
}

/** Its width. */
export const PANEL_PX = 232;
/** Decimals in which positions and angles are shown. */
const DECIMALS = 3;

export class Panel {
  readonly element: HTMLElement;
  readonly #actions: PanelActions;
  #item: Item | null = null;
  #poseInputs: Partial<Record<keyof Pose, HTMLInputElement>> = {};

  constructor(actions: PanelActions) {
    this.#actions = actions;
    this.element = html("aside", { class: "oe-panel", "aria-label": "Properties", hidden: "" });
    this.element.addEventListener("keydown", (event) => {
      // Keys typed into a field are nobody else's; Escape goes back to the table.
      event.stopPropagation();
      if (event.key === "Escape") this.#actions.close();
    });
  }

  /** Shows an item, or nothing, at the left or the right. What is being typed stays. */
  show(item: Item | null, left: boolean): void {
    this.element.classList.toggle("left", left);
    const same = item !== null && item.state.id === this.#item?.state.id;
    this.#item = item;
    this.element.hidden = item === null;
    if (item === null) {
      this.element.replaceChildren();
      return;
    }
    const active = this.element.getRootNode() as Document | ShadowRoot;
    const focused = same ? active.activeElement?.getAttribute("data-field") : null;
    this.element.replaceChildren(...this.#content(item));
    if (focused) this.#field(focused)?.focus();
  }

  /** The part of the table's width that is not covered. */
  leaves(width: number): [number, number] {
    if (this.element.hidden) return [0, width];
    return this.element.classList.contains("left") ? [PANEL_PX, width] : [0, width - PANEL_PX];
  }

  /** Shows where the item is while it is dragged. */
  showPose(pose: Pose): void {
    for (const key of ["x", "y", "angle"] as const) {
      const input = this.#poseInputs[key];
      if (input) input.value = plainNumber(pose[key]);
    }
  }

  /** Puts the focus into the first field. */
  focus(): void {
    this.element.querySelector<HTMLElement>("input, select")?.focus();
  }

  #field(name: string): HTMLElement | null {
    return [...this.element.querySelectorAll<HTMLElement>("[data-field]")]
      .find((element) => element.getAttribute("data-field") === name) ?? null;
  }

  #content(item: Item): HTMLElement[] {
    const close = html("button", { type: "button", class: "oe-icon", "aria-label": "Close the panel", title: "Close (Esc)" }, "×");
    close.addEventListener("click", () => this.#actions.close());
    const title = html("div", {}, html("h3", {}, nameOf(item)), html("p", {}, describe(item)));
    const parts: HTMLElement[] = [html("header", {}, title, close), ...this.#reports(item, null)];
    if (item.pose) parts.push(this.#position(item, item.pose));
    const own = itemFields(item);
    if (own.length > 0) parts.push(this.#section("Source", item, null, item.state.properties, own));
    const interfaces = item.state.properties["interfaces"];
    if (Array.isArray(interfaces)) parts.push(...this.#interfaces(item, interfaces));
    if (!item.state.linked) {
      const remove = html("button", { type: "button", class: "oe-remove" }, "Remove");
      remove.addEventListener("click", () => this.#actions.remove(item));
      parts.push(html("footer", {}, remove));
    }
    return parts;
  }

  #position(item: Item, pose: Pose): HTMLElement {
    this.#poseInputs = {};
    const keys = [["x", "x", "mm"], ["y", "y", "mm"], ["angle", "Angle", "°"]] as const;
    const rows = keys.filter(([key]) => key !== "angle" || isTurnable(item)).map(([key, label, unit]) => {
      const input = html("input", { type: "number", step: "any", value: plainNumber(pose[key]), "data-field": key });
      input.disabled = !isMovable(item);
      input.addEventListener("change", () => {
        const value = Number(input.value);
        if (input.value !== "" && Number.isFinite(value)) this.#actions.place(item, { ...(this.#item?.pose ?? pose), [key]: value });
        else input.value = plainNumber((this.#item?.pose ?? pose)[key]);
      });
      this.#poseInputs[key] = input;
      return row(label, input, unit);
    });
    return html("section", {}, ...rows);
  }

  #interfaces(item: Item, interfaces: readonly Json[]): HTMLElement[] {
    return interfaces.flatMap((properties, i) => {
      if (properties === null || typeof properties !== "object" || Array.isArray(properties)) return [];
      const fields = interfaceFields(properties);
      const surface = item.surfaces.find((candidate) => candidate.interface === i);
      const many = interfaces.length > 1 ? `${i + 1} · ` : "";
      const heading = many + (surface?.element ?? String(properties["element_type"] ?? "element").replace(/_/g, " "));
      return fields.length > 0 ? [this.#section(heading, item, i, properties, fields)] : [];
    });
  }

  #section(heading: string, item: Item, place: number | null, properties: Properties, fields: readonly Field[]): HTMLElement {
    const rows = fields.map((field) => {
      const name = `${place ?? "item"}.${field.key}`;
      const input = this.#input(item, place, field, properties[field.key] ?? field.default);
      input.setAttribute("data-field", name);
      if (item.state.linked) input.setAttribute("disabled", "");
      return html("div", {}, row(field.label, input, field.unit ?? ""), ...this.#reports(item, field.key));
    });
    return html("section", {}, html("h4", {}, heading), ...rows);
  }

  #input(item: Item, place: number | null, field: Field, value: Json): HTMLInputElement | HTMLSelectElement {
    const change = (changed: string | number | boolean): void => this.#actions.change(item, place, field.key, changed);
    if (field.kind === "choice") {
      const known = field.choices ?? [];
      const choices = typeof value === "string" && !known.includes(value) ? [value, ...known] : known;
      const select = html("select", {}, ...choices.map((choice) => html("option", { value: choice }, choice.replace(/_/g, " "))));
      select.value = String(value);
      select.addEventListener("change", () => change(select.value));
      return select;
    }
    if (field.kind === "flag") {
      const box = html("input", { type: "checkbox" });
      box.checked = value === true;
      box.addEventListener("change", () => change(box.checked));
      return box;
    }
    const type = field.kind === "colour" ? "color" : field.kind;
    const input = html("input", { type, ...(type === "number" ? { step: "any" } : {}) });
    input.value = typeof value === "number" ? plainNumber(value) : field.kind === "colour" ? colour(value) : String(value ?? "");
    input.addEventListener("change", () => {
      if (field.kind !== "number") change(input.value);
      else if (input.value !== "" && Number.isFinite(Number(input.value))) change(Number(input.value));
      else input.value = typeof value === "number" ? plainNumber(value) : "";
    });
    return input;
  }

  /** What cannot be used: of a field, or of what has none here. */
  #reports(item: Item, key: string | null): HTMLElement[] {
    const interfaces = item.state.properties["interfaces"];
    const shown = new Set(itemFields(item).map((field) => field.key));
    for (const properties of Array.isArray(interfaces) ? interfaces : []) {
      if (properties !== null && typeof properties === "object" && !Array.isArray(properties)) {
        for (const field of interfaceFields(properties)) shown.add(field.key);
      }
    }
    // The key of an interface is reported with its place: interfaces[0].efl_mm.
    const last = (reported: string): string => reported.split(".").at(-1) ?? reported;
    return item.reports
      .filter((report) => (key === null ? !shown.has(last(report.key)) : last(report.key) === key))
      .map((report) =>
        html("p", { class: `oe-report ${report.severity}`, role: "status" },
          `${report.key} is ${report.value}, expected ${report.expected}`));
  }
}

function describe(item: Item): string {
  const label = item.surfaces.length === 1 ? item.surfaces[0]?.label : null;
  const notes = [kindOf(item), label, item.state.linked ? "linked" : null, item.state.properties["locked"] === true ? "locked" : null];
  return notes.filter((note) => note !== null && note !== undefined).join(" · ");
}

function row(label: string, input: HTMLElement, unit: string): HTMLElement {
  return html("label", { class: "oe-row" }, html("span", {}, label), input, html("span", { class: "oe-unit" }, unit));
}

function plainNumber(value: number): string {
  return short(value, DECIMALS).replace(/−/g, "-");
}

/** `#rrggbb`, which is all that a colour field takes. */
function colour(value: Json): string {
  return typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value) ? value : "#dc143c";
}
