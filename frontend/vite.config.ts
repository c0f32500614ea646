import { defineConfig } from "vite";

// One script for all pages: every island is small, and a page without them still works. The
// service worker is a script of its own (`vite build --mode worker`), which browsers fetch apart.
export default defineConfig(({ mode }) => {
  const worker = mode === "worker";
  const name = worker ? "sw" : "jieli";
  return {
    build: {
      target: "es2020",
      outDir: "../src/jieli/web/static/dist",
      emptyOutDir: !worker,
      sourcemap: false,
      reportCompressedSize: false,
      lib: {
        entry: worker ? "src/sw.ts" : "src/main.ts",
        formats: [worker ? "iife" : "es"],
        name,
        fileName: () => `${name}.js`,
      },
    },
  };
});
