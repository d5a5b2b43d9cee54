#!/usr/bin/env node
// Opens HTML reports in headless Chromium as their readers do, and keeps pictures of them.
//
//     node tests/browser/check.mjs target/debug/crm2capi [NAME…]
//
// With names, only the reports whose names hold one of them are looked at.
// Every export in examples/ is validated and uploaded to the sandbox; besides, there is one joined with Meta's leads, one
// with hostile names, one without a usable row, an upload that cannot reach its host, the last of nine nightly uploads, and a status. Each page is opened at
// three sizes, light and dark, and printed on A4.
// Fails on a page that is wider than its window, on missing or cut text, on anything in the console, on a request to
// anywhere, on a script that ran, on text and charts with too little contrast (WCAG 2 AA: 1.4.3 and 1.4.11), on a chart
// without a table that says the same, and on what the Tab key does not reach. Pictures go to target/screenshots/.
//
// Speaks the DevTools protocol to Chromium directly, so that nothing but Node.js and Chromium is needed.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const root = resolve(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "../..");
const program = resolve(process.argv[2] ?? join(root, "target/debug/crm2capi"));
const only = process.argv.slice(3);
const pictures = join(root, "target/screenshots");
const NOW = "2026-11-21T16:00:00Z";
const SIZES = [
  ["phone", 360, 740],
  ["tablet", 768, 1024],
  ["desktop", 1366, 900],
];

// ---- the reports

function environment(folder) {
  return { PATH: process.env.PATH, HOME: folder, XDG_STATE_HOME: folder, CRM2CAPI_ACCESS_TOKEN: "example" };
}

function run(folder, ...args) {
  const env = environment(folder);
  const done = spawnSync(program, args, { cwd: folder, env, encoding: "utf8" });
  if (done.status === null || done.status > 4) throw new Error(`${args.join(" ")}: ${done.stderr}`);
  return done;
}

function report(folder, name, ...args) {
  const file = join(folder, `${name}.html`);
  const done = run(folder, ...args, "--report", file);
  if (!existsSync(file)) throw new Error(`${args.join(" ")} wrote no report: ${done.stderr}`);
  return [name, file];
}

const HOSTILE = `<img src=x onerror="window.ran=1">`;

function hostileExport(folder) {
  const stage = `</title></svg><script>window.ran=1</script>`;
  const file = join(folder, "hostile.csv");
  const cell = (text) => `"${text.replaceAll('"', '""')}"`;
  const rows = [["Email", cell(HOSTILE), cell(stage), "Stage", "When"]];
  for (let lead = 0; lead < 40; lead++) {
    const name = [stage, "\u202eLead\u0007", "Ein sehr langer Name einer Phase, der in kein Diagramm passt", "Wonhundertfünfzigtausendmal".repeat(3)][lead % 4];
    rows.push([`lead${lead}@example.com`, "1", "2", cell(name), `2026-11-${19 + (lead % 3)}T10:00:00Z`]);
  }
  rows.push(["no address", "1", "2", cell(stage), "yesterday"]);
  writeFileSync(file, rows.map((row) => row.join(",")).join("\n"));
  const map = ["--map", "email=Email", "--map", "event_name=Stage", "--map", "event_time=When", "--map", `custom.x=${HOSTILE}`];
  return ["upload", "--sandbox", "--now", NOW, "--max-invalid", "100", file, ...map];
}

// Rows without lead ids, and Meta's leads of three forms and four weeks, of which most have a row.
function joined(folder) {
  const forms = [["Spring offer", "2001"], ["Newsletter", "2002"], ["A form with a name that is longer than any phone is wide", "2003"]];
  const leads = [];
  const rows = ["Email,Phone,Stage,When,Amount"];
  for (let lead = 0; lead < 60; lead++) {
    const [form_name, form_id] = forms[lead % 3];
    const day = new Date(Date.parse(NOW) - (1 + (lead * 26) / 60) * 86_400_000);
    const created_time = day.toISOString().replace(/\.\d+Z$/, "+0000");
    const email = `lead${lead}@example.com`;
    leads.push(JSON.stringify({ id: `${1234567890120000 + lead}`, created_time, form_id, form_name, email, phone_number: `+1415555${1000 + lead}` }));
    const isMissing = lead % 3 === 1 && lead % 4 !== 0;
    if (isMissing) continue;
    const when = new Date(Math.min(Date.parse(NOW) - 3_600_000, day.getTime() + 7_200_000)).toISOString();
    const contact = lead % 5 ? `${email},` : `,+1415555${1000 + lead}`;
    rows.push(`${contact},${lead % 4 ? "Lead" : "Won"},${when},${lead % 4 ? "" : "499.90"}`);
  }
  rows.push(`stranger@example.com,,Lead,2026-11-20T10:00:00Z,`);
  writeFileSync(join(folder, "meta-leads.ndjson"), leads.join("\n"));
  writeFileSync(join(folder, "joined.csv"), rows.join("\n"));
  const map = ["email=Email", "phone=Phone", "event_name=Stage", "event_time=When", "value=Amount"].flatMap((it) => ["--map", it]);
  writeFileSync(join(folder, "joined.toml"), `[event]\ncurrency = "USD"\n`);
  return ["--now", NOW, "--timezone", "UTC", "--config", join(folder, "joined.toml"), ...map, "--leads", join(folder, "meta-leads.ndjson"), join(folder, "joined.csv")];
}

// Answers as Meta would: what a sandbox accepts is never noted as delivered. Leads whose ids end in 77 are not Meta's.
async function meta() {
  const invalid = { message: "Invalid parameter", type: "OAuthException", code: 100, error_subcode: 2804036, is_transient: false, error_user_title: "Invalid lead ID", fbtrace_id: "Aexample" };
  const server = createServer((request, answer) => {
    let body = "";
    request.on("data", (data) => (body += data));
    request.on("end", () => {
      const { data } = JSON.parse(body);
      const isRefused = data.some((event) => String(event.user_data?.lead_id).endsWith("77"));
      answer.writeHead(isRefused ? 400 : 200, { "Content-Type": "application/json" });
      answer.end(JSON.stringify(isRefused ? { error: invalid } : { events_received: data.length, messages: [], fbtrace_id: "Aexample" }));
    });
  });
  await new Promise((go) => server.listen(0, "127.0.0.1", go));
  return server;
}

// An upload to `port` at a time, with the ledger of the folder.
async function deliver(folder, port, now, ...args) {
  const all = ["upload", "--quiet", "--now", now, "--dataset-id", "1234567890", "--graph-url", `http://127.0.0.1:${port}`, "--give-up-after", "1", ...args];
  return new Promise((go) => spawn(program, all, { env: environment(folder), stdio: "ignore" }).on("exit", go));
}

// The leads of a growing export at a time: some without consent, one that Meta does not know, one with a damaged time.
function grown(folder, now) {
  const rows = ["Lead ID,Email,Stage,When,Amount,Consent"];
  const stages = ["Lead", "Qualified", "Won"];
  for (let lead = 0; lead < 120; lead++) {
    const id = 1234567890123400 + lead;
    for (const [reached, stage] of stages.entries()) {
      const when = Date.parse(NOW) - (12 * 24 - lead * 2 - reached * 30) * 3_600_000;
      if (lead % (reached + 1) || when > Date.parse(now)) continue;
      const time = lead === 50 ? "soon" : new Date(when).toISOString();
      rows.push(`${id},lead${lead}@example.com,${stage},${time},${reached === 2 ? "1250.00" : ""},${lead % 10 ? "yes" : "no"}`);
    }
  }
  const file = join(folder, "grown.csv");
  writeFileSync(file, rows.join("\n"));
  const map = ["lead_id=Lead ID", "email=Email", "event_name=Stage", "event_time=When", "value=Amount", "consent=Consent"].flatMap((it) => ["--map", it]);
  return ["--config", join(folder, "joined.toml"), "--timezone", "UTC", file, ...map];
}

// Nine nights of a daily job: on one of them Meta is not to be reached.
async function nights(folder) {
  const server = await meta();
  const pages = [];
  for (let night = 8; night >= 0; night--) {
    const now = new Date(Date.parse(NOW) - night * 86_400_000).toISOString();
    const last = join(folder, "upload-nightly.html");
    const status = await deliver(folder, night === 3 ? 9 : server.address().port, now, ...grown(folder, now), "--report", last);
    if (![0, 1, 4].includes(status)) throw new Error(`the upload of night ${night} ended with ${status}`);
    if (night === 0) pages.push(["upload-nightly", last]);
  }
  server.close();
  return pages;
}

function token(folder) {
  const file = join(folder, "token");
  writeFileSync(file, "example", { mode: 0o600 });
  return file;
}

async function reports(folder) {
  const examples = join(root, "examples");
  const pages = [];
  for (const settings of readdirSync(examples).filter((name) => name.endsWith(".toml")).sort()) {
    const stem = basename(settings, ".toml");
    const file = readdirSync(examples).find((name) => name.startsWith(`${stem}.`) && name !== settings);
    const common = ["--now", NOW, "--config", join(examples, settings), join(examples, file)];
    pages.push(report(folder, `validate-${stem}`, "validate", ...common));
    pages.push(report(folder, `upload-${stem}`, "upload", "--sandbox", ...common));
  }
  const withLeads = joined(folder);
  pages.push(report(folder, "validate-joined", "validate", ...withLeads));
  pages.push(report(folder, "upload-joined", "upload", "--sandbox", ...withLeads));
  pages.push(report(folder, "unreachable", "upload", "--now", NOW, "--config", join(examples, "hubspot.toml"), "--dataset-id", "1234567890", "--graph-url",
    "http://127.0.0.1:9", "--give-up-after", "1", "--access-token-file", token(folder), "--ledger", "none", join(examples, "hubspot.csv")));
  pages.push(report(folder, "hostile", ...hostileExport(folder)));
  const unusable = join(folder, "unusable.csv");
  writeFileSync(unusable, "Email,Stage,When\nnobody,Lead,yesterday\n");
  pages.push(report(folder, "unusable", "validate", unusable, "--map", "email=Email", "--map", "event_name=Stage", "--map", "event_time=When"));
  pages.push(report(folder, "status-never", "status", "--now", NOW, "--max-age", "1d"));
  pages.push(...(await nights(folder)));
  pages.push(report(folder, "status", "status", "--now", NOW, "--max-age", "1d"));
  return pages;
}

// ---- the browser

class Browser {
  static async start(folder) {
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
      "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
      `--user-data-dir=${join(folder, "profile")}`, "about:blank"];
    const process_ = spawn(chromium(), flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    const browser = new Browser();
    Object.assign(browser, { process: process_, next: 1, waiting: new Map(), events: [], rest: "" });
    process_.stdio[4].on("data", (data) => browser.hear(data.toString("utf8")));
    process_.on("exit", () => browser.waiting.forEach(({ reject }) => reject(new Error("Chromium ended"))));
    const { targetInfos } = await browser.send("Target.getTargets");
    const { targetId } = targetInfos.find((target) => target.type === "page");
    browser.session = (await browser.send("Target.attachToTarget", { targetId, flatten: true })).sessionId;
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await browser.send(`${domain}.enable`);
    return browser;
  }

  hear(text) {
    const messages = (this.rest + text).split("\0");
    this.rest = messages.pop();
    for (const message of messages.map((it) => JSON.parse(it))) {
      const waiting = this.waiting.get(message.id);
      if (!waiting) this.events.push(message);
      else if (message.error) waiting.reject(new Error(message.error.message));
      else waiting.resolve(message.result);
      this.waiting.delete(message.id);
    }
  }

  send(method, params = {}) {
    const id = this.next++;
    const answer = new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
    this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId: this.session })}\0`);
    return answer;
  }

  async value(expression) {
    const answer = await this.send("Runtime.evaluate", { expression, returnByValue: true });
    if (answer.exceptionDetails) throw new Error(answer.exceptionDetails.exception.description);
    return answer.result.value;
  }

  async open(url) {
    this.events = [];
    await this.send("Page.navigate", { url });
    while (!this.events.some((event) => event.method === "Page.loadEventFired")) await new Promise((go) => setTimeout(go, 5));
  }
}

function chromium() {
  const found = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", process.env.CHROMIUM].find((path) => path && existsSync(path));
  if (!found) throw new Error("no Chromium; install it (apt-get install chromium), or name it in CHROMIUM");
  return found;
}

// ---- the checks

// Runs in the page.
function inspect() {
  const complaints = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) complaints.push(`wider than the window: ${root.scrollWidth} > ${root.clientWidth}`);
  if (window.ran) complaints.push("a script ran");
  if (document.querySelectorAll("h1").length !== 1) complaints.push("not one h1");
  if (!document.title.startsWith("crm2capi")) complaints.push(`title: ${document.title}`);
  let level = 1;
  for (const heading of document.querySelectorAll("h1, h2, h3")) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) complaints.push(`heading ${heading.textContent} skips a level`);
    level = own;
    if (!heading.textContent.trim()) complaints.push("empty heading");
  }
  for (const word of ["undefined", "NaN", "Infinity", "Some(", "None)"]) {
    if (document.body.innerText.includes(word)) complaints.push(`says ${word}`);
  }
  for (const svg of document.querySelectorAll("svg")) {
    const isNamed = svg.getAttribute("aria-hidden") === "true" || (svg.getAttribute("role") === "img" && svg.getAttribute("aria-label"));
    if (!isNamed) complaints.push("a chart without a name");
    const box = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")];
    const boxes = texts.map((text) => [text.textContent, text.getBoundingClientRect()]);
    for (const [text, it] of boxes) {
      if (it.left < box.left - 1 || it.right > box.right + 1 || it.bottom > box.bottom + 1) complaints.push(`cut: ${text}`);
    }
    boxes.forEach(([a, one], index) => boxes.slice(index + 1).forEach(([b, two]) => {
      const apart = one.right <= two.left || two.right <= one.left || one.bottom <= two.top + 2 || two.bottom <= one.top + 2;
      if (!apart) complaints.push(`on top of each other: ${a} / ${b}`);
    }));
  }
  for (const table of document.querySelectorAll("table")) {
    if (!table.querySelector("thead th[scope=col]")) complaints.push("a table without column headings");
    const box = table.parentElement.getBoundingClientRect();
    const scrolls = table.parentElement.classList.contains("scroll");
    if (!scrolls && table.getBoundingClientRect().right > box.right + 1) complaints.push("a table sticks out");
  }
  for (const chart of document.querySelectorAll("svg[role=img]")) {
    if (!chart.closest("section")?.querySelector("table")) complaints.push(`no table says what this chart does: ${chart.getAttribute("aria-label")}`);
  }
  for (const row of document.querySelectorAll("tbody tr")) {
    if (!row.querySelector("th[scope=row]")) complaints.push(`a row without a heading: ${row.textContent}`);
  }
  for (const element of document.querySelectorAll("[aria-labelledby]")) {
    const heading = document.getElementById(element.getAttribute("aria-labelledby"));
    if (!heading?.textContent.trim()) complaints.push(`${element.tagName} is named by nothing`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((it) => it.id);
  if (new Set(ids).size !== ids.length) complaints.push("an id stands twice");
  if (root.lang !== "en" || !document.querySelector("header, main, footer")) complaints.push("no language or no landmarks");
  for (const region of document.querySelectorAll(".scroll")) {
    if (region.tabIndex !== 0 || !region.getAttribute("aria-label")) complaints.push("a region no keyboard reaches");
  }
  const luminance = (colour) => {
    const parts = colour.match(/[\d.]+/g).slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (element) => {
    for (let it = element; it; it = it.parentElement) {
      const colour = getComputedStyle(it).backgroundColor;
      if (!colour.endsWith(", 0)")) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const contrast = (one, two) => {
    const [light, dark] = [luminance(one), luminance(two)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const poor = new Set();
  for (const element of document.querySelectorAll("body *")) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    if (!hasText || element.tagName === "title" || element.closest("title")) continue;
    const style = getComputedStyle(element);
    const colour = element instanceof SVGElement ? style.fill : style.color;
    if (contrast(colour, background(element)) < 4.5) poor.add(`${element.tagName}.${element.className.baseVal ?? element.className}`);
  }
  for (const bar of document.querySelectorAll("svg rect:not(.track), svg line.guide")) {
    const style = getComputedStyle(bar);
    const colour = bar.tagName === "line" ? style.stroke : style.fill;
    if (contrast(colour, background(bar)) < 3) poor.add(`${bar.tagName}.${bar.className.baseVal}`);
  }
  poor.forEach((name) => complaints.push(`too little contrast: ${name}`));
  return complaints;
}

// What the Tab key reaches, in order, up to where it begins anew.
async function tabbed(browser) {
  const reached = [];
  await browser.value("document.activeElement?.blur(), window.scrollTo(0, 0), 0");
  for (let press = 0; press < 200; press++) {
    for (const type of ["keyDown", "keyUp"]) await browser.send("Input.dispatchKeyEvent", { type, key: "Tab", code: "Tab", windowsVirtualKeyCode: 9 });
    const index = await browser.value("[...document.querySelectorAll('a[href], summary, [tabindex=\"0\"]')].indexOf(document.activeElement)");
    if (index < 0 || reached.includes(index)) break;
    reached.push(index);
  }
  return reached;
}

async function keyboardComplaints(browser) {
  const reached = await tabbed(browser);
  const visible = `[...document.querySelectorAll('a[href], summary, [tabindex="0"]')].map((it) => it.checkVisibility({ contentVisibilityAuto: true }) && !it.closest('details:not([open]) > :not(summary)'))`;
  const wanted = (await browser.value(visible)).flatMap((isVisible, index) => (isVisible ? [index] : []));
  return JSON.stringify(reached) === JSON.stringify(wanted) ? [] : [`the Tab key reaches ${reached.join(" ")} rather than ${wanted.join(" ")}`];
}

function consoleComplaints(events, url) {
  return events.flatMap(({ method, params }) => {
    if (method === "Runtime.exceptionThrown") return [`exception: ${params.exceptionDetails.text}`];
    if (method === "Runtime.consoleAPICalled") return [`console: ${params.type}`];
    if (method === "Log.entryAdded") return [`log: ${params.entry.text}`];
    if (method === "Network.requestWillBeSent" && params.request.url !== url) return [`asks for ${params.request.url}`];
    if (method === "Page.javascriptDialogOpening") return ["a dialog opened"];
    return [];
  });
}

async function check(browser, name, file, complaints) {
  const url = pathToFileURL(file).href;
  await browser.open(url);
  await browser.value("window.folded = [...document.querySelectorAll('details:not([open])')], 0");
  for (const [size, width, height] of SIZES) {
    await browser.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: size === "phone" });
    for (const scheme of ["light", "dark"]) {
      await browser.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
      // Tables that wait to be unfolded are looked at, too.
      await browser.value("window.folded.forEach((it) => (it.open = true))");
      const found = await browser.value(`(${inspect})()`);
      found.forEach((complaint) => complaints.push(`${name}, ${size}, ${scheme}: ${complaint}`));
      await browser.value("window.folded.forEach((it) => (it.open = false))");
      const { cssContentSize } = await browser.send("Page.getLayoutMetrics");
      const clip = { x: 0, y: 0, width, height: Math.min(cssContentSize.height, 6000), scale: 1 };
      const { data } = await browser.send("Page.captureScreenshot", { format: "png", captureBeyondViewport: true, optimizeForSpeed: true, clip });
      writeFileSync(join(pictures, `${name}-${size}-${scheme}.png`), Buffer.from(data, "base64"));
    }
  }
  (await keyboardComplaints(browser)).forEach((complaint) => complaints.push(`${name}: ${complaint}`));
  await browser.send("Emulation.clearDeviceMetricsOverride");
  const { data } = await browser.send("Page.printToPDF", { printBackground: true, preferCSSPageSize: true });
  writeFileSync(join(pictures, `${name}.pdf`), Buffer.from(data, "base64"));
  consoleComplaints(browser.events, url).forEach((complaint) => complaints.push(`${name}: ${complaint}`));
}

const folder = mkdtempSync(join(tmpdir(), "crm2capi-browser-"));
rmSync(pictures, { recursive: true, force: true });
mkdirSync(pictures, { recursive: true });
let browser;
const complaints = [];
try {
  const made = await reports(folder);
  const pages = made.filter(([name]) => only.length === 0 || only.some((part) => name.includes(part)));
  if (pages.length === 0) complaints.push(`no report is named ${only.join(" or ")}`);
  const hostile = readFileSync(join(folder, "hostile.html"), "utf8");
  if (!hostile.includes("&lt;script&gt;")) complaints.push("the hostile names are not in their report, so it proves nothing");
  browser = await Browser.start(folder);
  for (const [name, file] of pages) await check(browser, name, file, complaints);
  console.log(`${pages.length} reports, ${SIZES.length} sizes, light and dark: ${complaints.length} complaints; pictures in ${pictures}`);
} finally {
  browser?.process.kill();
  await new Promise((go) => (browser ? browser.process.once("exit", go) : go()));
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
complaints.forEach((complaint) => console.error(complaint));
process.exitCode = complaints.length > 0 ? 1 : 0;
