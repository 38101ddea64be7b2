/** Datagrams to a service manager that is this test. */
import { assertEquals, assertThrows } from "@std/assert";
import { ERRNO, requireLibc, SystemCallError } from "../../../../lib/system/libc.ts";
import { NotifySocket } from "../../../../lib/system/sockets/notify_socket.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

// Opened here, because it stays open: a test that opened it would seem to leak it.
const c = requireLibc();

async function received(listener: Deno.DatagramConn): Promise<string> {
  const [bytes] = await listener.receive(new Uint8Array(4096));
  return new TextDecoder().decode(bytes);
}

Deno.test("send() reaches a path and an abstract name", async () => {
  using directory = new TempDirectory();
  const name = `duwsgi-test-${crypto.randomUUID()}`;
  for (
    const [path, address] of [
      [directory.at("notify"), directory.at("notify")],
      [`\0${name}`, `@${name}`],
    ] as const
  ) {
    const listener = Deno.listenDatagram({ transport: "unixpacket", path });
    const socket = new NotifySocket(c, address);
    assertEquals([socket.send("A=1\n"), socket.send("B=é\n")], [true, true]);
    assertEquals([await received(listener), await received(listener)], ["A=1\n", "B=é\n"]);
    socket.close();
    listener.close();
  }
});

Deno.test("send() is false and waits for nothing, when the queue of the receiver is full", async () => {
  using directory = new TempDirectory();
  const path = directory.at("notify");
  const listener = Deno.listenDatagram({ transport: "unixpacket", path });
  const socket = new NotifySocket(c, path);
  let sent = 0;
  while (socket.send(`N=${sent}`)) sent++;
  for (let at = 0; at < sent; at++) assertEquals(await received(listener), `N=${at}`);
  assertEquals(socket.send("more"), true);
  assertEquals(await received(listener), "more");
  socket.close();
  listener.close();
});

Deno.test("send() throws when nobody is there, and other kinds of address are refused", () => {
  using directory = new TempDirectory();
  const socket = new NotifySocket(c, directory.at("nobody"));
  const error = assertThrows(() => socket.send("A=1"), SystemCallError);
  assertEquals((error as SystemCallError).errno, ERRNO.ENOENT);
  socket.close();
  for (const address of ["vsock:2:1234", "relative", "@", "/"]) {
    assertThrows(() => new NotifySocket(c, address), TypeError, "neither a path nor @name");
  }
});
