/** Keys and what they ask for. */

export type Command =
  | { readonly kind: "move"; readonly dx: number; readonly dy: number }
  | { readonly kind: "turn"; readonly degrees: number }
  | { readonly kind: "pan"; readonly dx: number; readonly dy: number }
  | { readonly kind: "zoom"; readonly factor: number }
  | { readonly kind: "fit" | "remove" | "escape" | "undo" | "redo" | "open" };

export interface Key {
  readonly key: string;
  readonly code: string;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
}

/** mm for an arrow key, degrees for a bracket: plain, with Shift, with Alt. */
const STEP_MM = { plain: 1, large: 10, small: 0.1 };
const STEP_DEG = { plain: 1, large: 15, small: 0.1 };
const PAN_PX = 40;
const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
};

/** What a key asks for; null where it is not ours. `onElement` says whether an element has the focus. */
export function command(key: Key, onElement: boolean): Command | null {
  const size = key.shiftKey ? "large" : key.altKey ? "small" : "plain";
  if (key.ctrlKey || key.metaKey) {
    if (key.altKey) return null;
    const letter = key.key.toLowerCase();
    if (letter === "z") return { kind: key.shiftKey ? "redo" : "undo" };
    return letter === "y" && !key.shiftKey ? { kind: "redo" } : null;
  }
  const arrow = ARROWS[key.key];
  if (arrow) {
    const [x, y] = arrow;
    if (!onElement) return { kind: "pan", dx: -x * PAN_PX, dy: y * PAN_PX };
    return { kind: "move", dx: x * STEP_MM[size], dy: y * STEP_MM[size] };
  }
  if (onElement) {
    // By place on the keyboard too: Shift makes other characters of them, and many layouts hide them.
    if (["[", "{"].includes(key.key) || key.code === "BracketLeft") return { kind: "turn", degrees: -STEP_DEG[size] };
    if (["]", "}"].includes(key.key) || key.code === "BracketRight") return { kind: "turn", degrees: STEP_DEG[size] };
    if (key.key === "Delete" || key.key === "Backspace") return { kind: "remove" };
    if (key.key === "Enter" || key.key === " ") return { kind: "open" };
  }
  if (key.key === "Escape") return { kind: "escape" };
  if (key.key === "+" || key.key === "=") return { kind: "zoom", factor: 1.25 };
  if (key.key === "-" || key.key === "_") return { kind: "zoom", factor: 0.8 };
  return key.key === "0" ? { kind: "fit" } : null;
}
