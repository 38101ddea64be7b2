/** The queues of real sockets. */
import { assertEquals } from "@std/assert";
import type { WorkerSocket } from "../../../../lib/protocol/worker_environment.ts";
import { Queues } from "../../../../lib/master/autoscaling/listen_queues.ts";
import { isListening } from "../../../../lib/system/sockets/listen_queue.ts";
import { bindTcp, boundPort } from "../../../../lib/system/sockets/listening_socket.ts";
import { OwnedDescriptors } from "../../../helpers/owned_descriptors.ts";

const HOST = "127.0.0.1";

function group(owned: OwnedDescriptors, slots: number): WorkerSocket {
  const bind = (port: number) =>
    owned.own(bindTcp(owned.libc, { host: HOST, port, reusePort: true, keepalive: false }));
  const first = bind(0);
  const port = boundPort(owned.libc, first);
  const fds = [first, ...Array.from({ length: slots - 1 }, () => bind(port))];
  return { address: `${HOST}:${port}`, protocol: "socket", bind: { hostname: HOST, port }, fds };
}

function connect({ bind }: WorkerSocket): Promise<Deno.Conn> {
  return Deno.connect({ hostname: HOST, port: bind?.port ?? 0 });
}

Deno.test("openFirst() opens the queues of slot 1 only, and leaves open ones as they are", async () => {
  using owned = new OwnedDescriptors();
  const sockets = [group(owned, 3), group(owned, 1)];
  const queues = new Queues(owned.libc, { sockets });
  queues.openFirst(8);
  const listening = () => sockets.map(({ fds }) => fds.map((fd) => isListening(owned.libc, fd)));
  assertEquals(listening(), [[true, false, false], [true]]);
  // Whoever connects waits for slot 1.
  using _one = await connect(sockets[0] as WorkerSocket);
  using _two = await connect(sockets[0] as WorkerSocket);
  queues.openFirst(8);
  assertEquals([listening(), queues.longest], [[[true, false, false], [true]], 2]);
});

Deno.test("longest is what waits at one address, in the queues of all slots", async () => {
  using owned = new OwnedDescriptors();
  const sockets = [group(owned, 3), group(owned, 1)];
  const queues = new Queues(owned.libc, { sockets });
  for (const fd of sockets.flatMap(({ fds }) => fds)) owned.listen(fd);
  assertEquals(queues.longest, 0);
  const connections: Deno.Conn[] = [];
  for (const socket of [...Array(6).fill(sockets[0]), ...Array(4).fill(sockets[1])]) {
    connections.push(await connect(socket));
  }
  assertEquals(queues.longest, 6);
  for (const connection of connections) connection.close();
});

Deno.test("a source without sockets has no queues", () => {
  using owned = new OwnedDescriptors();
  const queues = new Queues(owned.libc, { sockets: [] });
  queues.openFirst(8);
  assertEquals(queues.longest, 0);
});

Deno.test("watch() notices a connection in any queue that was ever opened", async () => {
  using owned = new OwnedDescriptors();
  const socket = group(owned, 4);
  const queues = new Queues(owned.libc, { sockets: [socket] });
  for (const fd of socket.fds.slice(1, 3)) owned.listen(fd);
  const watch = queues.watch();
  using _connection = await connect(socket);
  assertEquals(await watch.result, true);
});
