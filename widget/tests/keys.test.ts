import { describe, expect, it } from "vitest";
import { command, type Key } from "../src/keys";

const key = (name: string, more: Partial<Key> = {}): Key =>
  ({ key: name, code: "", shiftKey: false, altKey: false, ctrlKey: false, metaKey: false, ...more });

describe("keys on an element", () => {
  it("move it by 1, 10 or 0.1 mm, y up", () => {
    expect(command(key("ArrowUp"), true)).toEqual({ kind: "move", dx: 0, dy: 1 });
    expect(command(key("ArrowLeft", { shiftKey: true }), true)).toEqual({ kind: "move", dx: -10, dy: 0 });
    expect(command(key("ArrowRight", { altKey: true }), true)).toEqual({ kind: "move", dx: 0.1, dy: 0 });
  });

  it("turn it, whatever Shift and the layout make of the bracket", () => {
    expect(command(key("["), true)).toEqual({ kind: "turn", degrees: -1 });
    expect(command(key("]"), true)).toEqual({ kind: "turn", degrees: 1 });
    expect(command(key("{", { shiftKey: true }), true)).toEqual({ kind: "turn", degrees: -15 });
    expect(command(key("+", { code: "BracketRight" }), true)).toEqual({ kind: "turn", degrees: 1 });
  });

  it("remove it, open its panel, let go of it", () => {
    expect(command(key("Delete"), true)).toEqual({ kind: "remove" });
    expect(command(key("Backspace"), true)).toEqual({ kind: "remove" });
    expect(command(key("Enter"), true)).toEqual({ kind: "open" });
    expect(command(key("Escape"), true)).toEqual({ kind: "escape" });
  });
});

describe("keys on the table", () => {
  it("pan and zoom", () => {
    expect(command(key("ArrowLeft"), false)).toMatchObject({ kind: "pan", dx: 40 });
    expect(command(key("+"), false)).toMatchObject({ kind: "zoom" });
    expect(command(key("0"), false)).toEqual({ kind: "fit" });
  });

  it("remove nothing", () => {
    expect(command(key("Delete"), false)).toBeNull();
    expect(command(key("["), false)).toBeNull();
  });
});

describe("keys anywhere", () => {
  it("undo and redo, on every system", () => {
    expect(command(key("z", { ctrlKey: true }), false)).toEqual({ kind: "undo" });
    expect(command(key("z", { metaKey: true }), true)).toEqual({ kind: "undo" });
    expect(command(key("Z", { ctrlKey: true, shiftKey: true }), true)).toEqual({ kind: "redo" });
    expect(command(key("y", { ctrlKey: true }), true)).toEqual({ kind: "redo" });
  });

  it("are left to the page where they are not ours", () => {
    for (const other of [key("Tab"), key("a"), key("c", { ctrlKey: true }), key("s", { metaKey: true }), key("F5")]) {
      expect(command(other, true)).toBeNull();
    }
  });
});
