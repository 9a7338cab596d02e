import { expect, test } from "vitest";
import entry from "../src/index";
import type { FrameState, SceneState, WholeState } from "../src/state";
import { frame, lensScene, lightOf } from "./scenes";

interface State {
  _scene: WholeState;
  _frame: FrameState;
  [name: string]: unknown;
}

/** A model whose traits are set one by one or together, as hosts do it. */
class Model {
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(readonly state: State) {}

  get = (name: string): unknown => this.state[name];
  set = (name: string, value: unknown): void => void (this.state[name] = value);
  save_changes = (): void => {};
  send = (): void => {};
  on = (name: string, listener: () => void): void => {
    this.#listeners.set(name, (this.#listeners.get(name) ?? new Set()).add(listener));
  };
  off = (name: string, listener: () => void): void => void this.#listeners.get(name)?.delete(listener);

  tell(...names: string[]): void {
    for (const name of names) for (const listener of this.#listeners.get(`change:${name}`) ?? []) listener();
  }
}

function sceneAt(x: number): SceneState {
  const scene = lensScene();
  return {
    ...scene,
    items: scene.items.map((item) => item.id === "lens" ? { ...item, properties: { ...item.properties, x_mm: x } } : item),
  };
}

const whole = (x: number, revision: number): WholeState => ({ ...sceneAt(x), revision });
const light = lightOf({ points: [[0, 0], [10, 0]], intensities: [1, 1] });
const frameOf = (revision: number, of: number): FrameState => ({ ...frame(light, null, revision), whole: of });

function opened(): { model: Model; x: () => string | undefined; end: () => void } {
  const model = new Model({
    _scene: whole(50, 1), _frame: frameOf(1, 1), _session: null, selected: "lens", height_px: 400, revision: 1,
  });
  const el = document.createElement("div");
  document.body.append(el);
  const end = entry.render({ model, el } as unknown as Parameters<typeof entry.render>[0]);
  return { model, x: () => el.querySelector<HTMLInputElement>('[data-field="x"]')?.value, end };
}

test.each([
  ["the frame first", ["_frame", "_scene"]],
  ["the scene first", ["_scene", "_frame"]],
])("a scene and its light that are set one after the other are shown together: %s", (_, order) => {
  const { model, x, end } = opened();
  expect(x()).toBe("50");
  const next: Partial<State> = { _scene: whole(70, 2), _frame: frameOf(2, 2) };
  const [first, second] = order as ["_frame", "_scene"];
  model.set(first, next[first]);
  model.tell(first);
  expect(x()).toBe("50");
  model.set(second, next[second]);
  model.tell(second);
  expect(x()).toBe("70");
  end();
});

test("both may be set before either is told of", () => {
  const { model, x, end } = opened();
  model.set("_scene", whole(70, 2));
  model.set("_frame", frameOf(2, 2));
  model.tell("_scene", "_frame");
  expect(x()).toBe("70");
  end();
});

test("what has changed since the whole scene is shown with it", () => {
  const { model, x, end } = opened();
  model.set("_frame", { ...frameOf(2, 1), changed: sceneAt(60) });
  model.tell("_frame");
  expect(x()).toBe("60");
  end();
  model.set("_frame", { ...frameOf(3, 1), changed: sceneAt(65) });
  model.tell("_frame");
  expect(x()).toBe("60");
});
