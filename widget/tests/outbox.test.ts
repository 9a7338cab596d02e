import { describe, expect, it } from "vitest";
import { type Message, Outbox } from "../src/outbox";

function outbox() {
  const sent: Message[] = [];
  const box = new Outbox("me", (message) => sent.push(message));
  const answer = (found: unknown = null): boolean =>
    box.handle({ type: "done", view: "me", number: sent.at(-1)?.["number"], found });
  return { sent, box, answer };
}

describe("the outbox", () => {
  it("sends one at a time", () => {
    const { sent, box, answer } = outbox();
    box.post({ type: "undo" });
    box.post({ type: "redo" });
    expect(sent.map(({ type }) => type)).toEqual(["undo"]);
    expect(box.busy).toBe(true);
    answer();
    expect(sent.map(({ type }) => type)).toEqual(["undo", "redo"]);
    answer();
    expect(box.busy).toBe(false);
  });

  it("sends only the newest of the moves that wait, in its place", () => {
    const { sent, box, answer } = outbox();
    box.post({ type: "move", x: 1 }, "move a");
    box.post({ type: "move", x: 2 }, "move a");
    box.post({ type: "undo" });
    box.post({ type: "move", x: 3 }, "move a");
    answer();
    answer();
    answer();
    expect(sent.map(({ type, x }) => [type, x])).toEqual([["move", 1], ["move", 3], ["undo", undefined]]);
  });

  it("gives what was found to whom it concerns", () => {
    const { box, answer } = outbox();
    const found: unknown[] = [];
    box.post({ type: "probe" }, "probe", (value) => found.push(value));
    answer({ intensity: 1 });
    expect(found).toEqual([{ intensity: 1 }]);
  });

  it("passes over answers to others, and repeated ones", () => {
    const { sent, box, answer } = outbox();
    box.post({ type: "undo" });
    box.post({ type: "redo" });
    expect(box.handle({ type: "done", view: "you", number: 1 })).toBe(false);
    expect(box.handle({ type: "done", view: "me", number: 7 })).toBe(false);
    expect(sent).toHaveLength(1);
    answer();
    expect(box.handle({ type: "done", view: "me", number: 1 })).toBe(false);
    expect(box.busy).toBe(true);
  });
});
