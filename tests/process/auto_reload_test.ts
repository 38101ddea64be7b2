import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { readyMaster, type RunningMaster } from "../helpers/running_master.ts";

const APP = `import uwsgi from "uwsgi";
import { text } from "./text.ts";
uwsgi.serve(() => new Response(text));`;

const text = (value: string) => `export const text = "${value}";`;

/** Saves files, and waits for the end of the reload that follows. */
async function save(running: RunningMaster, files: Record<string, string>) {
  const { outcome, kind } = await running.reload(() => running.write(files));
  assertEquals(kind, "chain");
  return outcome;
}

Deno.test("auto-reload follows the modules of the script, and survives a broken save", async () => {
  const { master, addresses } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
processes = 2
auto-reload = true
chain-reload-verify = 0
deno-worker-override = app.ts`,
    files: { "app.ts": APP, "text.ts": text("one"), "other.ts": "", "deno.json": "{}" },
  });
  await using running = master;
  /** A worker that was told to leave just now may still take a request. */
  const shows = (wanted: string) =>
    running.until(async () => await getText(`http://${addresses[0]}/`) === wanted, `"${wanted}"`);
  const { files } = await running.waitFor("autoReload");
  assertEquals(files, ["app.ts", "deno.json", "text.ts"].map((name) => running.path(name)));

  assertEquals(await save(running, { "text.ts": text("two") }), "done");
  await shows("two");

  const broken = await save(running, { "text.ts": "export const text = ;" });
  assert(["failed", "rolled-back"].includes(String(broken)), String(broken));
  await shows("two");
  assertEquals(await save(running, { "text.ts": text("three") }), "done");
  await shows("three");

  // A module that is new is watched from then on, also when it is only found missing at first.
  const from = running.events.length;
  await save(running, { "text.ts": `export { text } from "./new.ts";` });
  await running.waitFor("autoReload", (fields) => {
    return (fields.files as readonly string[]).includes(running.path("new.ts"));
  }, from);
  await shows("three");
  assertEquals(await save(running, { "new.ts": text("four") }), "done");
  await shows("four");
});

Deno.test("auto-reload takes many saves that come together for one, and no file of others", async () => {
  const { master } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
auto-reload = true
deno-worker-override = app.ts`,
    files: { "app.ts": APP, "text.ts": text("one") },
  });
  await using running = master;
  await running.waitFor("autoReload");
  const from = running.events.length;
  running.write({ "other.ts": "// not imported" });
  for (let i = 0; i < 20; i++) running.write({ "text.ts": text(String(i)), "app.ts": APP });
  await running.waitFor("reloadFinished", () => true, from);
  const asked = running.events.slice(from).filter(({ event }) => event === "reloadRequested");
  // Forty saves: on a slow machine they may not all come together, but one reload each would be forty.
  assert(asked.length >= 1 && asked.length <= 10, `${asked.length} reloads`);
  assertStringIncludes(asked[0]?.message ?? "", "has changed");
});
