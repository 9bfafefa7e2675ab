import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { ahead } from "./scripts/ahead.ts";

// Where `npm run dev` finds a running server.
const server = process.env.WEIR_URL ?? "http://127.0.0.1:8080";
const paths = ["/api", "/ajax-api", "/get-artifact", "/v1", "/health", "/metrics", "/home"];

export default defineConfig({
  // Relative, so that the files are found under any path prefix.
  base: "./",
  plugins: [react(), tailwindcss(), ahead()],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  build: {
    target: "es2022",
    assetsDir: "dashboard",
    // Nothing as a data URL: the policy of the page has no place for scripts and fonts of that kind.
    assetsInlineLimit: 0,
    manifest: "manifest.json",
    reportCompressedSize: false,
  },
  server: { proxy: Object.fromEntries(paths.map((path) => [path, { target: server }])) },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
