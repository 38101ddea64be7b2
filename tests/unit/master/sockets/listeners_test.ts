/** The sockets of an instance. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { defaults } from "../../../../lib/config/resolve.ts";
import { UserError } from "../../../../lib/errors.ts";
import type { SocketConfig } from "../../../../lib/master/sockets/listener.ts";
import { Listeners } from "../../../../lib/master/sockets/listeners.ts";
import { openStatsListeners } from "../../../../lib/master/sockets/stats_listeners.ts";
import { SystemCallError } from "../../../../lib/system/libc.ts";
import { requireLibc } from "../../../../lib/system/libc.ts";
import { openDescriptors, socketInode } from "../../../../lib/system/descriptor.ts";
import { isListening } from "../../../../lib/system/sockets/listen_queue.ts";
import { bindTcp, boundPort } from "../../../../lib/system/sockets/listening_socket.ts";
import { OwnedDescriptors } from "../../../helpers/owned_descriptors.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";
import type { SocketSpec } from "../../../../lib/config/origin.ts";

const c = requireLibc();
const TCP = { host: "127.0.0.1", port: 0, reusePort: false, keepalive: false };

function spec(text: string, line = 1): SocketSpec {
  return { option: "http-socket", text, origin: { file: "app.ini", line } };
}

function config(addresses: readonly string[], part: Partial<SocketConfig> = {}): SocketConfig {
  return {
    sockets: addresses.map((text, i) => spec(text, i + 1)),
    processes: 2,
    listen: 100,
    reusePort: true,
    soKeepalive: false,
    chmodSocket: null,
    chownSocket: "",
    vacuum: false,
    denoFlags: [],
    ...part,
  };
}

/** Opened sockets that are closed at the end of a test. */
class Opened implements Disposable {
  readonly owned = new OwnedDescriptors();
  readonly #opened: Listeners[] = [];

  async open(addresses: readonly string[], part: Partial<SocketConfig> = {}): Promise<Listeners> {
    const listeners = await Listeners.open(c, config(addresses, part));
    this.#opened.push(listeners);
    return listeners;
  }

  [Symbol.dispose](): void {
    for (const listeners of this.#opened) listeners.close(true);
    this.owned[Symbol.dispose]();
  }
}

/** The one line that a socket that cannot be opened gives. */
async function refusal(
  addresses: readonly string[],
  part: Partial<SocketConfig> = {},
): Promise<string> {
  using opened = new Opened();
  const error = await assertRejects(() => opened.open(addresses, part), UserError);
  assert(error instanceof UserError && error.exit === "socket");
  return error.message;
}

function countSockets(): number {
  return openDescriptors(c).filter((fd) => socketInode(c, fd) !== null).length;
}

Deno.test("open() binds one TCP socket per slot to one port, and tells the port that it got", async () => {
  using opened = new Opened();
  const listeners = await opened.open(["127.0.0.1:0"], { processes: 3 });
  const fds = listeners.sockets[0]?.fds ?? [];
  const ports = fds.map((fd) => boundPort(c, fd));
  const [port = 0] = ports;
  assertEquals([ports, port > 0], [[port, port, port], true]);
  const bind = { hostname: "127.0.0.1", port };
  const socket = { address: `127.0.0.1:${port}`, protocol: "http-socket", bind, fds } as const;
  assertEquals([listeners.sockets, listeners.perSlot], [[socket], true]);
});

Deno.test("open() has the first socket of each TCP address listen, and leaves the others to workers", async () => {
  using opened = new Opened();
  const addresses = ["127.0.0.1:0", "[::1]:0"];
  const listeners = await opened.open(addresses, { processes: 3 });
  const listening = listeners.sockets.map(({ fds }) => fds.map((fd) => isListening(c, fd)));
  assertEquals(listening, [[true, false, false], [true, false, false]]);
  assertEquals(listeners.firstListens, true);
  const shared = await opened.open(addresses, { reusePort: false });
  assertEquals(shared.sockets.map(({ fds }) => fds.map((fd) => isListening(c, fd))), [[true], [
    true,
  ]]);
  assertEquals(shared.firstListens, false);
});

Deno.test("open() has no TCP socket listen, when workers bind for themselves", async () => {
  using opened = new Opened();
  for (const flag of ["--deny-ffi", "--allow-net", "--permission-set=web"]) {
    const listeners = await opened.open(["127.0.0.1:0"], { denoFlags: [flag] });
    assertEquals(listeners.sockets[0]?.fds.map((fd) => isListening(c, fd)), [false, false], flag);
    assertEquals(listeners.firstListens, false);
  }
});

Deno.test("giveWay() resets what waits, and keeps the address bound", async () => {
  using opened = new Opened();
  const listeners = await opened.open(["127.0.0.1:0"]);
  const { port = 0 } = listeners.sockets[0]?.bind ?? {};
  using waiting = await Deno.connect({ port, hostname: "127.0.0.1" });
  listeners.giveWay();
  await assertRejects(() => waiting.read(new Uint8Array(1)), Deno.errors.ConnectionReset);
  await assertRejects(
    () => Deno.connect({ port, hostname: "127.0.0.1" }),
    Deno.errors.ConnectionRefused,
  );
  const [first = -1] = listeners.sockets[0]?.fds ?? [];
  assertEquals([boundPort(c, first), isListening(c, first)], [port, false]);
  assertEquals(listeners.firstListens, false);
});

Deno.test("open() opens every address and the loopback one side by side, with a socket for each slot", async () => {
  using opened = new Opened();
  using owned = new OwnedDescriptors();
  const port = boundPort(c, owned.own(bindTcp(c, TCP)));
  const listeners = await opened.open([`:${port}`, `127.0.0.1:${port}`]);
  const firsts = listeners.sockets.map(({ fds: [first = -1] }) => isListening(c, first));
  assertEquals(firsts, [true, true]);
});

Deno.test("open() binds one TCP socket for all slots, when reuse-port is off", async () => {
  using opened = new Opened();
  const listeners = await opened.open(["127.0.0.1:0"], { reusePort: false, processes: 3 });
  assertEquals(listeners.sockets.map(({ fds }) => fds.length), [1]);
  assertEquals(listeners.perSlot, false);
  listeners.grow(5);
  assertEquals(listeners.sockets.map(({ fds }) => fds.length), [1]);
});

Deno.test("open() keeps the order of the configuration, for every kind of address", async () => {
  using opened = new Opened();
  using directory = new TempDirectory();
  const inherited = opened.owned.listen(bindTcp(c, TCP));
  const name = `duwsgi-test-${crypto.randomUUID()}`;
  const path = directory.at("a.sock");
  const addresses = [`@${name}`, "[::1]:0", path, ":0", `fd://${inherited}`, "localhost:0"];
  const listeners = await opened.open(addresses);
  const shown = listeners.sockets.map(({ address }) => address.replace(/:\d+$/, ":N"));
  assertEquals(shown.slice(0, 5), [`@${name}`, "[::1]:N", path, "0.0.0.0:N", "127.0.0.1:N"]);
  assertEquals(listeners.sockets.map(({ fds }) => fds.length), [1, 2, 1, 2, 1, 2]);
  assertEquals(listeners.sockets[4]?.fds, [inherited]);
  assertEquals(
    listeners.sockets.map(({ bind }) => bind !== null),
    [false, true, false, true, false, true],
  );
});

Deno.test("grow() adds sockets for new slots and never takes one away", async () => {
  using opened = new Opened();
  const listeners = await opened.open(["127.0.0.1:0"], { processes: 1 });
  const before = [...listeners.sockets[0]?.fds ?? []];
  listeners.grow(3);
  const grown = [...listeners.sockets[0]?.fds ?? []];
  assertEquals([grown.length, grown[0]], [3, before[0]]);
  assertEquals(new Set(grown.map((fd) => boundPort(c, fd))).size, 1);
  listeners.grow(2);
  assertEquals(listeners.sockets[0]?.fds, grown);
});

Deno.test("perSlot is true for a single process, because there may be more after a reload", async () => {
  using opened = new Opened();
  assertEquals((await opened.open(["127.0.0.1:0"], { processes: 1 })).perSlot, true);
});

Deno.test("bindLostAgain() binds what was removed, and keeps or gives up what it has bound", async () => {
  using opened = new Opened();
  using directory = new TempDirectory();
  const path = directory.at("a.sock");
  const part = { chmodSocket: 0o600 };
  const listeners = await opened.open([path, "127.0.0.1:0"], part);
  const first = listeners.sockets[0]?.fds[0] ?? -1;
  assertEquals(listeners.bindLostAgain(config([], part)), false);
  for (const keep of [false, true]) {
    Deno.removeSync(path);
    assertEquals(listeners.bindLostAgain(config([], part)), true);
    assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
    const second = listeners.sockets[0]?.fds[0] ?? -1;
    assertEquals([second !== first, isListening(c, second), isListening(c, first)], [
      true,
      true,
      true,
    ]);
    if (keep) listeners.keepNew();
    else assertEquals(listeners.takeBack(), true);
    assertEquals(listeners.sockets[0]?.fds, [keep ? second : first]);
    assertEquals([isListening(c, first), isListening(c, second)], [!keep, keep]);
    assertEquals(directory.names, keep ? ["a.sock"] : []);
    if (!keep) Deno.writeTextFileSync(path, "in the way");
    assertEquals(listeners.bindLostAgain(config([], part)), false);
  }
  assertEquals(listeners.takeBack(), false);
});

Deno.test("open() says where and what to do, when an address is in use", async () => {
  using owned = new OwnedDescriptors();
  for (const reusePort of [true, false]) {
    const fd = owned.listen(owned.own(bindTcp(c, { ...TCP, reusePort })));
    const text = `127.0.0.1:${boundPort(c, fd)}`;
    assertEquals(
      await refusal(["127.0.0.1:0", text]),
      `Cannot open http-socket "${text}" (app.ini:2): address already in use ` +
        "(this process listens there already): choose another address",
    );
  }
});

Deno.test("open() leaves nothing behind, when the last of several sockets cannot be opened", async () => {
  using directory = new TempDirectory();
  const file = directory.write("file");
  const before = countSockets();
  const addresses = ["127.0.0.1:0", directory.at("a.sock"), "127.0.0.1:0", file];
  assertEquals(
    await refusal(addresses),
    `Cannot open http-socket "${file}" (app.ini:4): "${file}" exists and is not a socket: remove it first`,
  );
  assertEquals(directory.names, ["file"]);
  assertEquals(countSockets(), before);
});

Deno.test("open() leaves nothing behind, when the owner of a Unix socket is unknown", async () => {
  using directory = new TempDirectory();
  const before = countSockets();
  const message = await refusal([directory.at("a.sock")], { chownSocket: "no-such-one" });
  assert(message.includes('No user "no-such-one" on this system'), message);
  assertEquals([directory.names, countSockets()], [[], before]);
});

Deno.test("open() says what to do about every other kind of refusal", async () => {
  using directory = new TempDirectory();
  const cases: readonly [address: string, reason: string][] = [
    [directory.at("none/a.sock"), "the directory of the socket does not exist"],
    ["192.0.2.1:0", "the address does not belong to this machine"],
    ["nobody.invalid:0", "correct it or use an address"],
    ["fd://900000", "Descriptor 900000 is not an open socket"],
  ];
  for (const [address, reason] of cases) {
    const message = await refusal([address]);
    assert(message.startsWith(`Cannot open http-socket "${address}" (app.ini:1): `), message);
    assert(message.endsWith(reason), message);
  }
});

Deno.test("open() gives a Unix socket the mode and the owner that are configured", async () => {
  using opened = new Opened();
  using directory = new TempDirectory();
  const path = directory.at("a.sock");
  const chownSocket = `${Deno.uid()}:${Deno.gid()}`;
  await opened.open([path], { chmodSocket: 0o640, chownSocket });
  const { mode, uid, gid } = Deno.lstatSync(path);
  assertEquals([(mode ?? 0) & 0o777, uid, gid], [0o640, Deno.uid(), Deno.gid()]);
});

Deno.test("close() closes every descriptor, and keeps Unix sockets unless it vacuums", async () => {
  using directory = new TempDirectory();
  const before = countSockets();
  const [kept, removed] = [directory.at("kept.sock"), directory.at("removed.sock")];
  const first = await Listeners.open(c, config([kept, "127.0.0.1:0"]));
  const second = await Listeners.open(c, config([removed]));
  assertEquals(countSockets(), before + 4);
  first.close(false);
  second.close(true);
  assertEquals([directory.names, countSockets()], [["kept.sock"], before]);
});

Deno.test("close() leaves a Unix socket alone, when somebody else has put another one there", async () => {
  using directory = new TempDirectory();
  const path = directory.at("a.sock");
  const listeners = await Listeners.open(c, config([path]));
  // Renamed, so that the kernel cannot give the same inode number again.
  Deno.renameSync(path, directory.at("old.sock"));
  using successor = Deno.listen({ transport: "unix", path });
  listeners.close(true);
  assertEquals(successor.addr, { transport: "unix", path });
  assertEquals(directory.names, ["a.sock", "old.sock"]);
});

Deno.test("close() removes a Unix socket by its real path, when the master has changed directory", async () => {
  using directory = new TempDirectory();
  const before = Deno.cwd();
  Deno.chdir(directory.path);
  try {
    const listeners = await Listeners.open(c, config(["a.sock"]));
    assertEquals(listeners.sockets.map(({ address }) => address), ["a.sock"]);
    Deno.chdir(before);
    listeners.close(true);
    assertEquals(directory.names, []);
  } finally {
    Deno.chdir(before);
  }
});

Deno.test("open() checks that addresses are free and opens nothing, when there is no C library", async () => {
  const before = countSockets();
  const listeners = await Listeners.open(null, config(["127.0.0.1:0"]));
  const [socket] = listeners.sockets;
  assertEquals([socket?.fds, listeners.perSlot, countSockets()], [[], false, before]);
  assert((socket?.bind?.port ?? 0) > 0);
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const text = `127.0.0.1:${taken.addr.port}`;
  const error = await assertRejects(() => Listeners.open(null, config([text])), UserError);
  assert(error instanceof Error && error.message.includes(text));
  await assertRejects(
    () => Listeners.open(null, config(["/run/a.sock"])),
    UserError,
    "--allow-ffi",
  );
});

Deno.test("grow() throws, when somebody else has taken the address without sharing it", async () => {
  using opened = new Opened();
  const listeners = await opened.open(["127.0.0.1:0"], { processes: 1 });
  const { fds = [], bind } = listeners.sockets[0] ?? {};
  // Closed behind its back: descriptors of a running instance do not go away.
  fds.forEach((fd) => c.close(fd));
  using taken = Deno.listen({ hostname: "127.0.0.1", port: bind?.port ?? 0 });
  assertEquals(taken.addr.port, bind?.port);
  assertThrows(() => listeners.grow(2), SystemCallError, "Address already in use");
});

Deno.test("open() tells why a Unix socket cannot listen, and leaves neither file nor descriptor", async () => {
  using directory = new TempDirectory();
  const before = countSockets();
  const EMFILE = 24;
  const short = { ...c, listen: () => -1, errno: () => EMFILE };
  for (const address of [directory.at("a.sock"), `@${directory.path}`]) {
    const error = await assertRejects(() => Listeners.open(short, config([address])), UserError);
    assertEquals(
      (error as UserError).message,
      `Cannot open http-socket "${address}" (app.ini:1): too many open files`,
    );
    assertEquals(countSockets(), before);
  }
  assertEquals(directory.names, []);
});

Deno.test("a Unix socket that was bound needs no further descriptor to be known for one's own", async () => {
  using directory = new TempDirectory();
  const EMFILE = 24;
  let isBound = false;
  const short = {
    ...c,
    bind: (...args: Parameters<typeof c.bind>) => {
      isBound = true;
      return c.bind(...args);
    },
    openat: (...args: Parameters<typeof c.openat>) => isBound ? -1 : c.openat(...args),
    open: (...args: Parameters<typeof c.open>) => isBound ? -1 : c.open(...args),
    errno: () => isBound ? EMFILE : c.errno(),
  };
  const listeners = await Listeners.open(short, config([directory.at("a.sock")]));
  assertEquals(directory.names, ["a.sock"]);
  isBound = false;
  listeners.close(true);
  assertEquals(directory.names, []);
});

Deno.test("openStatsListeners() tells why a socket of the master cannot listen", async () => {
  using directory = new TempDirectory();
  const EMFILE = 24;
  let calls = 0;
  const short = {
    ...c,
    listen: (fd: number, backlog: number) => calls++ === 0 ? c.listen(fd, backlog) : -1,
    errno: () => EMFILE,
  };
  const address = directory.at("stats.sock");
  const stats = [{ option: "stats", text: address, origin: { file: "app.ini", line: 2 } }];
  const views = { ...defaults(), stats };
  const error = await assertRejects(() => openStatsListeners(short, views, [], []), UserError);
  assertEquals(
    (error as UserError).message,
    `Cannot open stats "${address}" (app.ini:2): too many open files`,
  );
  assertEquals(directory.names, []);
});
