// Makes ../static/app.js and ../static/app.css, which are committed: whoever uses the viewer needs no Node.
import { build } from "esbuild";

const out = process.argv[2] ?? "../static";
await build({
  entryPoints: { app: "src/main.tsx" },
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  charset: "ascii",
  legalComments: "inline",
  outdir: out,
});
await build({ entryPoints: { app: "src/style.css" }, bundle: true, minify: true, charset: "ascii", outdir: out });
