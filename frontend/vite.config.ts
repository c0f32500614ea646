import { defineConfig } from "vite";

// One script for all pages: every island is small, and a page without them still works.
export default defineConfig({
  build: {
    target: "es2020",
    outDir: "../src/jieli/web/static/dist",
    emptyOutDir: true,
    sourcemap: false,
    reportCompressedSize: false,
    lib: { entry: "src/main.ts", formats: ["es"], fileName: () => "jieli.js" },
  },
});
