import { assertEquals } from "@std/assert";
import { openDescriptors } from "../../../../lib/system/descriptor.ts";
import {
  droppedConnections,
  isListening,
  listenQueueLength,
} from "../../../../lib/system/sockets/listen_queue.ts";
import {
  bindAbstract,
  bindTcp,
  bindUnix,
  boundPort,
} from "../../../../lib/system/sockets/listening_socket.ts";
import { OwnedDescriptors } from "../../../helpers/owned_descriptors.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

/** A bound socket, and how to reach it. */
type Bound = readonly [fd: number, connect: () => Promise<Deno.Conn>];

function tcp(owned: OwnedDescriptors, host: string): Bound {
  const fd = owned.own(bindTcp(owned.libc, { host, port: 0, reusePort: false, keepalive: false }));
  const port = boundPort(owned.libc, fd);
  return [fd, () => Deno.connect({ hostname: host, port })];
}

async function unix(owned: OwnedDescriptors, path: string): Promise<Bound> {
  const fd = owned.own(await bindUnix(owned.libc, path));
  return [fd, () => Deno.connect({ transport: "unix", path })];
}

function abstract(owned: OwnedDescriptors): Bound {
  const name = `duwsgi-test-${crypto.randomUUID()}`;
  const fd = owned.own(bindAbstract(owned.libc, name));
  return [fd, () => Deno.connect({ transport: "unix", path: `\0${name}` })];
}

const KINDS: readonly [
  name: string,
  bind: (owned: OwnedDescriptors, directory: TempDirectory) => Bound | Promise<Bound>,
][] = [
  ["an IPv4 socket", (owned) => tcp(owned, "127.0.0.1")],
  ["an IPv6 socket", (owned) => tcp(owned, "::1")],
  ["a Unix socket", (owned, directory) => unix(owned, directory.at("a.sock"))],
  ["an abstract socket", abstract],
];

for (const [name, bind] of KINDS) {
  Deno.test(`listenQueueLength() counts what waits on ${name}`, async () => {
    using owned = new OwnedDescriptors();
    using directory = new TempDirectory();
    const [fd, connect] = await bind(owned, directory);
    assertEquals([isListening(owned.libc, fd), listenQueueLength(owned.libc, fd)], [false, 0]);
    owned.listen(fd);
    assertEquals([isListening(owned.libc, fd), listenQueueLength(owned.libc, fd)], [true, 0]);
    const connections: Deno.Conn[] = [];
    try {
      for (let length = 1; length <= 5; length++) {
        connections.push(await connect());
        assertEquals(listenQueueLength(owned.libc, fd), length);
      }
    } finally {
      for (const connection of connections) connection.close();
    }
  });
}

Deno.test("listenQueueLength() is 0 for what is no listening socket, and leaves nothing open", () => {
  using owned = new OwnedDescriptors();
  const before = openDescriptors(owned.libc);
  assertEquals([0, 999_999].map((fd) => listenQueueLength(owned.libc, fd)), [0, 0]);
  assertEquals(openDescriptors(owned.libc), before);
});

Deno.test("droppedConnections() counts what the kernel dropped because the queue was full", async () => {
  using owned = new OwnedDescriptors();
  const [fd] = tcp(owned, "127.0.0.1");
  assertEquals(droppedConnections(owned.libc, fd), 0);
  assertEquals(owned.libc.listen(fd, 0), 0);
  const port = boundPort(owned.libc, fd);
  // A queue of 0 takes one. The kernel answers no further one, and drops what comes of its retries.
  const first = await Deno.connect({ hostname: "127.0.0.1", port });
  const end = new AbortController();
  const others = Array.from(
    { length: 4 },
    () => Deno.connect({ hostname: "127.0.0.1", port, signal: end.signal }).catch(() => null),
  );
  try {
    while (droppedConnections(owned.libc, fd) === 0) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  } finally {
    end.abort();
    for (const connection of [first, ...await Promise.all(others)]) connection?.close();
  }
});

Deno.test("droppedConnections() is 0 for a Unix socket, and for what is no socket", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const [fd] = await unix(owned, directory.at("a.sock"));
  owned.listen(fd);
  assertEquals([fd, 0, 999_999].map((one) => droppedConnections(owned.libc, one)), [0, 0, 0]);
});
