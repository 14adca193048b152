/// <reference types="vitest/config" />
import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const shop = process.env.TAPROOM_API_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "@": here("./src") } },
  server: {
    proxy: Object.fromEntries(["/taproom.", "/pictures/", "/config.json"].map((path) => [path, shop])),
  },
  build: {
    // The edge embeds this folder.
    outDir: here("../services/edge/internal/webapp/dist"),
    emptyOutDir: true,
    // Its content security policy knows no data: fonts or scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Only the API documentation's chunk is larger; the shop does not load it.
    chunkSizeWarningLimit: 1600,
    rolldownOptions: {
      input: { shop: here("./index.html"), "api-docs": here("./api-docs/index.html") },
    },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["./src/testing/setup.ts"],
    restoreMocks: true,
  },
});
