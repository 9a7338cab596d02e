/** Whether the page around us is dark; hosts say it in different ways, so that the colour behind us decides. */

/** Relative luminance of a CSS colour rgb(…), 0 to 1; null where it is transparent or of another form. */
export function luminance(colour: string): number | null {
  const parts = /^rgba?\(([^)]+)\)$/.exec(colour)?.[1]?.split(/[\s,/]+/).map(Number);
  if (!parts || parts.length < 3 || parts.some((part) => !Number.isFinite(part)) || (parts[3] ?? 1) < 0.5) return null;
  const [r = 0, g = 0, b = 0] = parts.map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Below this the background counts as dark; the engine's pictures use the same. */
const DARK = 0.18;

function isDark(element: Element): boolean {
  // JupyterLab says it outright, also where the output's own background is transparent.
  const said = document.body.dataset["jpThemeLight"];
  if (said !== undefined) return said === "false";
  for (let at: Element | null = element; at !== null; at = parent(at)) {
    const found = luminance(getComputedStyle(at).backgroundColor);
    if (found !== null) return found < DARK;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

function parent(element: Element): Element | null {
  const root = element.getRootNode();
  return element.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
}

/** Keeps `root` in the theme of the page; `changed` is called after each change. Returns what ends it. */
export function followTheme(root: HTMLElement, changed: () => void): () => void {
  const apply = (): void => {
    const theme = isDark(root.parentElement ?? root) ? "dark" : "light";
    if (root.dataset["theme"] === theme) return;
    root.dataset["theme"] = theme;
    changed();
  };
  apply();
  const observer = new MutationObserver(apply);
  const attributes = { attributes: true, attributeFilter: ["class", "style", "data-jp-theme-light", "data-theme"] };
  observer.observe(document.documentElement, attributes);
  observer.observe(document.body, attributes);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", apply);
  return () => {
    observer.disconnect();
    scheme.removeEventListener("change", apply);
  };
}
