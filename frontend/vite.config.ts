import { defineConfig } from "vite";

// One script for all pages: every island is small, and a page without them still works. Scripts of
// their own (`vite build --mode …`) are the two workers, which browsers fetch apart, and what one
// kind of page alone needs: the video room, the player of its recordings.
const ALONE: Record<string, [file: string, entry: string]> = {
  worker: ["sw", "sw"],
  keeper: ["keeper", "keeper"],
  room: ["room", "room"],
  playback: ["playback", "playback"],
};

export default defineConfig(({ mode }) => {
  const [name, entry] = ALONE[mode] ?? ["jieli", "main"];
  return {
    build: {
      target: "es2020",
      outDir: "../src/jieli/web/static/dist",
      emptyOutDir: !(mode in ALONE),
      sourcemap: false,
      reportCompressedSize: false,
      lib: {
        entry: `src/${entry}.ts`,
        formats: [/^(worker|keeper)$/.test(mode) ? "iife" : "es"],
        name,
        fileName: () => `${name}.js`,
      },
    },
  };
});
