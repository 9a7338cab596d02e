/** The holes of the optical table, as a measure of scale. */

import type { Viewport } from "./viewport";

/** Pitch of the holes of a metric table, mm. */
const PITCH_MM = 25;
/** Least distance of two holes on the page. */
const LEAST_PX = 22;
const HOLE_PX = 1.6;

export function drawTable(context: CanvasRenderingContext2D, view: Viewport, colour: string): void {
  let pitch = PITCH_MM;
  while (pitch * view.scale < LEAST_PX) pitch *= 2;
  // Magnified far enough to see none, there are smaller steps.
  while (pitch * view.scale > 8 * LEAST_PX) pitch /= 5;
  const [left, top] = view.unproject(0, 0);
  const [right, bottom] = view.unproject(view.width, view.height);
  context.fillStyle = colour;
  for (let i = Math.ceil(left / pitch); i * pitch <= right; i++) {
    for (let j = Math.ceil(bottom / pitch); j * pitch <= top; j++) {
      const [x, y] = view.project(i * pitch, j * pitch);
      context.fillRect(x - HOLE_PX / 2, y - HOLE_PX / 2, HOLE_PX, HOLE_PX);
    }
  }
}
