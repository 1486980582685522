import { defineConfig } from "vite";

// While working on the page: COWATCH_SERVER=http://127.0.0.1:8080 npm run dev
const server = process.env.COWATCH_SERVER ?? "http://127.0.0.1:8080";

export default defineConfig({
  base: "./",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: { target: "es2021", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: { proxy: { "/api": server, "/media": server } },
  test: { include: ["test/**/*.test.ts"] },
});
