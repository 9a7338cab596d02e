/** The others in the session: who is there, and where their pointers are. */

import { html, svg } from "./dom";
import type { PeerState, SessionState } from "./state";
import type { Viewport } from "./viewport";

/** So many are shown by name; the rest are counted. */
const MOST_FACES = 5;

/** The pointers of others, above the table. */
export class Cursors {
  readonly element = html("div", { class: "oe-cursors", "aria-hidden": "true" });
  readonly #cursors = new Map<number, HTMLElement>();
  #peers: readonly PeerState[] = [];

  show(peers: readonly PeerState[], view: Viewport): void {
    this.#peers = peers;
    const there = new Set(peers.filter((peer) => peer.cursor_mm !== null).map((peer) => peer.connection));
    for (const [connection, cursor] of this.#cursors) {
      if (there.has(connection)) continue;
      cursor.remove();
      this.#cursors.delete(connection);
    }
    for (const peer of peers) {
      if (!there.has(peer.connection) || this.#cursors.has(peer.connection)) continue;
      const arrow = svg("svg", { viewBox: "0 0 16 16", width: 16, height: 16 }, svg("path", { d: "M2 1l11 6.2-5 1.2-2.4 4.8z" }));
      const cursor = html("div", { class: "oe-cursor" }, arrow, html("span", {}, peer.user));
      cursor.style.setProperty("--oe-mark", peer.colour);
      this.#cursors.set(peer.connection, cursor);
      this.element.append(cursor);
    }
    this.place(view);
  }

  /** Moves them to where the view is. */
  place(view: Viewport): void {
    for (const { connection, cursor_mm: cursor } of this.#peers) {
      const shown = this.#cursors.get(connection);
      if (!shown || cursor === null) continue;
      const [x, y] = view.project(cursor[0], cursor[1]);
      shown.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
    }
  }
}

/** Who is there and how things stand with the relay, for the bar. */
export function people(session: SessionState | null): HTMLElement[] {
  if (session === null) return [];
  const everybody = [{ user: session.user, colour: session.colour, me: true }, ...session.peers.map((peer) => ({ ...peer, me: false }))];
  const faces = everybody.slice(0, MOST_FACES).map(({ user, colour, me }) => {
    const face = html("li", { title: me ? `${user} (you)` : user, "aria-label": me ? `${user} (you)` : user }, user.slice(0, 1).toUpperCase());
    face.style.setProperty("--oe-mark", colour);
    return face;
  });
  if (everybody.length > MOST_FACES) faces.push(html("li", { class: "more" }, `+${everybody.length - MOST_FACES}`));
  const role = session.role === "viewer" ? " · you are a viewer" : "";
  const status = html("span", { class: "oe-link", "data-status": session.status }, `${session.name}: ${session.status}${role}`);
  return [status, html("ul", { class: "oe-people", "aria-label": "People in the session" }, ...faces)];
}
