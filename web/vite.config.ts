import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const backend = process.env.WABOX_URL ?? "http://127.0.0.1:5000";

export default defineConfig({
  plugins: [react()],
  resolve: {
    // The client package is used from source, so a clean checkout builds without building it first.
    alias: { "@wabox/client": here("../clients/js/src/index.ts") },
    dedupe: ["socket.io-client", "react"],
  },
  build: {
    target: "es2022",
    // Everything stays a file of its own: data: addresses would need a wider content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    fs: { allow: [here("..")] },
    proxy: {
      "/api": backend,
      "/health": backend,
      "/socket.io": { target: backend, ws: true },
    },
  },
  test: { environment: "jsdom", setupFiles: ["src/test/setup.ts"], include: ["src/**/*.test.{ts,tsx}"] },
});
