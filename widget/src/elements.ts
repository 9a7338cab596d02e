/** The elements of the scene: a focusable group of SVG for each item. */

import { svg } from "./dom";
import { add, Curve, type Point, polyline, px, scale } from "./geometry";
import { bodies } from "./glass";
import { type Item, nameOf, kindOf, numberOf, type Pose, rulerPoints, textOf } from "./state";
import { cube, DIAL_OFFSET_PX, DIAL_PX, hasDial, lowerEnd, SOURCE_PX, sourceSymbol, type Stroke, symbol, upperEnd } from "./symbols";
import { formatLength, short, type Viewport } from "./viewport";

const FONT_PX = 12;
/** Width of a character on average, and generously. */
const CHARACTER_PX = 0.62 * FONT_PX;
/** Surfaces shorter than this have no room for a label. */
const LEAST_LABELLED_PX = 16;
/** Half the side of the box that stands for an item without surfaces. */
const BOX_PX = 9;
/** From the middle of an element to the handle that turns it. */
const HANDLE_PX = 44;
const GREATEST_HANDLE_PX = 150;

/** Boxes by which a long line is kept free of labels. */
const MOST_BOXES = 40;

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** What is drawn of an item besides its label. */
interface Drawing {
  readonly nodes: SVGElement[];
  readonly curves: Curve[];
  /** What labels keep off. */
  readonly taken: Box[];
}

/** Seen by the layer: what others have selected, by item, with their colour. */
export type Marks = ReadonlyMap<string, string>;

export class ElementsLayer {
  readonly element: SVGSVGElement;
  readonly #root = svg("g");
  readonly #handle = svg("g", { class: "oe-handle" });
  readonly #groups = new Map<string, SVGGElement>();
  /** What is drawn, by item: what has not changed since is kept. */
  readonly #drawn = new Map<string, { readonly item: Item; readonly taken: readonly Box[] }>();
  #items: ReadonlyMap<string, Item> = new Map();
  #scale = 1;
  /** Where an item is being dragged to, ahead of Python. */
  #override: { readonly id: string; readonly pose: Pose } | null = null;
  #selected: string | null = null;

  constructor() {
    this.#root.append(this.#handle);
    this.element = svg("svg", { class: "oe-elements", role: "group", "aria-label": "Elements" }, this.#root);
  }

  /** Draws what has changed, or all where the scale has. */
  rebuild(items: ReadonlyMap<string, Item>, view: Viewport): void {
    if (this.#scale !== view.scale) this.#drawn.clear();
    this.#items = items;
    this.#scale = view.scale;
    const taken: Box[] = [];
    for (const [id, group] of this.#groups) {
      const item = items.get(id);
      if (item === undefined || item.state.hidden) {
        group.remove();
        this.#groups.delete(id);
      }
      const drawn = this.#drawn.get(id);
      if (drawn?.item === item) taken.push(...(drawn?.taken ?? []));
      else this.#drawn.delete(id);
    }
    const drawings = new Map<Item, Drawing>();
    for (const item of items.values()) {
      if (item.state.hidden || this.#drawn.has(item.state.id)) continue;
      const drawing = this.#draw(item);
      drawings.set(item, drawing);
      taken.push(...drawing.taken);
    }
    let next: ChildNode | null = this.#root.firstChild;
    for (const item of items.values()) {
      if (item.state.hidden) continue;
      const group = this.#group(item.state.id);
      const drawing = drawings.get(item);
      if (drawing) this.#fill(group, item, drawing, taken);
      // In the order of the scene, which is the order of the tabulator too. What is in its place stays: moved, it would lose the focus.
      if (group === next) next = group.nextSibling;
      else this.#root.insertBefore(group, next);
    }
    this.place(view);
  }

  #fill(group: SVGGElement, item: Item, drawing: Drawing, taken: Box[]): void {
    const before = taken.length;
    group.replaceChildren(...drawing.nodes, ...this.#label(item, drawing, taken));
    group.setAttribute("aria-label", spoken(item));
    group.classList.toggle("locked", item.state.properties["locked"] === true || item.state.linked);
    group.classList.toggle("at-fault", item.reports.some((report) => report.severity === "error"));
    this.#drawn.set(item.state.id, { item, taken: [...drawing.taken, ...taken.slice(before)] });
  }

  /** Moves everything to where the view is; the scale must be that of the last `rebuild`. */
  place(view: Viewport): void {
    const [x, y] = view.project(0, 0);
    this.#root.setAttribute("transform", `translate(${px(x)} ${px(y)})`);
    for (const [id, group] of this.#groups) this.#transform(id, group);
    this.#placeHandle();
  }

  /** Shows an item at another pose than the scene has it; null ends that. */
  override(id: string | null, pose: Pose | null): void {
    const before = this.#override?.id;
    this.#override = id !== null && pose !== null ? { id, pose } : null;
    for (const changed of new Set([before, id])) {
      const group = changed ? this.#groups.get(changed) : undefined;
      if (changed && group) this.#transform(changed, group);
    }
    this.#placeHandle();
  }

  select(id: string | null): void {
    this.#selected = id;
    for (const [other, group] of this.#groups) {
      group.classList.toggle("selected", other === id);
      group.setAttribute("aria-pressed", String(other === id));
    }
    this.#placeHandle();
  }

  /** Rings in the colours of others around what they have selected. */
  mark(marks: Marks): void {
    for (const [id, group] of this.#groups) {
      const colour = marks.get(id);
      group.classList.toggle("marked", colour !== undefined);
      if (colour === undefined) group.style.removeProperty("--oe-mark");
      else group.style.setProperty("--oe-mark", colour);
    }
  }

  focus(id: string): void {
    this.#groups.get(id)?.focus({ preventScroll: true });
  }

  /** The pose of an item as it is shown. */
  pose(id: string): Pose | null {
    return this.#override?.id === id ? this.#override.pose : (this.#items.get(id)?.pose ?? null);
  }

  #group(id: string): SVGGElement {
    const known = this.#groups.get(id);
    if (known) return known;
    const group = svg("g", { class: "oe-item", tabindex: 0, role: "button", "aria-pressed": "false", "data-item": id });
    this.#groups.set(id, group);
    return group;
  }

  #transform(id: string, group: SVGGElement): void {
    const from = this.#items.get(id)?.pose;
    const to = this.#override?.id === id ? this.#override.pose : null;
    if (!from || !to) {
      group.removeAttribute("transform");
      return;
    }
    const s = this.#scale;
    const moved = `translate(${px(to.x * s)} ${px(-to.y * s)})`;
    const turned = to.angle === from.angle ? "" : `rotate(${to.angle - from.angle})`;
    group.setAttribute("transform", `${moved}${turned}translate(${px(-from.x * s)} ${px(from.y * s)})`);
  }

  #placeHandle(): void {
    const item = this.#selected === null ? undefined : this.#items.get(this.#selected);
    const pose = item ? this.pose(item.state.id) : null;
    const turnable = item && item.surfaces.length + Number(item.state.kind === "source") > 0;
    if (!item || !pose || !turnable || item.state.linked || item.state.properties["locked"] === true) {
      this.#handle.replaceChildren();
      return;
    }
    const centre: Point = [pose.x * this.#scale, -pose.y * this.#scale];
    const reach = this.#reach(item);
    const turn = ((pose.angle - 90) * Math.PI) / 180;
    const knob = add(centre, [reach * Math.cos(turn), reach * Math.sin(turn)]);
    const title = svg("title", {}, "Turn (Shift: steps of 15°)");
    this.#handle.replaceChildren(
      svg("circle", { class: "oe-orbit", cx: px(centre[0]), cy: px(centre[1]), r: px(reach) }),
      svg("path", { class: "oe-orbit", d: polyline([centre, knob]) }),
      svg("circle", { class: "oe-knob", cx: px(knob[0]), cy: px(knob[1]), r: 6 }, title),
    );
  }

  /** Radius of the circle of the handle: outside of the element where that is not far. */
  #reach(item: Item): number {
    const pose = item.pose;
    let greatest = 0;
    for (const { points } of item.surfaces) {
      for (let i = 0; pose && i + 1 < points.length; i += 2) {
        greatest = Math.max(greatest, Math.hypot((points[i] ?? 0) - pose.x, (points[i + 1] ?? 0) - pose.y));
      }
    }
    return Math.min(GREATEST_HANDLE_PX, Math.max(HANDLE_PX, greatest * this.#scale + 28));
  }

  #project = (x: number, y: number): Point => [x * this.#scale, -y * this.#scale];

  #draw(item: Item): Drawing {
    const curves = item.surfaces.map((surface) => Curve.through(surface.points, this.#project));
    const taken = curves.flatMap((curve, i) => boxes(curve, hasDial(item.surfaces[i])));
    if (item.state.kind === "source" && item.pose) {
      const [x, y] = this.#project(item.pose.x, item.pose.y);
      const turn = (item.pose.angle * Math.PI) / 180;
      const body = around([x - (Math.cos(turn) * SOURCE_PX) / 2, y - (Math.sin(turn) * SOURCE_PX) / 2], SOURCE_PX / 3);
      return { nodes: this.#source(item, item.pose), curves, taken: [body] };
    }
    if (curves.length === 0) return { nodes: this.#withoutSurfaces(item), curves, taken };
    const glass = bodies(item.surfaces, curves);
    const outline = cube(item.surfaces, curves[0] ?? new Curve([[0, 0], [0, 0]]));
    const all = curves.map((curve) => curve.path()).join("");
    return {
      nodes: [
        svg("path", { class: "oe-halo", d: all }),
        ...glass.map((d) => svg("path", { class: "oe-glass", d })),
        ...(outline === null ? [] : [svg("path", { class: "oe-cube", d: outline })]),
        ...item.surfaces.flatMap((surface, i) => strokes(symbol(surface, curves[i] ?? new Curve([[0, 0], [0, 0]])))),
        svg("path", { class: "oe-hit", d: all }),
      ],
      curves,
      taken,
    };
  }

  #source(item: Item, pose: Pose): SVGElement[] {
    const properties = item.state.properties;
    const gaussian = properties["source_type"] === "gaussian";
    const width = gaussian ? 2 * numberOf(properties, "beam_waist_mm", 0.5) : numberOf(properties, "size_mm", 10);
    const { body, marks } = sourceSymbol(this.#project(pose.x, pose.y), pose.angle, width * this.#scale);
    const emitter = svg("path", { class: "oe-emitter", d: body });
    // As a property, not as markup: whatever the file holds for a colour is a colour or nothing.
    emitter.style.fill = textOf(properties, "color_hex", "#DC143C");
    return [svg("path", { class: "oe-halo", d: body }), emitter, ...strokes(marks), svg("path", { class: "oe-hit", d: body })];
  }

  #withoutSurfaces(item: Item): SVGElement[] {
    const properties = item.state.properties;
    const pose = item.pose;
    if (!pose) return [];
    const at = this.#project(pose.x, pose.y);
    if (item.state.kind === "text") {
      const text = svg("text", { class: "oe-note", x: px(at[0]), y: px(at[1]) }, textOf(properties, "text", ""));
      return [text];
    }
    if (item.state.kind === "ruler") {
      const points = rulerPoints(properties).map(([x, y]) => this.#project(x, y));
      const d = polyline(points);
      return [
        svg("path", { class: "oe-halo", d }), svg("path", { class: "oe-ruler", d }), svg("path", { class: "oe-hit", d }),
      ];
    }
    if (item.state.kind === "rectangle") {
      const half: Point = [numberOf(properties, "width_mm", 10) / 2, numberOf(properties, "height_mm", 10) / 2];
      const turn = (pose.angle * Math.PI) / 180;
      const corner = (sx: number, sy: number): Point => {
        const [x, y] = [sx * half[0] * this.#scale, sy * half[1] * this.#scale];
        return add(at, [x * Math.cos(turn) - y * Math.sin(turn), x * Math.sin(turn) + y * Math.cos(turn)]);
      };
      const d = `${polyline([corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)])}Z`;
      return [svg("path", { class: "oe-halo", d }), svg("path", { class: "oe-rectangle", d }), svg("path", { class: "oe-hit", d })];
    }
    const box = { x: px(at[0] - BOX_PX), y: px(at[1] - BOX_PX), width: 2 * BOX_PX, height: 2 * BOX_PX, rx: 4 };
    return [svg("rect", { class: "oe-halo", ...box }), svg("rect", { class: "oe-box", ...box })];
  }

  /** What stands beside the item, where there is room. */
  #label(item: Item, { curves }: Drawing, taken: Box[]): SVGElement[] {
    const entry = this.#labelText(item, curves);
    if (entry === null) return [];
    const { text, at, out } = entry;
    const place = add(at, scale(out, 9 + 0.5 * FONT_PX * Math.abs(out[1])));
    const width = text.length * CHARACTER_PX;
    const anchor = out[0] > 0.5 ? "start" : out[0] < -0.5 ? "end" : "middle";
    const left = place[0] - (anchor === "start" ? 0 : anchor === "end" ? width : width / 2);
    const box = { left, right: left + width, top: place[1] - 0.6 * FONT_PX, bottom: place[1] + 0.6 * FONT_PX };
    const covered = taken.some((other) =>
      box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom);
    if (covered) return [];
    taken.push(box);
    return [svg("text", { class: "oe-label", x: px(place[0]), y: px(place[1] + 0.35 * FONT_PX), "text-anchor": anchor }, text)];
  }

  #labelText(item: Item, curves: readonly Curve[]): { text: string; at: Point; out: Point } | null {
    const pose = item.pose;
    if (item.state.kind === "source" && pose) {
      const wavelength = numberOf(item.state.properties, "wavelength_nm", 633);
      const turn = (pose.angle * Math.PI) / 180;
      const at = add(this.#project(pose.x, pose.y), scale([Math.cos(turn), Math.sin(turn)], -SOURCE_PX / 2));
      return wavelength > 0 ? { text: `${short(wavelength)} nm`, at: add(at, [0, 6]), out: [0, 1] } : null;
    }
    if (item.state.kind === "ruler") {
      const points = rulerPoints(item.state.properties);
      const length = points.slice(1).reduce((sum, [x, y], i) => sum + Math.hypot(x - (points[i]?.[0] ?? 0), y - (points[i]?.[1] ?? 0)), 0);
      const last = points.at(-1);
      return last ? { text: formatLength(length), at: this.#project(last[0], last[1]), out: [1, 0] } : null;
    }
    if (item.surfaces.length === 0) {
      return pose && item.state.section === "items" ? { text: nameOf(item), at: add(this.#project(pose.x, pose.y), [0, BOX_PX]), out: [0, 1] } : null;
    }
    const glass = mediaOf(item);
    const [surface, curve] = [item.surfaces[0], curves[0]];
    const text = item.surfaces.length === 1 ? surface?.label : glass;
    const longest = Math.max(...curves.map((candidate) => candidate.length));
    if (!text || !surface || !curve || longest < LEAST_LABELLED_PX) return null;
    const lowest = curves.map(lowerEnd).reduce((a, b) => (b[0][1] > a[0][1] ? b : a));
    // Along a steep surface below its end; a level one has its label under the middle.
    if (Math.abs(lowest[1][1]) > 0.5 || item.surfaces.length > 1) return { text, at: lowest[0], out: [0, 1] };
    const [end, out] = upperEnd(curve);
    const beyond = hasDial(surface) ? DIAL_OFFSET_PX + DIAL_PX : 0;
    return { text, at: add(end, scale(out, beyond)), out: out[0] > 0 ? [1, 0] : [-1, 0] };
  }
}

function around([x, y]: Point, half: number): Box {
  return { left: x - half, right: x + half, top: y - half, bottom: y + half };
}

/** What a symbol covers: short parts of its line, and its dial. */
function boxes(curve: Curve, dial: boolean): Box[] {
  const count = Math.min(MOST_BOXES, Math.max(2, Math.ceil(curve.length / (2 * BOX_PX))));
  const along = Array.from({ length: count }, (_, i) => around(curve.at((i + 0.5) / count), 4));
  const [end, out] = upperEnd(curve);
  return dial ? [...along, around(add(end, scale(out, DIAL_OFFSET_PX)), DIAL_PX)] : along;
}

function strokes(list: readonly Stroke[]): SVGElement[] {
  return list.map(({ d, look, width }) => svg("path", { class: `oe-stroke ${look}`, d, "stroke-width": width ?? null }));
}

/** The glasses of an item. */
function mediaOf(item: Item): string | null {
  const names = item.surfaces.flatMap(({ element, parameters }) =>
    element !== "refractive interface" ? [] : (["n1", "n2"] as const).flatMap((side) => {
      const material = parameters[`${side}_material`];
      const index = numberOf(parameters, side, 1);
      if (typeof material === "string") return [material];
      return index > 1.01 ? [`n = ${short(index)}`] : [];
    }));
  return names.length > 0 ? [...new Set(names)].join(", ") : null;
}

/** What a screen reader says. */
function spoken(item: Item): string {
  const [surface] = item.surfaces;
  const what = item.surfaces.length === 1 && surface ? surface.description : kindOf(item);
  const name = nameOf(item);
  const at = item.pose ? `, at x ${short(item.pose.x, 2)}, y ${short(item.pose.y, 2)} mm, angle ${short(item.pose.angle, 1)}°` : "";
  const fault = item.reports.length > 0 ? ", has values that cannot be used" : "";
  return `${name === what || what.startsWith(name) ? "" : `${name}: `}${what}${at}${fault}`;
}
