import { defineConfig } from "vite";

// One script for all pages: every island is small, and a page without them still works. The
// service worker and the video room are scripts of their own (`vite build --mode worker`, `--mode
// room`): browsers fetch the one apart, and only a page in a room needs the other.
export default defineConfig(({ mode }) => {
  const alone = mode === "worker" || mode === "room";
  const name = { worker: "sw", room: "room" }[mode] ?? "jieli";
  return {
    build: {
      target: "es2020",
      outDir: "../src/jieli/web/static/dist",
      emptyOutDir: !alone,
      sourcemap: false,
      reportCompressedSize: false,
      lib: {
        entry: `src/${{ worker: "sw", room: "room" }[mode] ?? "main"}.ts`,
        formats: [mode === "worker" ? "iife" : "es"],
        name,
        fileName: () => `${name}.js`,
      },
    },
  };
});
