/** Connections that are taken away from their server. */
import { assertEquals } from "@std/assert";
import { detach } from "../../../../lib/system/sockets/detach.ts";
import { openDescriptors } from "../../../../lib/system/descriptor.ts";
import { localAddress, peerAddress } from "../../../../lib/system/sockets/socket_address.ts";
import { OwnedDescriptors } from "../../../helpers/owned_descriptors.ts";

/** The descriptor of the server's end of a client's connection. */
function serverEnd(owned: OwnedDescriptors, client: Deno.Conn): number | undefined {
  const { port } = client.localAddr as Deno.NetAddr;
  return openDescriptors(owned.libc).find((fd) => {
    const far = localAddress(owned.libc, fd) && peerAddress(owned.libc, fd);
    return far?.family === "inet" && far.port === port;
  });
}

const REQUEST = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n");

Deno.test("a server does not see what comes on a connection that was taken away", async () => {
  using owned = new OwnedDescriptors();
  let requests = 0;
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    requests += 1;
    return new Response("answer");
  });
  const connect = () => Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
  using idle = await connect();
  const bytes = new Uint8Array(1024);
  await idle.write(REQUEST);
  await idle.read(bytes);
  const fd = serverEnd(owned, idle) ?? -1;
  const [own = -1, ...more] = detach(owned.libc, [fd]);
  owned.own(own);
  assertEquals(more, []);
  await idle.write(REQUEST);
  // Others are served as before, and the order of events is that of the kernel.
  using other = await connect();
  await other.write(REQUEST);
  await other.read(bytes);
  assertEquals(requests, 2);
  owned.libc.shutdown(own, 1);
  assertEquals(await idle.read(bytes), null);
});

Deno.test("a connection with something unread stays with its server", async () => {
  using owned = new OwnedDescriptors();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("answer"),
  );
  using client = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
  const bytes = new Uint8Array(1024);
  await client.write(REQUEST);
  await client.read(bytes);
  const fd = serverEnd(owned, client) ?? -1;
  const ask = () => owned.libc.write(clientEnd(owned, client), REQUEST, BigInt(REQUEST.length));
  // Without a turn of the event loop in between, nobody can have read it.
  ask();
  assertEquals(detach(owned.libc, [fd]), []);
  assertEquals((await client.read(bytes) ?? 0) > 0, true);
});

function clientEnd(owned: OwnedDescriptors, client: Deno.Conn): number {
  const { port } = client.localAddr as Deno.NetAddr;
  return openDescriptors(owned.libc).find((fd) => {
    const near = peerAddress(owned.libc, fd) && localAddress(owned.libc, fd);
    return near?.family === "inet" && near.port === port;
  }) ?? -1;
}
