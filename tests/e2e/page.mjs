// Visits every view of the page at ADDRESS in Chromium, wide and narrow, dark and light.
// page.mjs ADDRESS [SCREENSHOT]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [address, screenshot] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const wrong = [];
const blame = (line) => { wrong.push(line); console.error(line); };
const first = (await (await fetch(`${address}/api/items?n=1`)).json()).Items[0].ItemId;
const tree = await (await fetch(`${address}/api/tree`)).json();
const views = { wall: "#/", search: "#/?q=zzzz-none", clip: `#/clip/${encodeURIComponent(first)}`, upload: "#/upload",
  clusters: "#/clusters", map: "#/map", training: "#/training", data: "#/data", missing: "#/nowhere" };
if (tree.Roots?.[0]) views.cluster = `#/clusters/${tree.Roots[0].Round}/${tree.Roots[0].Cluster}`;

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-quic"] });
for (const [width, height] of [[360, 740], [1360, 860]]) {
  for (const colorScheme of ["dark", "light"]) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: "reduce", bypassCSP: true });
    const page = await context.newPage();
    let at = "";
    page.on("request", (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(address)) blame(`${at}: foreign request ${request.url()}`);
    });
    page.on("pageerror", (error) => blame(`${at}: ${error.message}`));
    // An answer the server refuses is shown by the page; Chromium writes it to the console as well.
    page.on("console", (line) => line.type() === "error" && !/Failed to load resource/.test(line.text()) && blame(`${at}: console: ${line.text()}`));
    for (const [name, hash] of Object.entries(views)) {
      at = `${name}, ${width} px, ${colorScheme}`;
      await page.goto("about:blank");
      await page.goto(`${address}/${hash}`, { waitUntil: "networkidle" });
      await page.locator("main h1").waitFor({ state: "attached" });
      if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) blame(`${at}: wider than the window`);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run());
      for (const { id, nodes } of violations) blame(`${at}: axe ${id}: ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary.slice(0, 200)}`);
      if (screenshot && name === "clip" && width > 1000 && colorScheme === "dark") await page.screenshot({ path: screenshot });
    }
    at = `keyboard, ${width} px, ${colorScheme}`;
    await page.goto(`${address}/#/`, { waitUntil: "networkidle" });
    await page.keyboard.press("/");
    if (!(await page.evaluate(() => document.activeElement.type === "search"))) blame(`${at}: / does not reach the search`);
    await page.locator(".card").first().focus();
    await page.keyboard.press("Enter");
    await page.locator("aside #related").waitFor();
    await context.close();
  }
}
await browser.close();
console.log(`${Object.keys(views).length} views in 4 settings, ${wrong.length} faults`);
process.exit(wrong.length > 0 ? 1 : 0);
