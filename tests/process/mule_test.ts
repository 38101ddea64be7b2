/** Workers without sockets, and what is said to them. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { readyMaster } from "../helpers/running_master.ts";

const INI = `http-socket = 127.0.0.1:0
deno-worker-override = app.ts
processes = 1`;

/** Sends what it is asked for: `/TEXT?MULE`. */
const APP = `import uwsgi from "uwsgi";
uwsgi.serve((request) => {
  const { pathname, search } = new URL(request.url);
  try {
    uwsgi.mule_msg(pathname.slice(1), Number(search.slice(1)));
    return new Response("sent");
  } catch (error) {
    return new Response(\`\${error}\`);
  }
});`;

/** Says what it gets, and passes on what is for others. */
const MULE = `import uwsgi from "uwsgi";
const me = uwsgi.mule_id();
uwsgi.log(\`mule \${me}, worker \${uwsgi.worker_id()}, sockets \${uwsgi.sockets.length}\`);
while (true) {
  const text = await uwsgi.mule_msg_get();
  uwsgi.log(\`mule \${me} got \${text}\`);
  if (text === "crash") throw new Error("told to crash");
  if (text === "exit") Deno.exit(9);
  if (text.startsWith("pass-")) uwsgi.mule_msg(text.slice(5), 3 - me);
}`;

Deno.test("messages reach the mule they are for, from workers and from mules", async () => {
  const { master, addresses } = await readyMaster({
    ini: `${INI}\nmule = mule.ts\nmule = mule.ts`,
    files: { "app.ts": APP, "mule.ts": MULE },
  });
  await using running = master;
  const said = (line: string) => running.until(() => running.output.includes(line), line);
  await said("mule 1, worker 0, sockets 0");
  await said("mule 2, worker 0, sockets 0");
  const send = (what: string) => getText(`http://${addresses[0]}/${what}`);
  assertEquals(await send("hello?2"), "sent");
  await said("mule 2 got hello");
  assertEquals(await send("pass-it?2"), "sent");
  await said("mule 1 got it");
  assertEquals(await send("any?0"), "sent");
  await running.until(() => running.output.some((line) => / got any$/.test(line)), "any mule");
  assertStringIncludes(await send("x?3"), "RangeError: Cannot send to mule 3");
});

Deno.test("a worker cannot send to mules that are not there, nor receive, nor send too much", async () => {
  const { master, addresses } = await readyMaster({
    ini: `${INI}\nmule = mule.ts`,
    files: {
      "app.ts": `import uwsgi from "uwsgi";
uwsgi.serve(async () => {
  const attempts = [() => uwsgi.mule_msg("x".repeat(65537)), () => uwsgi.mule_msg_get()];
  const answers = [];
  for (const attempt of attempts) {
    try { answers.push(String(await attempt())); } catch (error) { answers.push(error.message); }
  }
  return new Response(answers.join("; "));
});`,
      "mule.ts": MULE,
    },
  });
  await using running = master;
  const text = await getText(`http://${addresses[0]}/`);
  assertStringIncludes(text, "Cannot send 65537 bytes to a mule, must be at most 65536");
  assertStringIncludes(text, "Only a mule gets messages");
  assert(running.events.length > 0);
});

Deno.test("a mule that crashes is started again, and what it has not asked for is not lost", async () => {
  const { master, addresses } = await readyMaster({
    ini: `${INI}\nmule = mule.ts`,
    files: { "app.ts": APP, "mule.ts": MULE },
  });
  await using running = master;
  const send = (what: string) => getText(`http://${addresses[0]}/${what}`);
  for (const what of ["one?1", "crash?1", "two?1", "exit?0", "three?0"]) await send(what);
  await running.until(() => running.output.includes("mule 1 got three"), "last message");
  assert(running.output.includes("mule 1 got two"));
  const ends = running.events.filter(({ event }) => event === "companionGone");
  assertStringIncludes(String(ends[0]?.fields.how), "told to crash");
  assertEquals(ends[1]?.fields.how, "exited with code 9");
});

Deno.test("a reload and a touched file replace mules; a chain reload does not; no message is lost", async () => {
  const { master, addresses } = await readyMaster({
    ini:
      `${INI}\nmule = mule.ts\ntouch-mules-reload = %DIR%/mules\ntouch-chain-reload = %DIR%/chain`,
    files: { "app.ts": APP, "mule.ts": MULE },
  });
  await using running = master;
  const first = await running.waitFor("companionStarted");
  await running.until(() => running.output.length > 0, "mule");
  running.touch("chain");
  await running.waitFor("accepting", ({ generation }) => generation === 2);
  running.touch("mules");
  const second = await running.waitFor("companionStarted", ({ pid }) => pid !== first.pid);
  await getText(`http://${addresses[0]}/late?1`);
  await running.until(() => running.output.includes("mule 1 got late"), "message");
  running.write({ "mule.ts": MULE.replace("got", "has") });
  running.signal("SIGHUP");
  const pids = [first.pid, second.pid];
  await running.waitFor("companionStarted", ({ pid }) => !pids.includes(pid));
  await getText(`http://${addresses[0]}/later?1`);
  await running.until(() => running.output.includes("mule 1 has later"), "new code");
  const ends = running.events.filter(({ event }) => event === "companionGone");
  assertEquals(ends.map(({ fields }) => fields.how), ["exited with code 0", "exited with code 0"]);
});

Deno.test("a mule has its own mercy, and is killed when it is over", async () => {
  const { master } = await readyMaster({
    ini: `${INI}\nmule = mule.ts\nmule-reload-mercy = 0.1`,
    files: {
      "app.ts": APP,
      "mule.ts": `import uwsgi from "uwsgi";
uwsgi.on_reload(() => new Promise(() => setInterval(() => {}, 1000)));
uwsgi.log("ready to hang");
while (true) {}`,
    },
  });
  await using running = master;
  await running.until(() => running.output.includes("ready to hang"), "mule");
  assertEquals(await running.stop(), 0);
  assert(running.events.some(({ event, fields }) => event === "companionKilled" && fields.mule));
});
