/**
 * A headless Chromium for tests, and a page in it that remembers everything it did wrong.
 *
 * @module
 */

import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const CANDIDATES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where Chromium is; null: there is none on this machine. */
export function findChromium(): string | null {
  const isThere = (path: string) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  };
  return CANDIDATES.find(isThere) ?? null;
}

/** Starts Chromium. It asks nobody but the page's own server for anything. */
export function startBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null) throw new Error("There is no Chromium on this machine");
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page that is watched. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors in its console, exceptions, and violations of its policy. */
  readonly complaints: string[];
  /** The addresses it asked for. */
  readonly requests: Set<string>;
}

/**
 * Opens a page that is watched from its beginning.
 *
 * @param now the time that its clock shows at first; default: the real time
 */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
  now: number | null = null,
): Promise<WatchedPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests = new Set<string>();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => requests.add(request.url()));
  if (now !== null) await page.clock.install({ time: now });
  await page.goto(url);
  return { page, complaints, requests };
}
