/** The table: canvas, elements, what floats above them, and what hand and keyboard do with it. */

import { html } from "./dom";
import { ElementsLayer, type Marks } from "./elements";
import { drawTable } from "./table";
import type { Point } from "./geometry";
import { type Command, command } from "./keys";
import type { Light, Place } from "./light";
import { isMovable, isTurnable, type Item, type Pose } from "./state";
import { Viewport } from "./viewport";

export interface StageActions {
  select(id: string | null): void;
  /** `last` where the gesture that `step` names has ended. */
  move(id: string, pose: Pose, turned: boolean, step: string, last: boolean): void;
  remove(id: string): void;
  undo(): void;
  redo(): void;
  openPanel(): void;
  /** The pointer is over the light, or over none. */
  hover(place: Place | null, pixel: Point): void;
  /** The pointer, mm; null where it has left. */
  pointer(position: Point | null): void;
}

/** Pixels by which a press may slip and still be a click. */
const SLIP_PX = 3;
/** Reach of the pointer to the light. */
const REACH_PX = 7;
/** Keys that follow each other within this time are one step of undo. */
const KEYS_MS = 800;
const SNAP_DEG = 15;
const WHEEL = 0.0015;

interface Gesture {
  readonly kind: "move" | "turn" | "pan";
  readonly pointer: number;
  readonly from: Point;
  readonly id: string | null;
  readonly pose: Pose | null;
  readonly step: string;
  begun: boolean;
  last: Point;
}

export class Stage {
  readonly element: HTMLElement;
  readonly view = new Viewport();
  readonly layer = new ElementsLayer();
  readonly #canvas = html("canvas", { "aria-hidden": "true" });
  readonly #actions: StageActions;
  #items: ReadonlyMap<string, Item> = new Map();
  #light: Light | null = null;
  #selected: string | null = null;
  #marks: Marks = new Map();
  #gesture: Gesture | null = null;
  #keys: { step: string; id: string; until: number; pose: Pose; turned: boolean } | null = null;
  #frame = 0;
  #builtScale = 0;
  /** Whether there are items that have not been drawn. */
  #stale = false;
  #fitted = false;
  #steps = 0;
  readonly #prefix: string;
  #drawn: (view: Viewport) => void;

  /** `drawn` is called after each frame; `prefix` makes the names of steps unique among all views. */
  constructor(actions: StageActions, prefix: string, drawn: (view: Viewport) => void) {
    this.#actions = actions;
    this.#prefix = prefix;
    this.#drawn = drawn;
    this.element = html("div", {
      class: "oe-stage", tabindex: 0, role: "group", "aria-roledescription": "optical table",
      "aria-label": "Optical table. Tab goes through the elements; arrows move one, brackets turn it, Delete removes it.",
      "aria-keyshortcuts": "ArrowLeft ArrowRight ArrowUp ArrowDown [ ] Delete Escape Control+Z Control+Shift+Z + - 0",
    }, this.#canvas, this.layer.element);
    this.#listen();
  }

  /** Shows a scene with its light. */
  show(items: ReadonlyMap<string, Item>, light: Light): void {
    this.#items = items;
    this.#light = light;
    this.#stale = true;
    if (!this.#fitted) this.fit();
    this.redraw();
  }

  select(id: string | null): void {
    this.#selected = id;
    this.layer.select(id);
  }

  mark(marks: Marks): void {
    this.#marks = marks;
    this.layer.mark(marks);
  }

  /** Python has done all that was asked of it: what it says counts again, unless the hand is still at it. */
  settle(): void {
    if (!this.#gesture) this.layer.override(null, null);
  }

  resize(width: number, height: number): void {
    if (width < 1 || height < 1) return;
    // What is seen stays where it is.
    const corner = this.view.unproject(0, 0);
    this.view.width = width;
    this.view.height = height;
    const moved = this.view.project(...corner);
    this.view.pan(-moved[0], -moved[1]);
    if (!this.#fitted) this.fit();
    this.redraw();
  }

  /** Shows all elements. */
  fit(): void {
    const points: Point[] = [];
    for (const item of this.#items.values()) {
      if (item.state.hidden) continue;
      if (item.pose) points.push([item.pose.x, item.pose.y]);
      for (const { points: flat } of item.surfaces) {
        for (let i = 0; i + 1 < flat.length; i += 2) points.push([flat[i] ?? 0, flat[i + 1] ?? 0]);
      }
    }
    this.view.fit(points);
    // A scene that is empty yet, as that of a session at first, is fitted once there is something.
    this.#fitted = points.length > 0 && this.view.width > 1;
    this.redraw();
  }

  zoom(factor: number): void {
    this.view.zoom(factor);
    this.redraw();
  }

  /** Asks for a frame. */
  redraw(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  /** Ends all that goes on. */
  destroy(): void {
    cancelAnimationFrame(this.#frame);
  }

  #draw(): void {
    this.#frame = 0;
    const { width, height, scale } = this.view;
    const ratio = window.devicePixelRatio || 1;
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.#canvas.width !== wide || this.#canvas.height !== high) {
      this.#canvas.width = wide;
      this.#canvas.height = high;
    }
    const context = this.#canvas.getContext("2d");
    if (context) {
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
      drawTable(context, this.view, getComputedStyle(this.element).getPropertyValue("--oe-hole"));
      this.#light?.draw(context, this.view);
    }
    if (this.#builtScale === scale && !this.#stale) this.layer.place(this.view);
    else {
      this.layer.rebuild(this.#items, this.view);
      this.layer.select(this.#selected);
      this.layer.mark(this.#marks);
      this.#builtScale = scale;
      this.#stale = false;
    }
    this.#drawn(this.view);
  }

  #listen(): void {
    const on = this.element.addEventListener.bind(this.element);
    on("pointerdown", (event) => this.#press(event));
    on("pointermove", (event) => this.#drag(event));
    on("pointerup", (event) => this.#release(event));
    on("pointercancel", (event) => this.#release(event));
    on("pointerleave", () => {
      this.#actions.hover(null, [0, 0]);
      this.#actions.pointer(null);
    });
    on("wheel", (event) => this.#wheel(event), { passive: false });
    on("dblclick", (event) => {
      if (this.#itemAt(event) === null) this.fit();
    });
    on("keydown", (event) => this.#key(event));
    on("keyup", () => this.#endKeys());
    on("focusin", (event) => {
      const id = event.target instanceof Element ? event.target.getAttribute("data-item") : null;
      if (id !== null && id !== this.#selected) this.#actions.select(id);
    });
    on("focusout", () => this.#endKeys());
  }

  #pixel(event: MouseEvent): Point {
    const box = this.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #itemAt(event: Event): string | null {
    return event.target instanceof Element ? (event.target.closest("[data-item]")?.getAttribute("data-item") ?? null) : null;
  }

  #newStep(): string {
    this.#steps += 1;
    return `${this.#prefix}.${this.#steps}`;
  }

  #press(event: PointerEvent): void {
    if (event.button !== 0 || this.#gesture) return;
    const from = this.#pixel(event);
    const onKnob = event.target instanceof Element && event.target.classList.contains("oe-knob");
    const id = onKnob ? this.#selected : this.#itemAt(event);
    if (id !== null && !onKnob) this.#actions.select(id);
    const item = id === null ? undefined : this.#items.get(id);
    const kind = item && isMovable(item) ? (onKnob && isTurnable(item) ? "turn" : "move") : "pan";
    const pose = id === null ? null : this.layer.pose(id);
    this.#gesture = { kind, pointer: event.pointerId, from, last: from, id, pose, step: this.#newStep(), begun: false };
    this.element.setPointerCapture(event.pointerId);
    if (id === null) this.element.focus({ preventScroll: true });
    else this.layer.focus(id);
    this.#actions.hover(null, from);
    // Text around the table is not to be selected by a drag.
    event.preventDefault();
  }

  #drag(event: PointerEvent): void {
    const at = this.#pixel(event);
    const gesture = this.#gesture;
    this.#actions.pointer(this.view.unproject(...at));
    if (!gesture) {
      this.#hover(at);
      return;
    }
    if (event.pointerId !== gesture.pointer) return;
    if (!gesture.begun && Math.hypot(at[0] - gesture.from[0], at[1] - gesture.from[1]) < SLIP_PX) return;
    if (!gesture.begun) {
      gesture.begun = true;
      this.element.classList.add("dragging");
    }
    if (gesture.kind === "pan") {
      this.view.pan(at[0] - gesture.last[0], at[1] - gesture.last[1]);
      this.redraw();
    } else if (gesture.id !== null && gesture.pose) {
      const pose = this.#posed(gesture, gesture.pose, at, event.shiftKey);
      this.layer.override(gesture.id, pose);
      this.#actions.move(gesture.id, pose, gesture.kind === "turn", gesture.step, false);
    }
    gesture.last = at;
  }

  #posed(gesture: Gesture, pose: Pose, at: Point, snap: boolean): Pose {
    if (gesture.kind === "move") {
      const [x0, y0] = this.view.unproject(...gesture.from);
      const [x1, y1] = this.view.unproject(...at);
      return { ...pose, x: pose.x + x1 - x0, y: pose.y + y1 - y0 };
    }
    const centre = this.view.project(pose.x, pose.y);
    const bearing = ([x, y]: Point): number => (Math.atan2(y - centre[1], x - centre[0]) * 180) / Math.PI;
    const angle = pose.angle + bearing(at) - bearing(gesture.from);
    const wanted = snap ? Math.round(angle / SNAP_DEG) * SNAP_DEG : Math.round(angle * 10) / 10;
    return { ...pose, angle: normalised(wanted) };
  }

  #release(event: PointerEvent): void {
    const gesture = this.#gesture;
    if (!gesture || event.pointerId !== gesture.pointer) return;
    this.#gesture = null;
    this.element.classList.remove("dragging");
    if (!gesture.begun) {
      if (gesture.id === null) this.#actions.select(null);
      return;
    }
    if (gesture.kind === "pan" || gesture.id === null || !gesture.pose) return;
    const pose = this.#posed(gesture, gesture.pose, gesture.last, event.shiftKey);
    this.#actions.move(gesture.id, pose, gesture.kind === "turn", gesture.step, true);
  }

  /** Puts what is being dragged back to where it was. */
  #cancel(gesture: Gesture): void {
    this.#gesture = null;
    this.element.classList.remove("dragging");
    if (gesture.begun && gesture.id !== null && gesture.pose) {
      this.#actions.move(gesture.id, gesture.pose, gesture.kind === "turn", gesture.step, true);
    }
  }

  #hover(at: Point): void {
    const [x, y] = this.view.unproject(...at);
    this.#actions.hover(this.#light?.nearest(x, y, REACH_PX / this.view.scale) ?? null, at);
  }

  #wheel(event: WheelEvent): void {
    // A page scrolls past the table unless one works on it; a pinch on a touchpad comes with Ctrl.
    const root = this.element.getRootNode() as Document | ShadowRoot;
    const ours = event.ctrlKey || event.metaKey || this.element.contains(root.activeElement);
    if (!ours) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const faster = event.ctrlKey ? 5 : 1;
    this.view.zoom(Math.exp(-event.deltaY * lines * faster * WHEEL), ...this.#pixel(event));
    this.redraw();
  }

  #key(event: KeyboardEvent): void {
    const id = this.#itemAt(event);
    const asked = command(event, id !== null);
    if (asked === null) return;
    event.preventDefault();
    event.stopPropagation();
    this.#obey(asked, id);
  }

  #obey(asked: Command, id: string | null): void {
    switch (asked.kind) {
      case "move":
      case "turn":
        if (id !== null) this.#step(asked, id);
        break;
      case "pan":
        this.view.pan(asked.dx, asked.dy);
        this.redraw();
        break;
      case "zoom":
        this.zoom(asked.factor);
        break;
      case "fit":
        this.fit();
        break;
      case "remove":
        if (id !== null) {
          this.#actions.remove(id);
          this.element.focus({ preventScroll: true });
        }
        break;
      case "escape":
        if (this.#gesture) this.#cancel(this.#gesture);
        else {
          this.#actions.select(null);
          this.element.focus({ preventScroll: true });
        }
        break;
      case "undo":
        this.#actions.undo();
        break;
      case "redo":
        this.#actions.redo();
        break;
      case "open":
        this.#actions.openPanel();
    }
  }

  /** A step by a key; keys in quick succession are one gesture. */
  #step(asked: Extract<Command, { kind: "move" | "turn" }>, id: string): void {
    const item = this.#items.get(id);
    if (!item || !isMovable(item) || (asked.kind === "turn" && !isTurnable(item))) return;
    const now = performance.now();
    const goingOn = this.#keys?.id === id && now < this.#keys.until ? this.#keys : null;
    const pose = goingOn?.pose ?? this.layer.pose(id);
    if (!pose) return;
    const next = asked.kind === "move"
      ? { ...pose, x: tidy(pose.x + asked.dx), y: tidy(pose.y + asked.dy) }
      : { ...pose, angle: normalised(tidy(pose.angle + asked.degrees)) };
    const turned = asked.kind === "turn" || goingOn?.turned === true;
    this.#keys = { step: goingOn?.step ?? this.#newStep(), id, until: now + KEYS_MS, pose: next, turned };
    this.layer.override(id, next);
    this.#actions.move(id, next, turned, this.#keys.step, false);
  }

  /** The key is up: what it did is told as a whole; the next one may still belong to it. */
  #endKeys(): void {
    const keys = this.#keys;
    if (!keys || !this.#items.has(keys.id)) return;
    if (performance.now() >= keys.until) this.#keys = null;
    else this.#actions.move(keys.id, keys.pose, keys.turned, keys.step, true);
  }
}

/** An angle in (−180, 180]. */
export function normalised(degrees: number): number {
  const turned = degrees % 360;
  return turned > 180 ? turned - 360 : turned <= -180 ? turned + 360 : turned;
}

/** Without the rounding errors that steps of a tenth add up to. */
function tidy(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
