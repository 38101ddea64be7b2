/** The socket on which workers call. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { type Caller, ControlServer } from "../../../../lib/master/sockets/control_server.ts";
import { PROTOCOL_VERSION } from "../../../../lib/protocol/message.ts";
import { libc } from "../../../../lib/system/libc.ts";
import { pause } from "../../../../lib/system/timing.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

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

Deno.test("ControlServer makes a directory again, when somebody has removed the one it is to take over", () => {
  const before = Deno.makeTempDirSync();
  Deno.removeSync(before);
  const server = new ControlServer(before);
  // Where workers of the program before look for it.
  assertEquals(server.directory, before);
  assertEquals((Deno.statSync(before).mode ?? 0) & 0o777, 0o700);
  Deno.removeSync(server.directory, { recursive: true });
  server.close();
});

Deno.test("ControlServer makes another directory, when the place of the one before is gone as well", () => {
  const place = Deno.makeTempDirSync();
  Deno.mkdirSync(`${place}/before`);
  const server = new ControlServer(`${place}/before`);
  Deno.removeSync(place, { recursive: true });
  const now = server.ensureDirectory();
  assertEquals(Deno.statSync(now).isDirectory && now !== `${place}/before`, true);
  server.close();
});

Deno.test("ControlServer opens its sockets again where they were, when somebody has removed them", async () => {
  const server = new ControlServer();
  const answered: string[] = [];
  server.open("other.sock", "Cannot answer", (connection) => {
    answered.push("other.sock");
    connection.close();
  });
  const { directory } = server;
  const removals: readonly (() => void)[] = [
    () => Deno.removeSync(`${directory}/other.sock`),
    () => Deno.removeSync(`${directory}/control.sock`),
    () => Deno.removeSync(directory, { recursive: true }),
    () => {
      Deno.removeSync(`${directory}/other.sock`);
      Deno.writeTextFileSync(`${directory}/other.sock`, "somebody else's");
    },
  ];
  for (const remove of removals) {
    remove();
    assertEquals(server.ensureDirectory(), directory);
    // Not before the one before is closed.
    for (const name of ["control.sock", "other.sock"]) {
      while (!isSocket(`${directory}/${name}`)) await pause(1);
    }
    const connection = await Deno.connect({ transport: "unix", path: `${directory}/other.sock` });
    assertEquals(await connection.read(new Uint8Array(1)), null);
    connection.close();
    // Nothing removes it later.
    await pause(10);
    assertEquals(isSocket(`${directory}/other.sock`), true);
  }
  assertEquals(answered.length, removals.length);
  server.close();
});

function isSocket(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSocket === true;
  } catch {
    return false;
  }
}

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
    server.open("other.sock", "Cannot answer", (connection) => connection.close());
    assertEquals(server.ensureDirectory(), place);
    // Kept, so that its inode is not used again at once.
    Deno.renameSync(place, directory.at("before"));
    make();
    const now = server.ensureDirectory();
    assertNotEquals(now, place);
    assertEquals([server.directory, server.ensureDirectory()], [now, now]);
    const names = [...Deno.readDirSync(now)].map(({ name }) => name).sort();
    assertEquals(names, ["control.sock", "other.sock"]);
    server.close();
    assertEquals(directory.names.includes("taken"), true);
    Deno.removeSync(place);
    Deno.removeSync(directory.at("before"), { recursive: true });
  }
});

Deno.test("ControlServer keeps workers of the program before waiting until they are expected", async () => {
  const before = Deno.makeTempDirSync();
  const server = new ControlServer(before);
  const connection = await Deno.connect({ transport: "unix", path: server.path });
  const hello = { type: "hello", protocol: PROTOCOL_VERSION, token: "token", pid: 7, adopts: true };
  await connection.write(new TextEncoder().encode(`${JSON.stringify(hello)}\n`));
  // It is read by then.
  await pause(20);
  const { promise: called, resolve } = Promise.withResolvers<Caller>();
  server.expect("token", resolve);
  server.allExpected();
  const { channel, hello: { pid } } = await called;
  assertEquals(pid, 7);
  channel.close();
  connection.close();
  server.close();
});
