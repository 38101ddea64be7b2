/** What is no file, or has no end, among the files that the configuration names. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { getText } from "../helpers/http.ts";
import { MAIN } from "../helpers/program.ts";
import { readyMaster } from "../helpers/running_master.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

const APP = 'import uwsgi from "uwsgi";\nuwsgi.serve(() => new Response("ok"));';

async function shell(directory: string, command: string): Promise<Deno.CommandOutput> {
  return await new Deno.Command("bash", {
    args: ["-c", command],
    cwd: directory,
    env: { DENO: Deno.execPath(), MAIN, TMPDIR: directory, NO_COLOR: "1" },
  }).output();
}

Deno.test("a reload that meets a FIFO, a device or too much is refused, and the instance goes on", async () => {
  const { master, addresses: [address = ""] } = await readyMaster({
    ini: `http-socket = 127.0.0.1:0
touch-reload = reload
for-glob = conf.d/*.ini
ini = %(_)
endfor =
deno-worker-override = app.ts`,
    files: { "app.ts": APP, "conf.d/a.ini": "[uwsgi]\nset-placeholder = a=b\n" },
  });
  await using running = master;
  const bad = running.path("conf.d/b.ini");
  const makers: readonly (readonly [string, string])[] = [
    [`mkfifo ${bad}`, "it is a pipe (FIFO)"],
    [`ln -s /dev/zero ${bad}`, "it is a device"],
    [`truncate -s 17M ${bad}`, "it has more than 16 MiB"],
  ];
  for (const [command, reason] of makers) {
    await shell(running.directory, command);
    const from = running.events.length;
    const { outcome } = await running.reload();
    assertEquals(outcome === "done", false, command);
    const lines = running.events.slice(from).filter(({ event }) => event === "problem");
    assertEquals(lines.length, 1, JSON.stringify(lines));
    assertStringIncludes(lines[0]?.message ?? "", reason);
    assertEquals(await getText(`http://${address}/`), "ok");
    Deno.removeSync(bad);
  }
  assertEquals((await running.reload()).outcome, "done");
});

Deno.test("a start says in one line what is no file, and reads what a shell pipes in", async () => {
  using directory = new TempDirectory();
  directory.write("app.ts", APP);
  const ini = "[uwsgi]\nhttp-socket = :0\ndeno-worker-override = app.ts\n";
  directory.write("app.ini", ini);
  directory.write("deno.json", "{}");
  const check = `"$DENO" run -A "$MAIN" --check`;
  const good = [
    `${check} --ini <(cat app.ini)`,
    `cat app.ini | ${check} --ini /dev/stdin`,
    `cat app.ini | ${check} --ini -`,
    `${check} --ini /dev/stdin < app.ini`,
  ];
  for (const command of good) {
    const { code, stderr } = await shell(directory.path, command);
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""], command);
  }
  await shell(directory.path, "mkfifo fifo && mkdir other && mkfifo other/deno.json");
  const bad: readonly (readonly [string, string])[] = [
    [`${check} --ini app.ini --ini fifo`, "it is a pipe (FIFO)"],
    [`${check} --ini app.ini --set 'x=@(/dev/zero)' --env 'A=%(x)'`, "it has more than 16 MiB"],
    [`${check} --ini - < /dev/zero`, "it has more than 16 MiB"],
    [`${check} --https-socket :0,fifo,fifo --deno-worker-override app.ts`, "it is a pipe (FIFO)"],
    [
      `cp app.ts other && ${check} --ini app.ini --deno-worker-override other/app.ts`,
      "a pipe (FIFO)",
    ],
  ];
  for (const [command, reason] of bad) {
    const { code, stderr } = await shell(directory.path, command);
    const text = new TextDecoder().decode(stderr);
    assertEquals(code, 2, `${command}: ${text}`);
    assertStringIncludes(text, reason);
    assert(text.split("\n").filter((line) => line.includes(reason)).length === 1, text);
  }
});
