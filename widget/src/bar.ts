/** The bar above the table, the scale bar, and what is said to the person. */

import { html, svg } from "./dom";
import { people } from "./people";
import type { SessionState } from "./state";
import { formatLength, roundLength, type Viewport } from "./viewport";

export interface BarActions {
  undo(): void;
  redo(): void;
  fit(): void;
  zoom(factor: number): void;
}

export interface BarState {
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  readonly paths: number;
  readonly truncated: boolean;
  /** Items that cannot be traced. */
  readonly faults: number;
}

/** The scale bar is at most this long. */
const SCALE_PX = 120;
const TOAST_MS = 6000;

const ICONS = {
  undo: "M9 7H15.5a4.5 4.5 0 0 1 0 9H8M9 7l3.5-3.5M9 7l3.5 3.5",
  redo: "M15 7H8.5a4.5 4.5 0 0 0 0 9H16M15 7l-3.5-3.5M15 7l-3.5 3.5",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  in: "M12 5v14M5 12h14",
  out: "M5 12h14",
};

export class Bar {
  readonly element: HTMLElement;
  readonly scale = html("div", { class: "oe-scale", "aria-hidden": "true" });
  readonly toast = html("div", { class: "oe-toast", role: "status", "aria-live": "polite" });
  readonly #status = html("span", { class: "oe-status" });
  readonly #people = html("div", { class: "oe-session" });
  readonly #undo: HTMLButtonElement;
  readonly #redo: HTMLButtonElement;
  #fading: ReturnType<typeof setTimeout> | undefined;

  constructor(actions: BarActions) {
    this.#undo = button("Undo (Ctrl+Z)", ICONS.undo, actions.undo);
    this.#redo = button("Redo (Ctrl+Shift+Z)", ICONS.redo, actions.redo);
    this.element = html("div", { class: "oe-bar", role: "toolbar", "aria-label": "Table" },
      this.#undo, this.#redo, html("i", {}),
      button("Zoom out (−)", ICONS.out, () => actions.zoom(0.8)),
      button("Zoom in (+)", ICONS.in, () => actions.zoom(1.25)),
      button("Show everything (0)", ICONS.fit, actions.fit), this.#status, this.#people);
  }

  showSession(session: SessionState | null): void {
    this.#people.replaceChildren(...people(session));
  }

  showState(state: BarState): void {
    this.#undo.disabled = !state.canUndo;
    this.#redo.disabled = !state.canRedo;
    const faults = state.faults === 0 ? "" : ` · ${state.faults} element${state.faults === 1 ? "" : "s"} at fault`;
    const truncated = state.truncated ? " · paths are missing: max_vertices" : "";
    this.#status.textContent = `${state.paths} path${state.paths === 1 ? "" : "s"}${faults}${truncated}`;
    this.#status.classList.toggle("at-fault", state.faults > 0 || state.truncated);
  }

  showScale(view: Viewport): void {
    const length = roundLength(SCALE_PX / view.scale);
    this.scale.style.width = `${length * view.scale}px`;
    this.scale.textContent = formatLength(length);
  }

  /** Says something for a while. */
  say(text: string): void {
    clearTimeout(this.#fading);
    this.toast.textContent = text;
    this.#fading = setTimeout(() => this.toast.replaceChildren(), TOAST_MS);
  }
}

function button(label: string, icon: string, pressed: () => void): HTMLButtonElement {
  const drawing = svg("svg", { viewBox: "0 0 24 24", width: 18, height: 18, "aria-hidden": "true" }, svg("path", { d: icon }));
  const made = html("button", { type: "button", class: "oe-icon", "aria-label": label, title: label }, drawing);
  made.addEventListener("click", pressed);
  return made;
}
