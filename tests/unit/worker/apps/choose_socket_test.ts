import { assertEquals } from "@std/assert";
import { type Asked, chooseSocket, portIn } from "../../../../lib/worker/apps/choose_socket.ts";

/** Sockets at these addresses; a `!` says that something is on it already. */
function sockets(...addresses: readonly string[]) {
  return addresses.map((text) => ({
    address: text.replace("!", ""),
    holder: text.endsWith("!") ? { port: 9999 } : null,
  }));
}

Deno.test("a server gets the first socket that is free", () => {
  assertEquals(chooseSocket({ port: 3000 }, sockets("0.0.0.0:80", "/a.sock"), []), 0);
  assertEquals(chooseSocket({ port: 3000 }, sockets("0.0.0.0:80!", "/a.sock"), []), 1);
  assertEquals(chooseSocket({ descriptor: 3 }, sockets("0.0.0.0:80!", "/a.sock"), []), 1);
  assertEquals(chooseSocket({ path: "/b.sock" }, sockets("0.0.0.0:80!", "/a.sock!"), []), -1);
});

Deno.test("a server gets the socket with its own port or path, wherever it stands", () => {
  const all = sockets("0.0.0.0:80", "[::]:3000", "@name", "/a.sock");
  assertEquals(chooseSocket({ port: 3000 }, all, []), 1);
  assertEquals(chooseSocket({ path: "\0name" }, all, []), 2);
  assertEquals(chooseSocket({ path: "/a.sock" }, all, []), 3);
});

Deno.test("the real port of a socket is that socket, free again or not", () => {
  assertEquals(chooseSocket({ port: 3000 }, sockets("a:80", "a:3000"), []), 1);
  assertEquals(chooseSocket({ port: 3000 }, sockets("a:80", "a:3000!"), []), 1);
});

Deno.test("who asks for what another one was given meets that one", () => {
  const all = [
    { address: "a:80", holder: null },
    { address: "a:81", holder: { port: 3000 } },
    { address: "/a.sock", holder: { path: "/b.sock" } },
  ];
  assertEquals(chooseSocket({ port: 3000 }, all, []), 1);
  assertEquals(chooseSocket({ path: "/b.sock" }, all, []), 2);
  assertEquals(chooseSocket({ port: 3001 }, all, []), 0);
});

Deno.test("port 0 gets a socket by a rule only", () => {
  const all = sockets("/a.sock", "0.0.0.0:80");
  assertEquals(chooseSocket({ port: 0 }, all, []), -1);
  assertEquals(chooseSocket({ port: 0 }, all, [{ asked: 0, socket: 1 }]), 1);
});

Deno.test("a path gets a TCP socket by a rule only, and a Unix socket as any", () => {
  const ipc: Asked = { path: "/tmp/ipc" };
  assertEquals(chooseSocket(ipc, sockets("0.0.0.0:80"), []), -1);
  assertEquals(chooseSocket(ipc, sockets("0.0.0.0:80", "/a.sock"), []), 1);
  assertEquals(chooseSocket(ipc, sockets("0.0.0.0:80", "@with:80"), []), 1);
  assertEquals(chooseSocket(ipc, sockets("0.0.0.0:80"), [{ asked: "/tmp/ipc", socket: 0 }]), 0);
});

Deno.test("a rule comes before everything else, and keeps its socket for itself", () => {
  const rules = [{ asked: 3000, socket: 1 }, { asked: "/b.sock", socket: 2 }];
  const all = sockets("0.0.0.0:3000", "0.0.0.0:81", "0.0.0.0:82", "0.0.0.0:83");
  assertEquals(chooseSocket({ port: 3000 }, all, rules), 1);
  assertEquals(chooseSocket({ path: "/b.sock" }, all, rules), 2);
  assertEquals(chooseSocket({ port: 4000 }, all, rules), 0);
  assertEquals(chooseSocket({ port: 4000 }, sockets("a:1!", "a:2", "a:3", "a:4"), rules), 3);
});

Deno.test("a rule for a socket that there is not gives none", () => {
  assertEquals(chooseSocket({ port: 1 }, sockets("a:80"), [{ asked: 1, socket: 7 }]), -1);
});

Deno.test("abstract names and paths that end like a port have none", () => {
  const ports = ["127.0.0.1:80", "[::1]:81", "@a:82", "/a:83", "/a.sock"].map(portIn);
  assertEquals(ports, [80, 81, null, null, null]);
});
