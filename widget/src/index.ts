/** The entry that anywidget calls: joins the model with the table, the panel and the bar. */

import type { AnyModel, RenderProps } from "@anywidget/types";
import { Bar } from "./bar";
import { html } from "./dom";
import type { Point } from "./geometry";
import { Light, type Place } from "./light";
import { type Message, Outbox } from "./outbox";
import { Cursors } from "./people";
import { Panel, PANEL_PX } from "./panel";
import { card, type Found } from "./probe";
import { Stage } from "./stage";
import { type FrameState, type Item, itemsOf, nameOf, type SessionState, textOf, type WholeState } from "./state";
import { followTheme } from "./theme";

interface Traits {
  _scene: WholeState;
  _frame: FrameState;
  _session: SessionState | null;
  selected: string | null;
  height_px: number;
}

/** An element is kept at least so far from the panel. */
const CLOSE_PX = 40;

/** One view of a widget. */
class View {
  readonly #model: AnyModel<Traits>;
  readonly #name = Math.random().toString(36).slice(2);
  readonly #outbox: Outbox;
  readonly #root = html("div", { class: "oe-root" });
  readonly #card = html("div", { class: "oe-card", role: "tooltip", hidden: "" });
  readonly #stage: Stage;
  readonly #panel: Panel;
  readonly #bar: Bar;
  readonly #cursors = new Cursors();
  #items: Map<string, Item> = new Map();
  /** The scene as it was sent last as a whole. */
  #whole: { readonly scene: WholeState; readonly items: Map<string, Item> } | null = null;
  #light: Light | null = null;
  #revision = -1;
  /** The last move that was asked for. */
  #latest: Message | null = null;

  constructor(model: AnyModel<Traits>, host: HTMLElement) {
    this.#model = model;
    this.#outbox = new Outbox(this.#name, (message) => this.#model.send(message));
    this.#stage = new Stage({
      select: (id) => this.#select(id),
      move: (id, pose, turned, step, last) => {
        const angle = turned ? { angle_deg: pose.angle } : {};
        const message = { type: "move", id, x_mm: pose.x, y_mm: pose.y, ...angle, step, last };
        this.#latest = message;
        this.#outbox.post(message, `move ${step}`, () => {
          if (last && this.#latest === message) this.#stage.settle();
        });
        this.#panel.showPose(pose);
      },
      remove: (id) => this.#outbox.post({ type: "remove", id }),
      undo: () => this.#outbox.post({ type: "undo" }),
      redo: () => this.#outbox.post({ type: "redo" }),
      openPanel: () => this.#panel.focus(),
      hover: (place, pixel) => this.#hover(place, pixel),
      pointer: (position) => {
        // Nobody else sees it where there is no session.
        if (this.#model.get("_session") === null) return;
        this.#outbox.post({ type: "cursor", x_mm: position?.[0] ?? null, y_mm: position?.[1] ?? null }, "cursor");
      },
    }, this.#name, (view) => {
      this.#bar.showScale(view);
      this.#cursors.place(view);
      this.#root.dataset["revision"] = String(this.#revision);
    });
    this.#panel = new Panel({
      change: (item, number, key, value) =>
        this.#outbox.post({ type: "change", id: item.state.id, interface: number, key, value }),
      place: (item, pose) => this.#outbox.post({
        type: "move", id: item.state.id, x_mm: pose.x, y_mm: pose.y, angle_deg: pose.angle,
        step: `${this.#name} panel ${Math.random()}`, last: true,
      }),
      remove: (item) => this.#outbox.post({ type: "remove", id: item.state.id }),
      close: () => {
        this.#select(null);
        this.#stage.element.focus({ preventScroll: true });
      },
    });
    this.#bar = new Bar({
      undo: () => this.#outbox.post({ type: "undo" }),
      redo: () => this.#outbox.post({ type: "redo" }),
      fit: () => this.#stage.fit(),
      zoom: (factor) => this.#stage.zoom(factor),
    });
    this.#stage.element.append(this.#cursors.element, this.#card, this.#bar.scale, this.#bar.toast);
    this.#root.append(this.#bar.element, html("div", { class: "oe-body" }, this.#stage.element, this.#panel.element));
    // Plain keys are commands of a notebook too: d twice removes the cell. Those with Ctrl, such as that to save, are left to it.
    this.#root.addEventListener("keydown", (event) => {
      if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
    });
    host.append(this.#root);
  }

  /** Shows the state of the model and follows it; returns what ends that. */
  start(): () => void {
    const model = this.#model;
    const show = (): void => this.#show();
    const height = (): void => this.#root.style.setProperty("--oe-height", `${model.get("height_px")}px`);
    const selected = (): void => this.#showSelected();
    const session = (): void => this.#showSession();
    const message = (content: Message): void => this.#receive(content);
    model.on("change:_scene", show);
    model.on("change:_frame", show);
    model.on("change:_session", session);
    model.on("change:height_px", height);
    model.on("change:selected", selected);
    model.on("msg:custom", message);
    const size = new ResizeObserver(([entry]) => {
      if (entry) this.#stage.resize(entry.contentRect.width, entry.contentRect.height);
    });
    size.observe(this.#stage.element);
    const endTheme = followTheme(this.#root, () => this.#stage.redraw());
    height();
    show();
    return () => {
      model.off("change:_scene", show);
      model.off("change:_frame", show);
      model.off("change:_session", session);
      model.off("change:height_px", height);
      model.off("change:selected", selected);
      model.off("msg:custom", message);
      size.disconnect();
      endTheme();
      this.#stage.destroy();
    };
  }

  #show(): void {
    const frame = this.#model.get("_frame");
    const scene = this.#model.get("_scene");
    // Both may be new, and a host may tell of one before it has the other: what does not go together is not shown.
    if (scene.revision !== frame.whole || frame.revision === this.#revision) return;
    if (this.#whole?.scene !== scene) this.#whole = { scene, items: itemsOf(scene) };
    // What has not changed stays the same object: it need not be drawn again.
    this.#items = new Map([...this.#whole.items, ...(frame.changed ? itemsOf(frame.changed) : [])]);
    this.#light = new Light(frame.light);
    this.#revision = frame.revision;
    this.#stage.show(this.#items, this.#light);
    this.#bar.showState({
      canUndo: frame.can_undo,
      canRedo: frame.can_redo,
      paths: this.#light.paths,
      truncated: frame.truncated,
      faults: [...this.#items.values()].filter((item) => item.reports.some(({ severity }) => severity === "error")).length,
    });
    this.#showSelected();
    this.#showSession();
  }

  #showSession(): void {
    const session = this.#model.get("_session");
    this.#bar.showSession(session);
    this.#cursors.show(session?.peers ?? [], this.#stage.view);
    this.#stage.mark(new Map(session?.peers.flatMap(({ selection, colour }) => selection.map((id) => [id, colour] as const))));
  }

  #showSelected(): void {
    const id = this.#model.get("selected");
    this.#stage.select(id);
    const item = (id === null ? undefined : this.#items.get(id)) ?? null;
    this.#panel.show(item, this.#isAtTheRight(item));
  }

  /** Whether the panel would cover the item if it stood at the right. */
  #isAtTheRight(item: Item | null): boolean {
    if (!item?.pose) return false;
    const { view } = this.#stage;
    return view.project(item.pose.x, item.pose.y)[0] > view.width - PANEL_PX - CLOSE_PX;
  }

  #select(id: string | null): void {
    if (this.#model.get("selected") === id) return;
    this.#model.set("selected", id);
    this.#model.save_changes();
  }

  #receive(message: Message): void {
    const ours = this.#outbox.handle(message);
    // What a relay refuses is nobody's answer.
    if (message.type === "refused" && (ours || message["view"] === undefined)) {
      this.#bar.say(String(message["message"]));
      // What was shown ahead of Python is not so.
      this.#stage.layer.override(null, null);
    }
  }

  #hover(place: Place | null, pixel: Point): void {
    if (place === null) {
      this.#card.hidden = true;
      return;
    }
    const { path, vertex, share } = place;
    const probe = { type: "probe", revision: this.#revision, path, vertex, share };
    this.#outbox.post(probe, "probe", (found) => {
      if (found !== null) this.#showCard(found as Found, pixel);
    });
  }

  #showCard(found: Found, [x, y]: Point): void {
    const source = this.#items.get(found.source);
    const colour = source ? textOf(source.state.properties, "color_hex", "#DC143C") : "gray";
    this.#card.replaceChildren(card(found, source ? nameOf(source) : "source", colour));
    this.#card.hidden = false;
    const { width, height } = this.#stage.view;
    const box = this.#card.getBoundingClientRect();
    const [from, to] = this.#panel.leaves(width);
    const left = x + 16 + box.width < to ? x + 16 : x - 16 - box.width;
    const top = Math.max(4, Math.min(y + 14, height - box.height - 4));
    this.#card.style.transform = `translate(${Math.round(Math.max(from + 4, left))}px, ${Math.round(top)}px)`;
  }
}

function render({ model, el }: RenderProps<Traits>): () => void {
  return new View(model, el).start();
}

export default { render };
