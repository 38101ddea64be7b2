/** Which configured socket stands for which passed one. */
import { assertEquals, assertThrows } from "@std/assert";
import { parseAddress } from "../../../../lib/system/sockets/address.ts";
import {
  match,
  type Passed,
  withPassedSockets,
} from "../../../../lib/master/sockets/activation.ts";
import { requireLibc } from "../../../../lib/system/libc.ts";
import { bindTcp, bindUnix, boundPort } from "../../../../lib/system/sockets/listening_socket.ts";
import type { SocketAddress } from "../../../../lib/system/sockets/socket_address.ts";
import { OwnedDescriptors } from "../../../helpers/owned_descriptors.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";
import type { WantedSocket } from "../../../../lib/master/sockets/listen_spec.ts";
import type { SocketSpec } from "../../../../lib/config/origin.ts";

// Opened here, because it stays open: a test that opened it would seem to leak it.
requireLibc();

function wanted(...texts: readonly string[]): WantedSocket[] {
  return texts.map((text, index) => {
    const origin = { file: "app.ini", line: index + 1 };
    const spec: SocketSpec = { option: "socket", text, origin };
    return { spec, address: parseAddress(text) };
  });
}

function inet(host: string, port: number): SocketAddress {
  return { family: host.includes(":") ? "inet6" : "inet", host, port };
}

/** Passed sockets with these addresses, from descriptor 3 on. */
function passed(...sockets: readonly (Partial<Passed> & Pick<Passed, "address">)[]): Passed[] {
  return sockets.map((socket, index) => ({
    fd: index + 3,
    name: null,
    acceptsIpv4: false,
    ...socket,
  }));
}

/** `text → address` of each, with the place of those that were added. */
function shown(result: readonly WantedSocket[]): string[] {
  return result.map(({ spec: { text, origin }, address }) => {
    const to = address.kind === "fd" ? `fd ${address.fd}` : address.kind;
    return `${text} → ${to}${origin.file === "app.ini" ? "" : ` (${origin.file}:${origin.line})`}`;
  });
}

Deno.test("match() takes the passed socket with the same address, of every kind", () => {
  const path: SocketAddress = { family: "unix", path: "/run/a.sock", abstract: false };
  const abstract: SocketAddress = { family: "unix", path: "a", abstract: true };
  const sockets = passed(
    { address: abstract },
    { address: path },
    { address: inet("::1", 80) },
    { address: inet("127.0.0.1", 80) },
  );
  const lines = wanted("127.0.0.1:80", "[::1]:80", "/run/a.sock", "@a", "127.0.0.1:81", "/run/b");
  assertEquals(shown(match(lines, sockets)), [
    "127.0.0.1:80 → fd 6",
    "[::1]:80 → fd 5",
    "/run/a.sock → fd 4",
    "@a → fd 3",
    "127.0.0.1:81 → tcp",
    "/run/b → unix",
  ]);
});

Deno.test("match() adds what is configured nowhere, under its name or number", () => {
  const sockets = passed(
    { address: inet("0.0.0.0", 80), name: "web" },
    { address: inet("0.0.0.0", 81) },
    { address: null, name: "odd" },
  );
  const result = match(wanted("0.0.0.0:81"), sockets);
  assertEquals(shown(result), [
    "0.0.0.0:81 → fd 4",
    "fd://web → fd 3 (LISTEN_FDS:1)",
    "fd://odd → fd 5 (LISTEN_FDS:3)",
  ]);
  assertEquals(result.map(({ spec }) => spec.option), ["socket", "http-socket", "http-socket"]);
});

Deno.test("match() finds sockets by number and by name, all that have it", () => {
  const sockets = passed(
    { address: inet("0.0.0.0", 80), name: "web" },
    { address: inet("0.0.0.0", 81), name: "admin" },
    { address: inet("::1", 80), name: "web" },
  );
  assertEquals(shown(match(wanted("fd://4", "fd://web", "fd://other", "fd://9"), sockets)), [
    "fd://4 → fd 4",
    "fd://web → fd 3",
    "fd://web → fd 5",
    "fd://other → passed",
    "fd://9 → fd 9",
  ]);
});

Deno.test("match() takes a socket of all addresses for :port, unless there is a better one", () => {
  const all = { address: inet("::", 80), acceptsIpv4: true };
  const only6 = { address: inet("::", 80), acceptsIpv4: false };
  const ipv4 = { address: inet("0.0.0.0", 80) };
  // As it is resolved: `:80` has the host 0.0.0.0 by then.
  assertEquals(shown(match(wanted("0.0.0.0:80"), passed(all))), ["0.0.0.0:80 → fd 3"]);
  assertEquals(shown(match(wanted("0.0.0.0:80"), passed(only6, ipv4))), [
    "0.0.0.0:80 → fd 4",
    "fd://3 → fd 3 (LISTEN_FDS:1)",
  ]);
  assertEquals(shown(match(wanted("127.0.0.1:80"), passed(all)))[0], "127.0.0.1:80 → tcp");
});

Deno.test("match() throws TypeError, when two lines mean the same socket", () => {
  const sockets = passed({ address: inet("127.0.0.1", 80), name: "web" });
  const error = assertThrows(() => match(wanted("127.0.0.1:80", "fd://web"), sockets), TypeError);
  assertEquals(
    (error as Error).message,
    '"127.0.0.1:80" (app.ini:1) and "fd://web" (app.ini:2) are the same passed socket, ' +
      "descriptor 3: remove one",
  );
});

Deno.test("withPassedSockets() compares real sockets, whatever their addresses are written like", async () => {
  using owned = new OwnedDescriptors();
  using directory = new TempDirectory();
  const c = owned.libc;
  const tcp = (host: string) =>
    owned.own(bindTcp(c, { host, port: 0, reusePort: false, keepalive: false }));
  const [local, all] = [tcp("127.0.0.1"), tcp("::")];
  const unix = owned.own(await bindUnix(c, directory.at("a.sock")));
  const sockets = [local, all, unix].map((fd) => ({ fd, name: null }));
  const texts = [
    `${directory.path}/../${directory.path.split("/").at(-1)}/a.sock`,
    `:${boundPort(c, all)}`,
    `localhost:${boundPort(c, local)}`,
    "127.0.0.1:0",
    "nobody.invalid:80",
    "other.sock",
  ];
  const result = await withPassedSockets(c, wanted(...texts), sockets);
  assertEquals(shown(result), [
    `${texts[0]} → fd ${unix}`,
    `${texts[1]} → fd ${all}`,
    `${texts[2]} → fd ${local}`,
    "127.0.0.1:0 → tcp",
    "nobody.invalid:80 → tcp",
    "other.sock → unix",
  ]);
  assertEquals(result[5]?.address, { kind: "unix", path: "other.sock" });
});
