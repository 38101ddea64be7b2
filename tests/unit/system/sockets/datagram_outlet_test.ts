/** Datagrams to whoever is there, or is not. */
import { assertEquals } from "@std/assert";
import { DatagramSender } from "../../../../lib/system/sockets/datagram_outlet.ts";
import { requireLibc } from "../../../../lib/system/libc.ts";
import { DatagramReceiver } from "../../../helpers/datagram_receiver.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

const c = requireLibc();
const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("DatagramOutlet drops what nobody receives, and sends as soon as somebody is there", async () => {
  using directory = new TempDirectory();
  const path = directory.at("log");
  const outlet = new DatagramSender(c, { kind: "unix", path, abstract: false });
  assertEquals(outlet.send(encode("lost")), false);
  using receiver = DatagramReceiver.unix(path);
  assertEquals(outlet.send(encode("found")), true);
  while (receiver.messages.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(receiver.texts, ["found"]);
  // A queue that is full: whatever fits, and then nothing more, at once.
  let sent = 0;
  while (sent < 10_000 && outlet.send(encode("x".repeat(1000)))) sent++;
  assertEquals(sent < 10_000, true);
  outlet.close();
});

Deno.test("DatagramOutlet cuts what is too long between two characters, and says so", async () => {
  using receiver = DatagramReceiver.udp();
  const outlet = new DatagramSender(c, { kind: "inet", host: "127.0.0.1", port: receiver.port });
  assertEquals(outlet.send(encode("é".repeat(40_000))), false);
  while (receiver.messages.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(receiver.texts, ["é".repeat(32_753)]);
  outlet.close();
});
