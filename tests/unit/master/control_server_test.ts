/** The socket on which workers call. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { type Caller, ControlServer } from "../../../lib/master/control_server.ts";
import { PROTOCOL_VERSION } from "../../../lib/protocol/message.ts";
import { pause } from "../../../lib/system/timing.ts";
import { TempDirectory } from "../../helpers/temp_directory.ts";

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

Deno.test("ControlServer sends callers away that do not say who they are, when there are many, and goes on", async () => {
  const server = new ControlServer();
  const call = () => Deno.connect({ transport: "unix", path: server.path });
  const crowd = await Promise.all(Array.from({ length: 100 }, call));
  const sentAway = crowd.map((connection) =>
    connection.read(new Uint8Array(1)).then((length) => length === null, () => true)
  );
  assertEquals(await Promise.race(sentAway), true);
  for (const connection of crowd) connection.close();
  await Promise.all(sentAway);
  const known: Caller[] = [];
  server.expect("token", (caller) => known.push(caller));
  const hello = { type: "hello", protocol: PROTOCOL_VERSION, token: "token", pid: 7, adopts: true };
  // Those who were there are gone as soon as the server has noticed it.
  const connections: Deno.UnixConn[] = [];
  while (known.length === 0) {
    const connection = await call();
    connections.push(connection);
    await connection.write(new TextEncoder().encode(`${JSON.stringify(hello)}\n`)).catch(() => {});
    await pause(10);
  }
  assertEquals(known.map(({ hello }) => hello.pid), [7]);
  known[0]?.channel.close();
  for (const connection of connections) connection.close();
  server.close();
});
