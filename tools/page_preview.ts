/**
 * The page with an instance that is made up, for those who change how it looks:
 *
 * - `deno run -A tools/page_preview.ts [WORKERS]` serves it until Ctrl-C;
 * - `deno run -A tools/page_preview.ts --picture FILE` takes the picture of docs/page.md, in
 *   Chromium, after three minutes that take some seconds.
 *
 * @module
 */

import { loadPage } from "../lib/page/page.ts";
import { openPage, startBrowser } from "../tests/helpers/browser.ts";
import { MadeUpInstance } from "../tests/helpers/made_up_instance.ts";

const PICTURE_SECONDS = 185;

/** Serves the page; the instance is as old as `now` says. */
async function serve(instance: MadeUpInstance, now: () => number, port: number) {
  const { html, headers } = await loadPage();
  const options = { hostname: "127.0.0.1", port, onListen() {} };
  const server = Deno.serve(options, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/") {
      return new Response(html, { headers: { ...headers, "content-type": "text/html" } });
    }
    instance.advance(now());
    return Response.json(instance.document());
  });
  return { server, url: `http://127.0.0.1:${server.addr.port}/` };
}

/** Takes a picture of the page with a clock that is moved by hand. */
async function takePicture(path: string): Promise<void> {
  let now = Date.parse("2026-03-04T14:02:00Z");
  const instance = new MadeUpInstance(4, now);
  const { server, url } = await serve(instance, () => now, 0);
  const browser = await startBrowser();
  const viewport = { width: 1280, height: 800 };
  const context = { viewport, colorScheme: "light", timezoneId: "UTC", locale: "en-GB" } as const;
  const { page } = await openPage(browser, url, context, now);
  await page.clock.pauseAt(now + 1000);
  for (let second = 0; second < PICTURE_SECONDS; second++) {
    if (second === 60) instance.endReload("done", 1900);
    if (second === 120) instance.endReload("failed", 38);
    now += 1000;
    const [answer] = await Promise.all([
      page.waitForResponse("**/stats"),
      page.clock.runFor(1000),
    ]);
    await answer.finished();
  }
  await page.screenshot({ path, fullPage: true });
  await browser.close();
  await server.shutdown();
}

if (import.meta.main) {
  const [first, path] = Deno.args;
  if (first === "--picture" && path !== undefined) {
    await takePicture(path);
  } else {
    const { url } = await serve(new MadeUpInstance(Number(first ?? 4), Date.now()), Date.now, 0);
    console.log(url);
  }
}
