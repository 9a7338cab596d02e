// Bundles src/ into the two files that the Python package carries; with --check, compares them with what is committed.
import { readFile } from "node:fs/promises";
import { build } from "esbuild";

const check = process.argv.includes("--check");
const outdir = new URL("../python/optiverse_engine/widget/static/", import.meta.url).pathname;
const result = await build({
  entryPoints: [
    { in: "src/index.ts", out: "widget" },
    { in: "src/widget.css", out: "widget" },
  ],
  absWorkingDir: new URL(".", import.meta.url).pathname,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  charset: "utf8",
  outdir,
  write: !check,
});
if (check) {
  let stale = false;
  for (const file of result.outputFiles) {
    const committed = await readFile(file.path, "utf8").catch(() => "");
    if (committed !== file.text) {
      console.error(`${file.path} is not what widget/src makes: npm --prefix widget run build`);
      stale = true;
    }
  }
  process.exit(stale ? 1 : 0);
}
