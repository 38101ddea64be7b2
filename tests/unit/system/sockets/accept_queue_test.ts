/** Deno's own servers on inherited sockets. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  adopt,
  hasSentAll,
  isServed,
  leaveQueues,
  queueLength,
  stopAccepting,
} from "../../../../lib/system/sockets/accept_queue.ts";
import {
  descriptorTarget,
  openDescriptors,
  socketInode,
} from "../../../../lib/system/descriptor.ts";
import { requireLibc } from "../../../../lib/system/libc.ts";
import {
  bindAbstract,
  bindTcp,
  bindUnix,
  boundPort,
} from "../../../../lib/system/sockets/listening_socket.ts";
import {
  localAddress,
  peerAddress,
  type SocketAddress,
} from "../../../../lib/system/sockets/socket_address.ts";
import { createSharedMemory } from "../../../../lib/system/shared_memory.ts";
import { OwnedDescriptors } from "../../../helpers/owned_descriptors.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

/** An inherited socket, and how to reach it. */
interface Inherited {
  readonly fd: number;
  readonly unix: boolean;
  readonly connect: () => Promise<Deno.Conn>;
}

function tcpSocket(owned: OwnedDescriptors): Inherited {
  const options = { host: "127.0.0.1", port: 0, reusePort: true, keepalive: false };
  const fd = owned.own(bindTcp(owned.libc, options));
  const port = boundPort(owned.libc, fd);
  return { fd, unix: false, connect: () => Deno.connect({ hostname: "127.0.0.1", port }) };
}

async function unixSocket(owned: OwnedDescriptors, path: string): Promise<Inherited> {
  const fd = owned.own(await bindUnix(owned.libc, path));
  return { fd, unix: true, connect: () => Deno.connect({ transport: "unix", path }) };
}

function abstractSocket(owned: OwnedDescriptors): Inherited {
  const name = `duwsgi-test-${crypto.randomUUID()}`;
  const fd = owned.own(bindAbstract(owned.libc, name));
  return { fd, unix: true, connect: () => Deno.connect({ transport: "unix", path: `\0${name}` }) };
}

/** A Deno server that accepts on an inherited socket, as a worker opens it. */
class Adopter implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.Addr>;

  constructor(owned: OwnedDescriptors, { fd, unix }: Inherited, body: string) {
    const handler = () => new Response(body);
    const onListen = () => {};
    owned.listen(fd);
    if (unix) {
      const path = `\0duwsgi-test-${crypto.randomUUID()}`;
      this.#server = Deno.serve({ path, onListen }, handler) as Deno.HttpServer<Deno.Addr>;
      adopt(owned.libc, fd, { family: "unix", path: path.slice(1), abstract: true });
    } else {
      const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen }, handler);
      this.#server = server as Deno.HttpServer<Deno.Addr>;
      const { hostname: host, port } = server.addr;
      adopt(owned.libc, fd, { family: "inet", host, port });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** Sends a request on a connection, and does not wait for the answer. */
async function ask(connection: Deno.Conn): Promise<void> {
  await connection.write(
    new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
  );
}

/** The body of the answer on a connection. */
async function answer(connection: Deno.Conn): Promise<string> {
  const text = await new Response(connection.readable).text();
  assert(text.startsWith("HTTP/1.1 200 "), text);
  return text.slice(text.indexOf("\r\n\r\n") + 4).replace(/^\w+\r\n|\r\n0\r\n\r\n$/g, "");
}

async function request({ connect }: Inherited): Promise<string> {
  const connection = await connect();
  await ask(connection);
  return await answer(connection);
}

/** The connections that wait in a TCP socket's queue: what ss(8) calls Recv-Q, or null for others. */
function queued({ fd }: Inherited): number | null {
  const inode = String(socketInode(requireLibc(), fd));
  const lines = Deno.readTextFileSync("/proc/net/tcp").split("\n").map((line) =>
    line.trim().split(/\s+/)
  );
  const queue = lines.find((columns) => columns[9] === inode)?.[4];
  return queue === undefined ? null : Number.parseInt(queue.split(":")[1] ?? "", 16);
}

const KINDS: readonly [
  name: string,
  open: (o: OwnedDescriptors, d: TempDirectory) => Inherited | Promise<Inherited>,
][] = [
  ["a TCP socket", tcpSocket],
  ["a Unix socket", (owned, directory) => unixSocket(owned, directory.at("a.sock"))],
  ["an abstract socket", abstractSocket],
];

for (const [name, open] of KINDS) {
  Deno.test(`adopt() lets Deno.serve accept on ${name} that was bound elsewhere`, async () => {
    using owned = new OwnedDescriptors();
    using directory = new TempDirectory();
    const inherited = await open(owned, directory);
    await using _adopter = new Adopter(owned, inherited, "adopted");
    for (let i = 0; i < 5; i++) assertEquals(await request(inherited), "adopted");
    const many = await Promise.all(Array.from({ length: 30 }, () => request(inherited)));
    assertEquals(new Set(many), new Set(["adopted"]));
  });

  Deno.test(`stopAccepting() leaves connections queued on ${name}, and its result serves them`, async () => {
    using owned = new OwnedDescriptors();
    using directory = new TempDirectory();
    const inherited = await open(owned, directory);
    await using _adopter = new Adopter(owned, inherited, "later");
    assertEquals(await request(inherited), "later");
    for (let round = 0; round < 3; round++) {
      assertEquals(isServed(owned.libc, inherited.fd), true);
      const resume = stopAccepting(owned.libc, inherited.fd);
      assertEquals(isServed(owned.libc, inherited.fd), false);
      const waiting = await Promise.all([1, 2, 3].map(() => inherited.connect()));
      await Promise.all(waiting.map(ask));
      // Whatever the event loop would do about them, it has had every chance to.
      await inAnotherProcess();
      if (!inherited.unix) assertEquals(queued(inherited), 3);
      resume();
      assertEquals(await Promise.all(waiting.map(answer)), ["later", "later", "later"]);
    }
  });

  Deno.test(`stopAccepting() leaves the queue of ${name} to whoever adopts it next`, async () => {
    using owned = new OwnedDescriptors();
    using directory = new TempDirectory();
    const inherited = await open(owned, directory);
    await using _old = new Adopter(owned, inherited, "old");
    assertEquals(await request(inherited), "old");
    stopAccepting(owned.libc, inherited.fd);
    const waiting = await inherited.connect();
    await ask(waiting);
    await using _successor = new Adopter(owned, inherited, "new");
    assertEquals(await answer(waiting), "new");
    for (let i = 0; i < 10; i++) assertEquals(await request(inherited), "new");
  });
}

/** Takes a while that is not guessed: a whole process starts and ends. */
async function inAnotherProcess(): Promise<void> {
  await new Deno.Command("/bin/true").output();
}

Deno.test("stopAccepting() does not touch connections that were accepted before", async () => {
  using owned = new OwnedDescriptors();
  const inherited = tcpSocket(owned);
  await using _adopter = new Adopter(owned, inherited, "still here");
  const connection = await inherited.connect();
  await connection.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  assert((await connection.read(new Uint8Array(4096)) ?? 0) > 0);
  stopAccepting(owned.libc, inherited.fd);
  await ask(connection);
  assertEquals(await answer(connection), "still here");
});

Deno.test("stopAccepting() stops a listener too, and accepting goes on where it was", async () => {
  using owned = new OwnedDescriptors();
  const inherited = tcpSocket(owned);
  owned.listen(inherited.fd);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  adopt(owned.libc, inherited.fd, { family: "inet", host: "127.0.0.1", port: listener.addr.port });
  const accepted = listener.accept();
  const resume = stopAccepting(owned.libc, inherited.fd);
  using client = await inherited.connect();
  await inAnotherProcess();
  assertEquals(queued(inherited), 1);
  resume();
  using server = await accepted;
  assertEquals(server.remoteAddr, client.localAddr);
});

Deno.test("stopAccepting() takes nothing off, when no server accepts on the descriptor", async () => {
  using owned = new OwnedDescriptors();
  const inherited = tcpSocket(owned);
  const memory = owned.own(createSharedMemory(owned.libc, "duwsgi-test", 8));
  stopAccepting(owned.libc, memory)();
  stopAccepting(owned.libc, inherited.fd)();
  await using _adopter = new Adopter(owned, inherited, "served");
  assertEquals(await request(inherited), "served");
});

Deno.test("detachSockets() closes the descriptor and leaves the queue to others who have the socket", async () => {
  using owned = new OwnedDescriptors();
  const c = owned.libc;
  const { unix, connect, fd } = tcpSocket(owned);
  // As the worker has it, beside the master's own one.
  const inherited = { fd: c.fcntl(fd, 1030, 700), unix, connect };
  await using _old = new Adopter(owned, inherited, "old");
  assertEquals(await request(inherited), "old");
  leaveQueues(c, inherited.fd);
  assert(!openDescriptors(c).includes(inherited.fd));
  const waiting = await connect();
  await ask(waiting);
  await inAnotherProcess();
  assertEquals(queued({ fd, unix, connect }), 1);
  await using _successor = new Adopter(owned, { fd, unix, connect }, "new");
  assertEquals(await answer(waiting), "new");
});

Deno.test("adopt() throws, when nobody listens at the place it is told", () => {
  using owned = new OwnedDescriptors();
  const { fd } = tcpSocket(owned);
  const nowhere: SocketAddress = { family: "unix", path: crypto.randomUUID(), abstract: true };
  assertThrows(() => adopt(owned.libc, fd, nowhere), Error, "Cannot find the descriptor");
});

Deno.test("adopt() leaves nothing of the throwaway: its address refuses connections", async () => {
  using owned = new OwnedDescriptors();
  const inherited = tcpSocket(owned);
  owned.listen(inherited.fd);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  adopt(owned.libc, inherited.fd, { family: "inet", host: "127.0.0.1", port });
  await assertRejects(
    () => Deno.connect({ hostname: "127.0.0.1", port }),
    Deno.errors.ConnectionRefused,
  );
});

Deno.test("hasSentAll() is false while a client does not read what was written, and true when it has", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using server = await listener.accept();
  const c = requireLibc();
  const fd = openDescriptors(c).find((one) => {
    const [near, far] = [localAddress(c, one), peerAddress(c, one)];
    return near?.family === "inet" && near.port === listener.addr.port && far !== null;
  }) ?? -1;
  assertEquals(hasSentAll(c, fd), true);
  const size = 16_000_000;
  const writing = writeAll(server, new Uint8Array(size));
  // The kernel's buffers are full when the client has much to read and the server is not through.
  await client.read(new Uint8Array(1));
  assertEquals(hasSentAll(c, fd), false);
  const buffer = new Uint8Array(1 << 20);
  for (let left = size - 1; left > 0;) left -= (await client.read(buffer)) ?? left;
  await writing;
  while (!hasSentAll(c, fd)) await new Promise((resolve) => setTimeout(resolve));
  client.close();
  assertEquals(hasSentAll(c, -1), false);
});

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

Deno.test("a server that ends while it is stopped leaves its number to others", async () => {
  using owned = new OwnedDescriptors();
  const inherited = tcpSocket(owned);
  const server = new Adopter(owned, inherited, "first");
  const resume = stopAccepting(owned.libc, inherited.fd);
  await server[Symbol.asyncDispose]();
  // Others take the numbers that are free now.
  const others = Array.from(
    { length: 8 },
    () => owned.own(createSharedMemory(owned.libc, "duwsgi-test", 8)),
  );
  const before = others.map((fd) => descriptorTarget(owned.libc, fd));
  resume();
  assertEquals(others.map((fd) => descriptorTarget(owned.libc, fd)), before);
});

Deno.test("sockets that were stopped together can be accepted from one by one", async () => {
  using owned = new OwnedDescriptors();
  const [one, other] = [tcpSocket(owned), tcpSocket(owned)];
  await using _first = new Adopter(owned, one, "one");
  await using _second = new Adopter(owned, other, "other");
  const resume = stopAccepting(owned.libc, one.fd, other.fd);
  using first = await one.connect();
  using second = await other.connect();
  await Promise.all([ask(first), ask(second)]);
  resume([one.fd]);
  assertEquals(await answer(first), "one");
  assertEquals(queueLength(owned.libc, other.fd), 1);
  resume();
  assertEquals(await answer(second), "other");
});
