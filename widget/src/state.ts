/** What Python says: the traits of the model, and the scene they add up to. */

import type { Point } from "./geometry";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Properties = { readonly [key: string]: Json };

export interface ItemState {
  readonly id: string;
  readonly section: string;
  readonly kind: string;
  readonly hidden: boolean;
  readonly linked: boolean;
  readonly properties: Properties;
}

export interface SurfaceState {
  readonly item: string;
  readonly interface: number;
  readonly element: string;
  readonly label: string | null;
  readonly description: string;
  readonly parameters: Properties;
  /** x, y, x, y, … in mm. */
  readonly points: readonly number[];
  /** Light meets it on the side of its normal (1), on the other (2), on both (3) or not at all (0). */
  readonly lit: number;
}

export interface ReportState {
  readonly severity: "error" | "warning";
  readonly item: string;
  readonly key: string;
  readonly value: string;
  readonly expected: string;
}

export interface SceneState {
  readonly items: readonly ItemState[];
  readonly surfaces: readonly SurfaceState[];
  readonly reports: readonly ReportState[];
}

/** The whole scene, and the revision with which it was sent. */
export interface WholeState extends SceneState {
  readonly revision: number;
}

export interface FrameState {
  readonly revision: number;
  /** The revision of the whole scene that this goes with. */
  readonly whole: number;
  /** The items that have changed since that was sent; null where none has. */
  readonly changed: SceneState | null;
  readonly can_undo: boolean;
  readonly can_redo: boolean;
  readonly truncated: boolean;
  readonly light: Readonly<Record<"points" | "intensities" | "radii" | "starts" | "firsts" | "colours", DataView>>;
}

/** Somebody else in the session. */
export interface PeerState {
  readonly connection: number;
  readonly user: string;
  readonly colour: string;
  readonly cursor_mm: readonly [number, number] | null;
  readonly selection: readonly string[];
}

export interface SessionState {
  readonly name: string;
  readonly user: string;
  readonly colour: string;
  readonly status: string;
  readonly role: string | null;
  readonly pending: number;
  readonly peers: readonly PeerState[];
}

/** Position in mm, y up, and angle in degrees, clockwise. */
export interface Pose {
  readonly x: number;
  readonly y: number;
  readonly angle: number;
}

/** An item with what belongs to it. */
export interface Item {
  readonly state: ItemState;
  readonly surfaces: readonly SurfaceState[];
  readonly reports: readonly ReportState[];
  /** null where the item has no position of its own. */
  readonly pose: Pose | null;
}

/** Items by id. */
export function itemsOf(state: SceneState): Map<string, Item> {
  const surfaces = groupByItem(state.surfaces);
  const reports = groupByItem(state.reports);
  return new Map(state.items.map((item): [string, Item] => [item.id, {
    state: item,
    surfaces: surfaces.get(item.id) ?? [],
    reports: reports.get(item.id) ?? [],
    pose: poseOf(item.properties),
  }]));
}

function groupByItem<T extends { readonly item: string }>(entries: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const entry of entries) {
    const group = groups.get(entry.item);
    if (group) group.push(entry);
    else groups.set(entry.item, [entry]);
  }
  return groups;
}

/** A number among the properties, or `otherwise`. */
export function numberOf(properties: Properties, key: string, otherwise: number): number {
  const value = properties[key];
  return typeof value === "number" ? value : otherwise;
}

/** A text among the properties, or `otherwise`. */
export function textOf(properties: Properties, key: string, otherwise: string): string {
  const value = properties[key];
  return typeof value === "string" && value !== "" ? value : otherwise;
}

/** The points of a ruler. */
export function rulerPoints(properties: Properties): Point[] {
  const points = properties["points"] ?? [properties["p1"] ?? null, properties["p2"] ?? null];
  if (!Array.isArray(points)) return [];
  return points.flatMap((point): Point[] => {
    if (!Array.isArray(point)) return [];
    const [x, y] = point;
    return typeof x === "number" && typeof y === "number" ? [[x, y]] : [];
  });
}

function poseOf(properties: Properties): Pose | null {
  const angle = numberOf(properties, "angle_deg", 0);
  for (const [keyX, keyY] of [["x_mm", "y_mm"], ["x", "y"]] as const) {
    if (typeof properties[keyX] === "number" || typeof properties[keyY] === "number") {
      return { x: numberOf(properties, keyX, 0), y: numberOf(properties, keyY, 0), angle };
    }
  }
  const first = rulerPoints(properties)[0];
  return first ? { x: first[0], y: first[1], angle: 0 } : null;
}

/** What a person calls the item. */
export function nameOf(item: Item): string {
  return textOf(item.state.properties, "name", textOf(item.state.properties, "text", kindOf(item)));
}

/** What the item is: its element where it is one surface, otherwise its kind. */
export function kindOf(item: Item): string {
  const elements = new Set(item.surfaces.map((surface) => surface.element));
  return (elements.size === 1 ? [...elements][0] : undefined) ?? item.state.kind;
}

/** Whether it may be dragged. */
export function isMovable(item: Item): boolean {
  return item.pose !== null && !item.state.linked && item.state.properties["locked"] !== true;
}

/** Whether it has an angle to be turned by. */
export function isTurnable(item: Item): boolean {
  return isMovable(item) && !["rulers", "texts", "path_measures"].includes(item.state.section);
}
