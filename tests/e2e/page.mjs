// Visits the page in Chromium. Three servers stand behind it: one with clips, one with titles alone, one with an
// empty workspace.
// page.mjs --clips ADDRESS --titles ADDRESS --empty ADDRESS --upload FILE --same ITEM-ID [--screenshots FOLDER]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const text = { type: "string" };
const { values: given } = parseArgs({ options: { clips: text, titles: text, empty: text, upload: text, same: text, screenshots: text } });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const wrong = [];
let checks = 0;
const check = (holds, line) => {
  checks++;
  if (holds) return;
  wrong.push(line);
  console.error(`WRONG ${line}`);
};

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-quic"] });

// Asks until it holds: waitForFunction would need eval, which the server's content policy forbids.
async function until(page, holds, argument, timeout = 10000) {
  for (const end = Date.now() + timeout; !(await page.evaluate(holds, argument));) {
    if (Date.now() > end) throw new Error(`${page.url()}: never came: ${holds} ${JSON.stringify(argument)}`);
    await page.waitForTimeout(50);
  }
}

// A page that is blamed for errors and for asking anybody but its own server.
async function open(address, settings) {
  const context = await browser.newContext(settings);
  const page = await context.newPage();
  const seen = { at: "" };
  page.on("request", (request) => check(/^(data|blob):/.test(request.url()) || request.url().startsWith(`${address}/`), `${seen.at}: asks ${request.url()}`));
  page.on("pageerror", (error) => check(false, `${seen.at}: ${error.message}`));
  // An answer the server refuses is shown by the page; Chromium writes it to the console as well.
  page.on("console", (line) => check(line.type() !== "error" || /Failed to load resource/.test(line.text()), `${seen.at}: console: ${line.text()}`));
  const go = async (hash, name) => {
    seen.at = name;
    await page.goto("about:blank");
    await page.goto(`${address}/${hash}`);
    await page.locator("main h1").waitFor({ state: "attached" });
    await until(page, () => !document.querySelector("main .skeletons"));
  };
  return { page, go, seen, close: () => context.close() };
}

async function sound({ page, seen }) {
  check(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${seen.at}: wider than the window`);
  check(await page.evaluate(() => document.querySelector(".brand").getClientRects()[0].height < 50), `${seen.at}: the name is broken`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  for (const { id, nodes } of violations) check(false, `${seen.at}: axe ${id}: ${nodes[0].html.slice(0, 160)} ${nodes[0].failureSummary.slice(0, 200)}`);
  check(true, "axe");
}

async function viewsOf(address) {
  const { Items: some } = await (await fetch(`${address}/api/items?n=20`)).json();
  const first = some[0]?.ItemId ?? "none", hashtag = some.flatMap((item) => item.Categories)[0];
  const tree = await (await fetch(`${address}/api/tree`)).json();
  const views = { wall: "#/", nothing: "#/?q=zzzz-none", clip: `#/clip/${encodeURIComponent(first)}`, "no such clip": "#/clip/zzzz-none", upload: "#/upload",
    clusters: "#/clusters", map: "#/map", "map at a clip": `#/map?focus=${encodeURIComponent(first)}`, training: "#/training", data: "#/data", quality: "#/quality", "no such view": "#/nowhere" };
  if (hashtag) views.hashtag = `#/?q=${encodeURIComponent(hashtag)}`;
  if (tree.Roots?.[0]) views.cluster = `#/clusters/${tree.Roots[0].Round}/${tree.Roots[0].Cluster}`;
  return views;
}
// What must be seen in a view that has something to show, and how often at least.
const shows = { wall: [".card", 12], hashtag: [".card", 1], clip: [".related li", 5], clusters: [".cluster", 1], cluster: [".card", 2], map: [".scatter canvas", 1],
  training: ["figure canvas", 1], data: [".tiles li", 2], quality: ["figure.memory", 2], nothing: [".notice", 1], "no such clip": [".failure", 1], "no such view": [".notice", 1], upload: [".drop button", 1] };

const sizes = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 860 } };
const modes = ["phone", "desktop"].flatMap((size) => ["dark", "light"].map((colorScheme) => ({ size, colorScheme })));

async function everyView(name, address, some, expected, only) {
  const all = await viewsOf(address);
  const views = only ? Object.fromEntries(only.filter((view) => all[view]).map((view) => [view, all[view]])) : all;
  await Promise.all(some.map(async ({ size, colorScheme }) => {
    const visit = await open(address, { viewport: sizes[size], colorScheme, reducedMotion: "reduce", bypassCSP: true });
    for (const [view, hash] of Object.entries(views)) {
      await visit.go(hash, `${name}: ${view}, ${size}, ${colorScheme}`);
      const [selector, least] = expected[view] ?? ["h1", 1];
      if (least > 0) await visit.page.locator(selector).nth(least - 1).waitFor({ state: "attached", timeout: 5000 }).catch(() => undefined);
      check(await visit.page.locator(selector).count() >= least, `${visit.seen.at}: fewer than ${least} ${selector}`);
      await sound(visit);
      if (given.screenshots) await visit.page.screenshot({ path: `${given.screenshots}/${name}-${view.replaceAll(" ", "-")}-${size}-${colorScheme}.png` });
    }
    await visit.close();
  }));
  return Object.keys(views).length * some.length;
}

// --- clips that play -----------------------------------------------------------------------------------------------

// Waits until that many films under a selector have come further than their beginning.
const plays = (page, selector, least = 1, most = 99) => until(page, ([wanted, from, to]) => {
  const running = [...document.querySelectorAll(wanted)].filter((video) => video.currentTime > 0.2 && !video.paused).length;
  return running >= from && running <= to;
}, [selector, least, most]);

async function clipsPlay(address) {
  const visit = await open(address, { viewport: sizes.desktop });
  const { page, go, seen } = visit;
  const parts = [];
  page.on("response", (response) => response.url().includes("/media/") && response.url().endsWith(".mp4") && parts.push(response.status()));
  await go("#/", "playing wall");
  await plays(page, ".card video", 2);
  check(await page.locator(".card video").count() <= 8, `${seen.at}: more than eight at once`);
  const before = await page.locator(".card video").first().evaluate((video) => video.currentTime);
  await until(page, (time) => { const now = document.querySelector(".card video")?.currentTime; return now !== undefined && now !== time; }, before);
  await page.getByRole("button", { name: "Stop previews" }).click();
  await page.mouse.move(5, 400);
  await until(page, () => document.querySelectorAll(".card video").length === 0);
  await page.locator(".card").nth(2).hover();
  await plays(page, ".card video", 1, 1);
  await page.mouse.move(5, 400);
  await page.locator(".card").nth(3).focus();
  await plays(page, "li:nth-child(4) .card video");
  await page.getByRole("button", { name: "Play previews" }).click();

  await page.locator(".card").first().click();
  await plays(page, ".player video");
  check(parts.includes(206), `${seen.at}: the film came whole, not by ranges`);
  const film = await page.locator(".player video").evaluate(async (video) => {
    video.muted = false;
    await new Promise((resolve) => setTimeout(resolve, 400));
    video.currentTime = video.duration * 0.75;
    await new Promise((resolve) => { video.onseeked = resolve; });
    return { width: video.videoWidth, height: video.videoHeight, length: video.duration, sound: video.webkitAudioDecodedByteCount };
  });
  check(film.width > 0 && film.height > 0 && film.length > 2, `${seen.at}: a film of ${JSON.stringify(film)}`);
  check(film.sound > 0, `${seen.at}: no sound was decoded`);
  await visit.close();

  // Who wants no motion sees none, and may still ask for it.
  const still = await open(address, { viewport: sizes.phone, reducedMotion: "reduce", hasTouch: true });
  await still.go("#/", "wall without motion");
  await still.page.locator(".card").first().hover();
  await still.page.waitForTimeout(600);
  check(await still.page.locator(".card video").count() === 0, "wall without motion: a preview plays");
  await still.page.getByRole("button", { name: "Play previews" }).tap();
  await plays(still.page, ".card video");
  check(await still.page.locator(".card video").count() <= 2, "a phone plays more than two");
  await still.close();
}

// --- by keyboard alone ---------------------------------------------------------------------------------------------

async function byKeyboard(address) {
  const visit = await open(address, { viewport: sizes.desktop, reducedMotion: "reduce" });
  const { page, go, seen } = visit;
  const focused = (selector) => page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector);
  const press = async (key) => page.keyboard.press(key);
  const tabTo = async (selector) => {
    for (let i = 0; i < 80; i++) {
      if (await focused(selector)) return;
      await press("Tab");
    }
    check(false, `${seen.at}: Tab never reaches ${selector}`);
  };
  await go("#/", "keyboard");
  await press("Tab");
  check(await focused(".skip"), "the first stop is the way past the header");
  await press("Enter");
  check(await focused("h1"), "the way past the header leads to the heading");
  await tabTo(".card");
  await press("Enter");
  await page.locator(".related li").first().waitFor();
  check(await focused("h1"), "a new view is announced by its heading");
  const first = page.url();
  await tabTo(".related .name");
  await press("Enter");
  await until(page, (address) => location.href !== address, first);
  await page.goBack();
  await until(page, (address) => location.href === address, first);
  await press("/");
  check(await focused("input[type=search]"), "/ reaches the search");
  await page.keyboard.type("zzzz-none");
  await page.locator(".notice").waitFor();
  await tabTo("button.theme[aria-label='Switch to dark'], button.theme[aria-label='Switch to light']");
  const theme = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await press("Enter");
  check(theme !== await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "the theme changes by keyboard");
  await go("#/map", "keyboard: map");
  await tabTo("canvas");
  await press("ArrowRight");
  await page.locator(".mapitem").waitFor();
  for (const key of ["ArrowDown", "ArrowLeft", "+", "+", "-", "Escape", "ArrowUp"]) await press(key);
  await page.locator(".mapitem").waitFor();
  await press("Enter");
  await page.locator(".related li").first().waitFor();
  await go("#/clusters", "keyboard: clusters");
  await tabTo(".cluster");
  await press("Enter");
  await page.locator(".crumbs").waitFor();
  await tabTo(".crumbs a");
  await go("#/upload", "keyboard: upload");
  await tabTo(".drop button");
  await go("#/quality", "keyboard: quality");
  await tabTo(".warnings pre");
  await tabTo(".warnings button");
  await visit.close();
}

// --- an upload -----------------------------------------------------------------------------------------------------

async function uploads(address) {
  const visit = await open(address, { viewport: sizes.desktop });
  const { page, go, seen } = visit;
  await go("#/upload", "upload");
  const choose = async (file) => {
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: "Choose a file" }).click()]);
    await chooser.setFiles(file);
  };
  await choose(given.upload);
  await page.locator(".found .related li").first().waitFor({ timeout: 20000 });
  const nearest = await page.locator(".found .related li").first().evaluate((row) => ({ address: row.querySelector("a.name").hash, score: Number(row.querySelector(".score > span:last-child").textContent.replace(/[^\d.]/g, "")) }));
  check(nearest.address === `#/clip/${given.same}` && nearest.score > 0.99, `${seen.at}: nearest to a copy of ${given.same} is ${JSON.stringify(nearest)}`);
  await plays(page, ".found .player video");
  await choose({ name: "letter.mp4", mimeType: "video/mp4", buffer: Buffer.from("no film at all ".repeat(200)) });
  await page.locator(".failure[role=alert]").waitFor({ timeout: 20000 });
  check(/not a video|supported/.test(await page.locator(".failure").textContent()), `${seen.at}: the refusal does not say why`);
  check(await page.locator(".found").count() === 0, `${seen.at}: an old answer stands under a refusal`);
  await visit.close();
}

// --- quality -------------------------------------------------------------------------------------------------------

// A notice stands there with the very request that mends what it found; once that was made, it goes.
async function mends(address) {
  const visit = await open(address, { viewport: sizes.desktop, reducedMotion: "reduce" });
  const { page, go, seen } = visit;
  await go("#/quality", "quality");
  const command = page.locator(".warnings li.index pre");
  await command.waitFor();
  const said = await command.textContent();
  const [, method, target, body] = /^curl -X (\w+) (\S+) -H 'Content-Type: application\/json' -d '(.*)'$/.exec(said) ?? [];
  check(target?.startsWith(`${address}/collections/`), `${seen.at}: the command is ${said}`);
  check((await fetch(target, { method, body })).ok, `${seen.at}: the command fails`);
  for (let i = 0; i < 200; i++) {
    const { Notices } = await (await fetch(`${address}/api/quality`)).json();
    if (!Notices.some((notice) => notice.Kind === "index")) break;
    await page.waitForTimeout(100);
  }
  await go("#/quality", "quality, mended");
  await page.locator("figure.memory").first().waitFor();
  check(await page.locator(".warnings li.index").count() === 0, `${seen.at}: the notice stays`);
  check(await page.locator("figure canvas").count() >= 1, `${seen.at}: no recall is drawn`);
  await visit.close();
}

// --- how soon ------------------------------------------------------------------------------------------------------

async function firstPaint(name, address) {
  const times = [];
  for (let i = 0; i < 3; i++) {
    const visit = await open(address, { viewport: sizes.desktop, reducedMotion: "reduce" });
    await visit.go("#/", name);
    times.push(await visit.page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN));
    await visit.close();
  }
  console.log(`first contentful paint of the wall, ${name}: ${times.map((time) => time.toFixed(0)).join(", ")} ms`);
}

await firstPaint("clips", given.clips);
await firstPaint("titles", given.titles);
const nothingYet = { wall: [".notice", 1], clip: [".failure", 1], clusters: [".failure", 1], map: [".failure", 1], training: [".notice", 1], data: ["table", 1], quality: [".notice", 1], upload: [".drop", 1] };
let visited = await everyView("clips", given.clips, modes, shows);
visited += await everyView("titles", given.titles, [modes[0], modes[3]], shows, ["wall", "clip", "clusters", "cluster", "map"]);
visited += await everyView("empty", given.empty, [modes[1], modes[2]], nothingYet, Object.keys(nothingYet));
await clipsPlay(given.clips);
await byKeyboard(given.clips);
await mends(given.clips);
await uploads(given.clips);
await browser.close();
console.log(`${visited} views visited, ${checks} checks, ${wrong.length} wrong`);
process.exit(wrong.length > 0 ? 1 : 0);
