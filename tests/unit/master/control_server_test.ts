/** The socket on which workers call. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { type Caller, ControlServer } from "../../../lib/master/control_server.ts";
import { PROTOCOL_VERSION } from "../../../lib/protocol/message.ts";
import { libc } from "../../../lib/system/libc.ts";
import { TempDirectory } from "../../helpers/temp_directory.ts";

// Opened here, because it stays open: a test that opened it would seem to leak it.
libc();

Deno.test("ControlServer's directory is locked for those who clear old files away, while it is open", async () => {
  const server = new ControlServer();
  const { directory } = server;
  const other = Deno.openSync(directory);
  assertEquals(await other.tryLock(true), false);
  server.close();
  assertEquals(await other.tryLock(true), true);
  other.close();
});

Deno.test("ControlServer makes another directory, when somebody has removed the one it is to take over", () => {
  const before = Deno.makeTempDirSync();
  Deno.removeSync(before);
  const server = new ControlServer(before);
  assertNotEquals(server.directory, before);
  Deno.removeSync(server.directory, { recursive: true });
  server.close();
});

Deno.test("ControlServer takes a directory over with its folders, and without what was for workers", async () => {
  using directory = new TempDirectory();
  Deno.mkdirSync(`${directory.path}/cache/deep`, { recursive: true });
  for (const name of ["control.sock", "facts_1.json"]) {
    Deno.writeTextFileSync(`${directory.path}/${name}`, "");
  }
  const server = new ControlServer(directory.path);
  const names = [...Deno.readDirSync(directory.path)].map(({ name }) => name).sort();
  assertEquals(names, ["cache", "control.sock"]);
  server.close();
  // The temporary directory expects to remove itself.
  Deno.mkdirSync(directory.path);
  await Promise.resolve();
});

Deno.test("ControlServer sends callers away that come in crowds and say nothing, and knows those who were there", async () => {
  const server = new ControlServer();
  const crowd: Deno.UnixConn[] = [];
  for (let i = 0; i < 100; i++) {
    crowd.push(await Deno.connect({ transport: "unix", path: server.path }));
  }
  const [first, ...others] = crowd;
  const end = (connection: Deno.UnixConn) => connection.read(new Uint8Array(1)).catch(() => null);
  const sentAway = others.map(end);
  assertEquals(await Promise.race(sentAway), null);
  const { promise: called, resolve } = Promise.withResolvers<Caller>();
  server.expect("token", resolve);
  const hello = { type: "hello", protocol: PROTOCOL_VERSION, token: "token", pid: 7, adopts: true };
  await first?.write(new TextEncoder().encode(`${JSON.stringify(hello)}\n`));
  const { channel, hello: { pid } } = await called;
  assertEquals(pid, 7);
  channel.close();
  for (const connection of crowd) connection.close();
  await Promise.all(sentAway);
  server.close();
});

Deno.test("ControlServer takes no directory for its own that is another one, a link, or open to others", () => {
  using directory = new TempDirectory();
  const place = directory.at("taken");
  const makes: readonly (() => void)[] = [
    () => Deno.mkdirSync(place),
    () => Deno.mkdirSync(place, { mode: 0o700 }),
    () => Deno.symlinkSync(directory.path, place),
    () => Deno.writeTextFileSync(place, ""),
  ];
  for (const make of makes) {
    Deno.mkdirSync(place, { mode: 0o700 });
    const server = new ControlServer(place);
    let renewals = 0;
    server.onRenewal(() => renewals++);
    assertEquals([server.ensureDirectory(), renewals], [place, 0]);
    // Kept, so that its inode is not used again at once.
    Deno.renameSync(place, directory.at("before"));
    make();
    const now = server.ensureDirectory();
    assertNotEquals(now, place);
    assertEquals([server.directory, server.ensureDirectory(), renewals], [now, now, 1]);
    assertEquals([...Deno.readDirSync(now)].map(({ name }) => name), ["control.sock"]);
    server.close();
    assertEquals(directory.names.includes("taken"), true);
    Deno.removeSync(place);
    Deno.removeSync(directory.at("before"), { recursive: true });
  }
});
