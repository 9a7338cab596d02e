import { describe, expect, it } from "vitest";
import { Cursors, people } from "../src/people";
import type { PeerState, SessionState } from "../src/state";
import { Viewport } from "../src/viewport";

const peer = (connection: number, user: string, cursor_mm: [number, number] | null = null): PeerState =>
  ({ connection, user, colour: "#123456", cursor_mm, selection: [] });

const session = (peers: PeerState[], more: Partial<SessionState> = {}): SessionState =>
  ({ name: "lab", user: "ada", colour: "#654321", status: "synchronised", role: "editor", pending: 0, peers, ...more });

function viewport(): Viewport {
  const view = new Viewport();
  [view.width, view.height, view.scale] = [400, 200, 2];
  return view;
}

describe("the pointers of others", () => {
  it("are where they are in the scene, and move with the view", () => {
    const cursors = new Cursors();
    const view = viewport();
    cursors.show([peer(1, "bob", [10, 5])], view);
    const shown = cursors.element.firstElementChild as HTMLElement;
    expect(shown.textContent).toBe("bob");
    expect(shown.style.transform).toBe("translate(220px, 90px)");
    view.pan(30, 0);
    cursors.place(view);
    expect(shown.style.transform).toBe("translate(250px, 90px)");
  });

  it("of one person on two pages are two; who is away or gone has none", () => {
    const cursors = new Cursors();
    const view = viewport();
    cursors.show([peer(1, "bob", [0, 0]), peer(2, "bob", [1, 1]), peer(3, "eve")], view);
    expect(cursors.element.children).toHaveLength(2);
    cursors.show([peer(2, "bob", [1, 1])], view);
    expect(cursors.element.children).toHaveLength(1);
    cursors.show([peer(2, "bob")], view);
    expect(cursors.element.children).toHaveLength(0);
  });
});

describe("who is there", () => {
  const texts = (state: SessionState | null) => people(state).map((element) => element.textContent);

  it("is nobody without a session", () => {
    expect(people(null)).toEqual([]);
  });

  it("names the session, its state, and everybody, oneself first", () => {
    expect(texts(session([peer(1, "bob")]))).toEqual(["lab: synchronised", "AB"]);
    expect(texts(session([], { role: "viewer", status: "offline" }))[0]).toBe("lab: offline · you are a viewer");
  });

  it("counts those for whom there is no room", () => {
    const others = (count: number) => Array.from({ length: count }, (_, i) => peer(i, `user ${i}`));
    expect(texts(session(others(4)))[1]).toBe("AUUUU");
    expect(texts(session(others(5)))[1]).toBe("AUUUU+1");
  });
});
