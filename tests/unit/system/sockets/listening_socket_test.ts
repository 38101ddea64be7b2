/** Binding listening sockets, on the real kernel. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { queueLength } from "../../../../lib/system/sockets/accept_queue.ts";
import { ERRNO, SystemCallError } from "../../../../lib/system/libc.ts";
import {
  adoptDescriptor,
  bindAbstract,
  bindTcp,
  bindUnix,
  boundPort,
  claimTcp,
  probeTcp,
  socketFile,
} from "../../../../lib/system/sockets/listening_socket.ts";
import { UnsafePathError } from "../../../../lib/system/files/trusted_path.ts";
import { createSharedMemory } from "../../../../lib/system/shared_memory.ts";
import { OwnedDescriptors } from "../../../helpers/owned_descriptors.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

const LOCAL = { host: "127.0.0.1", port: 0, reusePort: false, keepalive: false };

/** The error number that a call fails with. */
function errnoOf(call: () => unknown): number {
  return (assertThrows(call, SystemCallError) as SystemCallError).errno;
}

async function errnoOfAsync(promise: Promise<unknown>): Promise<number> {
  return (await assertRejects(() => promise, SystemCallError) as SystemCallError).errno;
}

async function answers(address: Deno.ConnectOptions | Deno.UnixConnectOptions): Promise<boolean> {
  try {
    const connection = "path" in address
      ? await Deno.connect({ transport: "unix", path: address.path })
      : await Deno.connect(address);
    connection.close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}

Deno.test("bindTcp() binds a port of the kernel's choice that nobody listens on yet", async () => {
  using owned = new OwnedDescriptors();
  const fd = owned.own(bindTcp(owned.libc, LOCAL));
  const port = boundPort(owned.libc, fd);
  assert(port > 0);
  assertEquals(await answers({ hostname: "127.0.0.1", port }), false);
  owned.listen(fd);
  assertEquals(await answers({ hostname: "127.0.0.1", port }), true);
});

Deno.test("bindTcp() binds one port several times, when all of them reuse it", () => {
  using owned = new OwnedDescriptors();
  const c = owned.libc;
  const shared = { ...LOCAL, reusePort: true };
  const port = boundPort(c, owned.own(bindTcp(c, shared)));
  for (let i = 0; i < 3; i++) {
    assertEquals(boundPort(c, owned.own(bindTcp(c, { ...shared, port }))), port);
  }
});

Deno.test("bindTcp() throws EADDRINUSE, when somebody listens at the address", () => {
  using owned = new OwnedDescriptors();
  const c = owned.libc;
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  assertEquals(errnoOf(() => owned.own(bindTcp(c, { ...LOCAL, port }))), ERRNO.EADDRINUSE);
  assertEquals(
    errnoOf(() => owned.own(bindTcp(c, { ...LOCAL, port, reusePort: true }))),
    ERRNO.EADDRINUSE,
  );
});

Deno.test("bindTcp() says which call failed and why, in the words of the system", () => {
  using owned = new OwnedDescriptors();
  // TEST-NET-1 of RFC 5737: no machine has it.
  const error = assertThrows(() => bindTcp(owned.libc, { ...LOCAL, host: "192.0.2.1" }));
  assert(error instanceof SystemCallError && error.errno === ERRNO.EADDRNOTAVAIL);
  assertEquals(error.message, "Cannot bind: Cannot assign requested address");
  assertEquals([error.call, error.reason], ["bind", "Cannot assign requested address"]);
});

Deno.test("bindTcp() leaves no descriptor behind, when it fails", () => {
  using owned = new OwnedDescriptors();
  const count = () => [...Deno.readDirSync("/proc/self/fd")].length;
  const before = count();
  for (let i = 0; i < 5; i++) errnoOf(() => bindTcp(owned.libc, { ...LOCAL, host: "192.0.2.1" }));
  assertEquals(count(), before);
});

Deno.test("bindTcp() throws TypeError, when the host is a name", () => {
  using owned = new OwnedDescriptors();
  assertThrows(() => bindTcp(owned.libc, { ...LOCAL, host: "localhost" }), TypeError);
});

Deno.test("bindTcp() sets SO_KEEPALIVE, when it is asked to, and accepted connections have it", () => {
  using owned = new OwnedDescriptors();
  const c = owned.libc;
  for (const keepalive of [true, false]) {
    const fd = owned.own(bindTcp(c, { ...LOCAL, keepalive }));
    const value = new Uint8Array(4);
    c.getsockopt(fd, 1, 9, value, new Uint8Array([4, 0, 0, 0]));
    assertEquals(value[0], keepalive ? 1 : 0);
  }
});

Deno.test("claimTcp() lets one of several have an address, and further sockets of its own join", () => {
  using owned = new OwnedDescriptors();
  const c = owned.libc;
  const first = owned.own(bindTcp(c, LOCAL));
  const claim = { ...LOCAL, port: boundPort(c, first), reusePort: true };
  // Bound and silent sockets are in nobody's way.
  owned.own(claimTcp(c, claim, 8));
  assertEquals(errnoOf(() => claimTcp(c, claim, 8)), ERRNO.EADDRINUSE);
  assertEquals(errnoOf(() => claimTcp(c, { ...claim, reusePort: false }, 8)), ERRNO.EADDRINUSE);
  assertEquals(c.listen(first, 8), -1);
  owned.listen(owned.own(bindTcp(c, claim)));
});

Deno.test("claimTcp() shares its connections with the sockets that join it", async () => {
  using owned = new OwnedDescriptors();
  const c = owned.libc;
  const fds = [owned.own(claimTcp(c, { ...LOCAL, reusePort: true }, 128))];
  const port = boundPort(c, fds[0] ?? -1);
  fds.push(owned.listen(owned.own(bindTcp(c, { ...LOCAL, port, reusePort: true }))));
  const clients = await Promise.all(Array.from({ length: 60 }, () => Deno.connect({ port })));
  const queues = fds.map((fd) => queueLength(c, fd));
  for (const client of clients) client.close();
  assert(queues.every((length) => length > 0), queues.join());
  assertEquals(queues.reduce((sum, length) => sum + length, 0), 60);
});

Deno.test("probeTcp() throws EADDRINUSE, when somebody listens there with SO_REUSEPORT", () => {
  using owned = new OwnedDescriptors();
  const c = owned.libc;
  const fd = owned.listen(owned.own(bindTcp(c, { ...LOCAL, reusePort: true })));
  const port = boundPort(c, fd);
  assertEquals(errnoOf(() => probeTcp(c, "127.0.0.1", port)), ERRNO.EADDRINUSE);
  // Without the probe, nobody would notice.
  owned.own(bindTcp(c, { ...LOCAL, port, reusePort: true }));
});

Deno.test("probeTcp() throws EADDRINUSE, when a second instance is about to listen there", () => {
  using owned = new OwnedDescriptors();
  const c = owned.libc;
  const port = boundPort(c, owned.own(bindTcp(c, { ...LOCAL, reusePort: true })));
  owned.listen(owned.own(bindTcp(c, { ...LOCAL, port, reusePort: true })));
  assertEquals(errnoOf(() => probeTcp(c, "127.0.0.1", port)), ERRNO.EADDRINUSE);
});

Deno.test("probeTcp() holds nothing, when the port is free", () => {
  using owned = new OwnedDescriptors();
  const c = owned.libc;
  const fd = bindTcp(c, LOCAL);
  const port = boundPort(c, fd);
  c.close(fd);
  probeTcp(c, "127.0.0.1", port);
  probeTcp(c, "127.0.0.1", port);
});

Deno.test("bindUnix() makes a socket that nobody listens on yet", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const path = directory.at("a.sock");
  const fd = owned.own(await bindUnix(owned.libc, path));
  assertEquals(Deno.lstatSync(path).isSocket, true);
  assertEquals(await answers({ transport: "unix", path }), false);
  owned.listen(fd);
  assertEquals(await answers({ transport: "unix", path }), true);
});

Deno.test("bindUnix() makes the file with its mode, and socketFile() says which file that is", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const path = directory.at("a.sock");
  const fd = owned.own(await bindUnix(owned.libc, path, 0o600));
  const { mode, ino, dev } = Deno.lstatSync(path);
  assertEquals((mode ?? 0) & 0o777, 0o600);
  assertEquals(socketFile(owned.libc, fd, path), { path, inode: ino, device: dev });
  // Somebody else's socket in its place: a file of another kind, a link, nothing at all.
  directory.write("other");
  Deno.renameSync(directory.at("other"), path);
  assertThrows(() => socketFile(owned.libc, fd, path), UnsafePathError, "replaced");
  Deno.removeSync(path);
  Deno.symlinkSync("other", path);
  assertThrows(() => socketFile(owned.libc, fd, path), UnsafePathError, "replaced");
  Deno.removeSync(path);
  assertThrows(() => socketFile(owned.libc, fd, path), UnsafePathError, "replaced");
});

Deno.test("bindUnix() replaces a socket, when nobody listens on it any more", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const path = directory.at("a.sock");
  owned.libc.close(owned.listen(await bindUnix(owned.libc, path)));
  const stale = Deno.lstatSync(path).ino;
  owned.listen(owned.own(await bindUnix(owned.libc, path)));
  assertEquals(await answers({ transport: "unix", path }), true);
  assertEquals(typeof stale, "number");
});

Deno.test("bindUnix() throws EADDRINUSE and touches nothing, when a server is live", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const path = directory.at("a.sock");
  using listener = Deno.listen({ transport: "unix", path });
  const { ino } = Deno.lstatSync(path);
  assertEquals(await errnoOfAsync(bindUnix(owned.libc, path)), ERRNO.EADDRINUSE);
  assertEquals(Deno.lstatSync(path).ino, ino);
  (await listener.accept()).close();
});

Deno.test("bindUnix() throws EADDRINUSE, when the queue of the live server is full", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const path = directory.at("a.sock");
  const fd = owned.own(await bindUnix(owned.libc, path));
  owned.libc.listen(fd, 0);
  using _waiting = await Deno.connect({ transport: "unix", path });
  assertEquals(await errnoOfAsync(bindUnix(owned.libc, path)), ERRNO.EADDRINUSE);
});

Deno.test("bindUnix() throws AlreadyExists and touches nothing, when something else is there", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const file = directory.write("file", "precious");
  const folder = directory.write("folder/x").replace(/\/x$/, "");
  const link = directory.at("link");
  Deno.symlinkSync(file, link);
  const dangling = directory.at("dangling");
  Deno.symlinkSync(directory.at("nowhere"), dangling);
  for (const path of [file, folder, link, dangling]) {
    const error = await assertRejects(
      async () => owned.own(await bindUnix(owned.libc, path)),
      Deno.errors.AlreadyExists,
    );
    assertEquals((error as Error).message, `"${path}" exists and is not a socket`);
  }
  assertEquals(Deno.readTextFileSync(file), "precious");
  assertEquals(directory.names, ["dangling", "file", "folder", "link"]);
});

Deno.test("bindUnix() throws ENOENT, when the directory does not exist", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const path = directory.at("none/a.sock");
  assertEquals(await errnoOfAsync(bindUnix(owned.libc, path)), ERRNO.ENOENT);
});

Deno.test("bindAbstract() makes a name without a file, which is taken while it is open", async () => {
  using owned = new OwnedDescriptors();
  const name = `duwsgi-test-${crypto.randomUUID()}`;
  const fd = owned.listen(bindAbstract(owned.libc, name));
  assertEquals(await answers({ transport: "unix", path: `\0${name}` }), true);
  assertEquals(errnoOf(() => bindAbstract(owned.libc, name)), ERRNO.EADDRINUSE);
  owned.libc.close(fd);
  owned.own(bindAbstract(owned.libc, name));
});

Deno.test("adoptDescriptor() takes TCP and Unix stream sockets and keeps them from children", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const c = owned.libc;
  const blocking = owned.own(c.socket(1, 1, 0));
  // Bound to nothing but its family, it gets a name of the kernel's choice (unix(7), autobind).
  assertEquals(c.bind(blocking, new Uint8Array([1, 0]), 2), 0);
  const fds = [
    owned.own(bindTcp(c, LOCAL)),
    owned.own(await bindUnix(c, directory.at("a.sock"))),
    blocking,
  ];
  for (const fd of fds) {
    adoptDescriptor(c, owned.listen(fd));
    const [, flags = ""] =
      /^flags:\s*(\d+)/m.exec(Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`)) ?? [];
    assertEquals(Number.parseInt(flags, 8) & 0o2004000, 0o2004000);
  }
});

Deno.test("adoptDescriptor() throws TypeError, when the descriptor is something else", () => {
  using owned = new OwnedDescriptors();
  const c = owned.libc;
  const file = owned.own(createSharedMemory(c, "duwsgi-test", 8));
  const datagram = owned.own(c.socket(2, 2, 0));
  const netlink = owned.own(c.socket(16, 3, 0));
  for (const fd of [file, 900_000]) {
    const error = assertThrows(() => adoptDescriptor(c, fd), TypeError);
    assertEquals((error as Error).message, `Descriptor ${fd} is not an open socket`);
  }
  for (const fd of [datagram, netlink, owned.own(bindTcp(c, LOCAL))]) {
    const error = assertThrows(() => adoptDescriptor(c, fd), TypeError);
    assertEquals(
      (error as Error).message,
      `Descriptor ${fd} is not a TCP or Unix stream socket that listens ` +
        "(a socket unit has ListenStream= and Accept=no)",
    );
  }
});
