/** What the kernel's tables say of who listens. */
import { assertEquals } from "@std/assert";
import {
  bindAbstract,
  bindTcp,
  boundPort,
} from "../../../../lib/system/sockets/listening_socket.ts";
import { socketInode } from "../../../../lib/system/descriptor.ts";
import { tcpListeners, unixListeners } from "../../../../lib/system/sockets/socket_table.ts";
import { OwnedDescriptors } from "../../../helpers/owned_descriptors.ts";

const line = (address: string, state: string, inode: number) =>
  `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 100`;

const V4 = [
  "  sl  local_address",
  line("0100007F:0050", "0A", 1),
  line("00000000:0050", "0A", 2),
  line("0100007F:0051", "0A", 3),
  line("0100007F:0050", "01", 4),
].join("\n");
const V6 = [
  line("00000000000000000000000001000000:0050", "0A", 5),
  line("00000000000000000000000000000000:0050", "0A", 6),
].join("\n");

Deno.test("tcpListeners() finds who listens at the address, or everywhere", () => {
  const found = (host: string, port = 80) => [...tcpListeners([V4, V6], { host, port })];
  assertEquals(found("127.0.0.1"), ["1", "2", "6"]);
  assertEquals(found("10.0.0.1"), ["2", "6"]);
  assertEquals(found("::1"), ["2", "5", "6"]);
  assertEquals(found("0:0:0:0:0:0:0:1%lo"), ["2", "5", "6"]);
  assertEquals(found("0.0.0.0"), ["1", "2", "5", "6"]);
  assertEquals(found("127.0.0.1", 81), ["3"]);
  assertEquals(found("127.0.0.1", 82), []);
  assertEquals([...tcpListeners(["", "x y z", "::::"], { host: "127.0.0.1", port: 80 })], []);
});

Deno.test("unixListeners() finds who listens, and no connection of theirs", () => {
  const table = [
    "Num       RefCount Protocol Flags    Type St Inode Path",
    "00000000e3c779b5: 00000002 00000000 00010000 0001 01 7 /run/a b.sock",
    "00000000e3c779b6: 00000003 00000000 00000000 0001 03 8 /run/a b.sock",
    "00000000e3c779b7: 00000002 00000000 00010000 0001 01 9 @name",
    "00000000e3c779b8: 00000002 00000000 00010000 0001 01 10",
  ].join("\n");
  assertEquals([...unixListeners(table, "/run/a b.sock")], ["7"]);
  assertEquals([...unixListeners(table, "@name")], ["9"]);
  assertEquals([...unixListeners(table, "")], []);
});

Deno.test("both find sockets in the tables of this kernel", () => {
  using owned = new OwnedDescriptors();
  const c = owned.libc;
  for (const host of ["127.0.0.1", "::1", "0.0.0.0"]) {
    const options = { host, port: 0, reusePort: false, keepalive: false };
    const fd = owned.listen(owned.own(bindTcp(c, options)));
    const tables = ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => Deno.readTextFileSync(path));
    const found = tcpListeners(tables, { host, port: boundPort(c, fd) });
    assertEquals([...found], [String(socketInode(c, fd))]);
  }
  const name = `duwsgi-test-${crypto.randomUUID()}`;
  const fd = owned.listen(owned.own(bindAbstract(c, name)));
  const found = unixListeners(Deno.readTextFileSync("/proc/net/unix"), `@${name}`);
  assertEquals([...found], [String(socketInode(c, fd))]);
});
