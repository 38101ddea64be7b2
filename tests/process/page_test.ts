/** The page in a real browser: with an instance that is made up, and with a real one. */
import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { loadPage } from "../../lib/page/page.ts";
import { findChromium, openPage, startBrowser } from "../helpers/browser.ts";
import { getText } from "../helpers/http.ts";
import { MadeUpInstance } from "../helpers/made_up_instance.ts";
import { readyMaster } from "../helpers/running_master.ts";

const skipped = findChromium() === null ? " (skipped: there is no Chromium)" : "";
const ignore = skipped !== "";
const HTML = `<img src=x onerror="document.title='taken over'">`;

/** A server with the page of an instance that is made up. */
async function serveMadeUp(instance: MadeUpInstance) {
  const { html, headers } = await loadPage();
  const type = { "content-type": "text/html; charset=utf-8" };
  const state = { answers: true };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    if (new URL(request.url).pathname === "/") {
      return new Response(html, { headers: { ...headers, ...type } });
    }
    instance.advance(Date.now());
    const status = state.answers ? 200 : 503;
    return Response.json(instance.document(), { status });
  });
  return { server, state, url: `http://127.0.0.1:${server.addr.port}/` };
}

Deno.test({
  name: `the page shows 64 workers, in order, in both themes, and asks nobody else${skipped}`,
  ignore,
  async fn() {
    const instance = new MadeUpInstance(64, Date.now());
    instance.changes = { script: `/srv/${HTML}`, cwd: HTML };
    const { server, url } = await serveMadeUp(instance);
    const browser = await startBrowser();
    try {
      const watched = await openPage(browser, url, { colorScheme: "light" });
      const { page } = watched;
      await page.locator("#chart-latency .line.blue[d^=M]").waitFor({ state: "attached" });
      assertEquals(await page.locator("#workers tr").count(), 64);
      assertEquals(await page.locator(".plot path[d^=M]").count() > 15, true);
      assertMatch(
        await page.locator("#chart-requests .plot").getAttribute("aria-label") ?? "",
        /^Requests per second, last 3 min\. Now all [\d.,k]+, 2xx /,
      );

      // What users and clients write is text.
      assertEquals(await page.locator("#script").getAttribute("title"), `/srv/${HTML}`);
      assertEquals(await page.locator("img").count(), 0);

      // By click, by keyboard, and back.
      const slots = () => page.locator("#workers th").allInnerTexts();
      await page.getByRole("button", { name: "Req/s" }).click();
      // In one look: a locator finds the cells first and reads them later, when the next figures are there.
      const rates = await page.evaluate<readonly number[]>(
        `[...document.querySelectorAll("#workers td.requests")].map((cell) => Number(cell.innerText))`,
      );
      assertEquals(rates.length, 64);
      assertEquals(rates, rates.toSorted((a, b) => b - a));
      await page.getByRole("button", { name: "Slot" }).focus();
      await page.keyboard.press("Enter");
      assertEquals((await slots()).slice(0, 3), ["1", "2", "3"]);
      await page.keyboard.press("Enter");
      assertEquals((await slots()).slice(0, 3), ["64", "63", "62"]);
      assertEquals(await page.locator("th.id[aria-sort=descending]").count(), 1);

      // The system's theme, the reader's own, and the reader's own again after a visit.
      const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
      const light = await ground();
      await page.emulateMedia({ colorScheme: "dark" });
      const dark = await ground();
      assertNotEquals(dark, light);
      await page.getByRole("radio", { name: "Light" }).check();
      assertEquals(await ground(), light);
      await page.reload();
      assertEquals(await ground(), light);

      await page.setViewportSize({ width: 360, height: 740 });
      await page.locator("#workers tr").first().waitFor();
      assertEquals(await page.evaluate("document.documentElement.scrollWidth"), 360);
      assertEquals([...watched.requests].sort(), [url, `${url}stats`]);
      assertEquals(watched.complaints, []);
    } finally {
      await browser.close();
      await server.shutdown();
    }
  },
});

Deno.test({
  name: `the page tells of reloads, of a master that is away, and of the next one${skipped}`,
  ignore,
  async fn() {
    const instance = new MadeUpInstance(2, Date.now());
    const { server, state, url } = await serveMadeUp(instance);
    const browser = await startBrowser();
    try {
      const { page, complaints } = await openPage(browser, url);
      await page.locator("#workers tr").first().waitFor();
      assertEquals(await page.title(), "app.ts in app · duwsgi");
      assertEquals(await page.locator("#folder").innerText(), "/srv/app");
      const { changes } = instance;
      const slots = { done: [1], starting: [], pending: [2] };
      const reload = { kind: "chain", generation: 2, running_ms: 40, ...slots } as const;
      instance.changes = { ...changes, reload, queued: "all" };
      await page.getByText("1 of 2 slots after 40 ms. Another one (all) follows").waitFor();
      instance.changes = changes;
      instance.endReload("failed", 38);
      await page.locator("#reloads .badge.failed").waitFor();
      assertMatch(
        await page.locator("#spoken").innerText(),
        /^Chain reload: Failed\. .*SyntaxError/,
      );
      await page.locator("#strip .failed").focus();
      assertMatch(await page.locator("#strip .failed .tip").innerText(), /SyntaxError/);

      const chart = page.locator("#chart-memory .plot");
      await chart.focus();
      await page.keyboard.press("ArrowLeft");
      await page.locator("#chart-latency .crosshair").waitFor({ state: "attached" });
      assertMatch(
        await page.locator("#chart-memory .unseen").innerText(),
        /: all [\d.]+ MB, largest/,
      );

      assertEquals(complaints, []);
      state.answers = false;
      await page.locator("#away").waitFor();
      assertMatch(await page.locator("#away-text").innerText(), /it answered with status 503/);
      await page.getByRole("button", { name: "Try now" }).click();
      instance.changes = { ...instance.changes, pid: 2, version: "99.0.0" };
      state.answers = true;
      await tryNow(page);
      await page.locator("#away").waitFor({ state: "hidden" });
      await page.locator("#reloads .badge.seen").waitFor();
      assertMatch(await page.locator("#reloads").innerText(), /Pid 2 is the master now/);
      assertMatch(await page.locator("#outdated").innerText(), /another version/);
    } finally {
      await browser.close();
      await server.shutdown();
    }
  },
});

Deno.test({
  name: `the page of a real instance shows its workers, its requests, and a new master${skipped}`,
  ignore,
  async fn() {
    const browser = await startBrowser();
    try {
      const first = await startInstance("127.0.0.1:0");
      await using _first = first.master;
      const watched = await openPage(browser, `http://${first.page}/`);
      const { page } = watched;
      await page.locator("#workers .state.accepting").nth(1).waitFor();
      for (let request = 0; request < 20; request++) await getText(first.app);
      const served = page.locator("#chart-requests .plot:not([aria-label*='at most 0'])");
      await served.waitFor();
      assertMatch(await served.getAttribute("aria-label") ?? "", /; at most [1-9]/);
      first.master.touch("reload.touch");
      await page.locator("#reloads .badge.done").waitFor();
      assertMatch(await page.locator("#reloads").innerText(), /Chain reload generation 2/);
      await page.locator("#workers td.generation").getByText("2").nth(1).waitFor();
      assertEquals(watched.complaints, []);

      await first.master.stop();
      await page.locator("#away").waitFor();
      assertMatch(await page.locator("#away-text").innerText(), /it cannot be reached/);
      const second = await startInstance(first.page);
      await using _second = second.master;
      await tryNow(page);
      await page.locator("#away").waitFor({ state: "hidden" });
      await page.locator("#reloads .badge.seen").waitFor();
      await page.locator("#workers .state.accepting").nth(1).waitFor();
      // A connection that is refused is told in the console by the browser itself.
      const refused = /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/;
      assertEquals(watched.complaints.filter((text) => !refused.test(text)), []);
      const origin = `http://${first.page}/`;
      assertEquals([...watched.requests].sort(), [origin, `${origin}stats`]);
    } finally {
      await browser.close();
    }
  },
});

/**
 * Presses the button. The page tries by itself, too, and may have come back by now: a real click would
 * then wait for a button that nobody sees any more, and still do so when the test is over.
 */
function tryNow(page: Page): Promise<void> {
  return page.locator("#retry").dispatchEvent("click");
}

/** An instance of two workers, whose page is at this address. */
async function startInstance(address: string) {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
metrics-http = ${address}
processes = 2
deno-worker-override = hello.ts
touch-chain-reload = reload.touch`,
    files: { "hello.ts": { fixture: "workers/hello.ts" }, "reload.touch": "" },
  });
  const [page = ""] = master.events.flatMap(({ message }) =>
    /^Metrics and probes at (.*)$/.exec(message)?.slice(1) ?? []
  );
  return { master, app: `http://${addresses[0] ?? ""}/`, page };
}
