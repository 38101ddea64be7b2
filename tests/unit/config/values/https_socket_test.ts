/** What `https-socket` and `https-socket2` say. */
import { assertEquals, assertThrows } from "@std/assert";
import { type HttpsSocket, parseHttpsSocket } from "../../../../lib/config/values/https_socket.ts";
import { socketList } from "../../../../lib/config/kinds/socket_kind.ts";
import { loadGrammars } from "../../../../lib/config/kinds/line_reader.ts";

await loadGrammars();

const origin = { file: "app.ini", line: 2 };

function parse(text: string, option = "https-socket"): HttpsSocket {
  return parseHttpsSocket({ option, text, origin });
}

const SOCKET = { text: ":8443", tls: { certificate: "/c.pem", key: "/k.pem" } };

Deno.test("parseHttpsSocket() reads both forms", () => {
  assertEquals(parse(":8443,/c.pem,/k.pem"), SOCKET);
  assertEquals(parse(":8443, /c.pem , /k.pem,,"), SOCKET);
  assertEquals(parse("addr=:8443,cert=/c.pem,key=/k.pem", "https-socket2"), SOCKET);
  assertEquals(parse("key=/k.pem,crt=/c.pem,addr=:8443", "https-socket2"), SOCKET);
});

Deno.test("parseHttpsSocket() says what is missing, and what cannot be had", () => {
  const cases: [text: string, option: string, message: string][] = [
    [":1", "https-socket", "has no certificate: write https-socket = ADDRESS,CERTIFICATE,KEY"],
    [":1,c", "https-socket", "has no key: write https-socket = ADDRESS,CERTIFICATE,KEY"],
    [",c,k", "https-socket", "has no address: write https-socket"],
    ["addr=:1,cert=c", "https-socket2", "has no key: write https-socket2 = addr=ADDRESS"],
    [":1,c,k,HIGH", "https-socket", "asks for a list of ciphers: Deno chooses them"],
    [":1,c,k,,ca", "https-socket", "asks for certificates of clients: Deno does not"],
    ["addr=:1,cert=c,key=k,clientca=x", "https-socket2", "asks for certificates of clients"],
    ["addr=:1,spdy=1", "https-socket2", 'has an unknown key "spdy"'],
    [":1,a,b,c,d,e", "https-socket", "has too many commas: use https-socket2"],
  ];
  for (const [text, option, message] of cases) {
    assertThrows(() => parse(text, option), SyntaxError, message);
  }
});

Deno.test("what is written of a TLS socket is read as the same, also with commas in paths", () => {
  for (const certificate of ["/c.pem", "/c,1.pem"]) {
    const tls = { certificate, key: "/k.pem" };
    const value = [{ option: "https-socket" as const, text: "[::1]:8443", tls, origin }];
    const [written] = socketList.write(value);
    const again = socketList.add([], {
      name: written?.name ?? "",
      value: written?.value ?? "",
      origin,
    });
    assertEquals(again, value);
  }
});

Deno.test("a TLS socket cannot be a Unix socket", () => {
  for (const address of ["/run/app.sock", "@app"]) {
    const written = { name: "https-socket", value: `${address},c,k`, origin };
    assertThrows(() => socketList.add([], written), SyntaxError, "TLS on TCP only");
  }
});
