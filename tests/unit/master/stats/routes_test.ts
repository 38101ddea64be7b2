import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { answerTo, ROUTES } from "../../../../lib/master/stats/routes.ts";
import { statsDocument } from "../../../helpers/stats_document.ts";

async function get(path: string, changes: Parameters<typeof statsDocument>[0] = {}, accept = "") {
  const stats = () => Promise.resolve(statsDocument(changes));
  const { status, type, body } = await answerTo({ method: "GET", path, accept, host: null }, stats);
  return { status, type, body: String(body) };
}

Deno.test("ROUTES have paths of their own", () => {
  const paths = ROUTES.map(({ path }) => path);
  assertEquals(new Set(paths).size, paths.length);
  for (const path of paths) assert(/^\/[a-z]*$/.test(path));
});

Deno.test("probes answer with one line", async () => {
  const type = "text/plain; charset=utf-8";
  assertEquals(await get("/healthz"), { status: 200, type, body: "ok\n" });
  assertEquals(await get("/readyz"), { status: 200, type, body: "ok\n" });
  assertEquals(await get("/readyz", { paused: true }), { status: 503, type, body: "paused\n" });
});

Deno.test("/metrics comes in the format that was asked for, /stats is the document", async () => {
  const text = await get("/metrics");
  assertEquals(text.type, "text/plain; version=0.0.4; charset=utf-8");
  assertStringIncludes(text.body, '\nduwsgi_worker_requests_total{worker="1"} 0\n');
  const open = await get("/metrics", {}, "application/openmetrics-text");
  assert(open.type.startsWith("application/openmetrics-text; version=1.0.0"));
  assert(open.body.endsWith("# EOF\n"));
  assertEquals(JSON.parse((await get("/stats")).body), statsDocument());
});

Deno.test("/ is the page, with what it needs to be safe", async () => {
  const answer = await answerTo(
    { method: "GET", path: "/", accept: "", host: null },
    () => Promise.resolve(statsDocument()),
  );
  assertEquals([answer.status, answer.type], [200, "text/html; charset=utf-8"]);
  assertStringIncludes(String(answer.body), "</html>");
  assert(answer.headers?.["Content-Security-Policy"] !== undefined);
});

Deno.test("another path is told what there is", async () => {
  const { status, body } = await get("/nothing");
  assertEquals(status, 404);
  assertStringIncludes(body, "/metrics, /healthz, /readyz");
});
