/** What a request's variables mean. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { Refusal } from "../../../../lib/worker/uwsgi_protocol/packet.ts";
import { httpHead, requestHead } from "../../../../lib/worker/uwsgi_protocol/request.ts";

function head(variables: Readonly<Record<string, string>>) {
  const pairs = Object.entries({ REQUEST_METHOD: "GET", HTTP_HOST: "a.example", ...variables });
  return requestHead(pairs, new Map(pairs));
}

Deno.test("the URL is made of scheme, host and what the client sent", () => {
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{ REQUEST_URI: "/a%20b?x=%2f" }, "http://a.example/a%20b?x=%2f"],
    [{ REQUEST_URI: "/", HTTPS: "on" }, "https://a.example/"],
    [{ REQUEST_URI: "/", HTTPS: "off", REQUEST_SCHEME: "https" }, "http://a.example/"],
    [{ REQUEST_URI: "/", REQUEST_SCHEME: "https" }, "https://a.example/"],
    [{ REQUEST_URI: "/", UWSGI_SCHEME: "https" }, "https://a.example/"],
    [{ REQUEST_URI: "/", HTTP_HOST: "[::1]:8080" }, "http://[::1]:8080/"],
    [{ REQUEST_URI: "/", HTTP_HOST: "", SERVER_NAME: "b", SERVER_PORT: "81" }, "http://b:81/"],
    [{ REQUEST_URI: "/", HTTP_HOST: "", SERVER_NAME: "_" }, "http://localhost/"],
    [{ REQUEST_URI: "//evil.example/x" }, "http://a.example//evil.example/x"],
    [{ REQUEST_URI: "*" }, "http://a.example/*"],
    [{ REQUEST_URI: "/\xc3\xa4\t b" }, "http://a.example/%C3%A4%09%20b"],
    [
      { SCRIPT_NAME: "/app", PATH_INFO: "/x y?%", QUERY_STRING: "q=1" },
      "http://a.example/app/x%20y%3F%25?q=1",
    ],
    [{}, "http://a.example/"],
  ];
  for (const [variables, url] of cases) assertEquals(head(variables).url, url);
});

Deno.test("a host that would lead somewhere else is refused", () => {
  for (const host of ["a/b", "a@b", "a b", "a?b", "a#b", "a\\b", "a:port", "[::1"]) {
    const error = assertThrows(() => head({ HTTP_HOST: host, REQUEST_URI: "/" }), Refusal);
    assertEquals(error.status, 400, host);
  }
});

Deno.test("headers come from HTTP_ variables, repeated ones as well, and the type of the body", () => {
  const pairs = [
    ["REQUEST_METHOD", "POST"],
    ["CONTENT_TYPE", "text/plain"],
    ["CONTENT_LENGTH", "12"],
    ["HTTP_HOST", "a"],
    ["HTTP_X_OWN_NAME", "ä\xff"],
    ["HTTP_COOKIE", "a=1"],
    ["HTTP_COOKIE", "b=2"],
    ["HTTP_CONTENT_LENGTH", "13"],
    ["HTTP_TRANSFER_ENCODING", "chunked"],
    ["HTTP_EMPTY", ""],
    ["SSL_CLIENT_VERIFY", "SUCCESS"],
  ] as const;
  const { headers, length, method } = requestHead(pairs, new Map(pairs));
  assertEquals([...headers], [
    ["content-length", "12"],
    ["content-type", "text/plain"],
    ["cookie", "a=1; b=2"],
    ["host", "a"],
    ["x-own-name", "ä\xff"],
  ]);
  assertEquals([length, method], [12, "POST"]);
});

Deno.test("the client is whom the proxy names", () => {
  assertEquals(head({}).client, null);
  assertEquals(head({ REMOTE_ADDR: "::1", REMOTE_PORT: "99" }).client, {
    hostname: "::1",
    port: 99,
  });
  for (const port of ["", "x", "-1", "65536"]) {
    const client = head({ REMOTE_ADDR: "10.0.0.1", REMOTE_PORT: port }).client;
    assertEquals(client, { hostname: "10.0.0.1", port: 0 });
  }
});

Deno.test("what is no address of a client names nobody", () => {
  for (const text of ["unix:", "a", '1.2.3.4","x":"', "1.2.3.4\n", "[::1]", "::1\t", "\x1b[31m"]) {
    assertEquals(head({ REMOTE_ADDR: text }).client?.hostname, "", text);
  }
  assertEquals(head({ REMOTE_ADDR: "2001:DB8::0" }).client?.hostname, "2001:db8::");
});

Deno.test("what is no request is refused with what is wrong", () => {
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{ REQUEST_METHOD: "" }, "there is no REQUEST_METHOD: include uwsgi_params"],
    [{ CONTENT_LENGTH: "-1" }, 'CONTENT_LENGTH is no length: "-1"'],
    [{ CONTENT_LENGTH: "1e3" }, 'CONTENT_LENGTH is no length: "1e3"'],
    [{ "HTTP_A B": "1" }, '"HTTP_A B" cannot be a header'],
    [{ HTTP_A: "1\r\nB: 2" }, '"HTTP_A" cannot be a header'],
  ];
  for (const [variables, text] of cases) assertThrows(() => head(variables), Refusal, text);
});

Deno.test("whatever the variables are, the URL stays with the host, or they are refused", () => {
  const bytes = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)) });
  const names = fc.constantFrom("REQUEST_URI", "PATH_INFO", "QUERY_STRING", "HTTPS", "HTTP_X", "X");
  fc.assert(fc.property(fc.dictionary(names, bytes), (variables) => {
    try {
      assertEquals(new URL(head(variables).url).host, "a.example");
    } catch (error) {
      assert(error instanceof Refusal, String(error));
    }
  }));
});

function httpOf(variables: Readonly<Record<string, string>>): string {
  const pairs = Object.entries({ REQUEST_METHOD: "GET", HTTP_HOST: "a", ...variables });
  const named = new Map(pairs);
  return String.fromCharCode(...httpHead(requestHead(pairs, named), named));
}

Deno.test("in HTTP, a request keeps its target, and loses what is about another connection", () => {
  const lines = [
    ["REQUEST_URI", "/a/../b?c=%20"],
    ["CONTENT_LENGTH", "012"],
    ["HTTP_CONNECTION", "upgrade"],
    ["HTTP_EXPECT", "100-continue"],
    ["HTTP_TE", "trailers"],
    ["HTTP_TRANSFER_ENCODING", "chunked"],
    ["HTTP_UPGRADE", "websocket"],
    ["HTTP_X_NAME", "\xe4"],
  ];
  assertEquals(
    httpOf(Object.fromEntries(lines)),
    "GET /a/../b?c=%20 HTTP/1.0\r\nhost: a\r\nx-name: \xe4\r\ncontent-length: 12\r\n\r\n",
  );
  assertEquals(httpOf({ HTTP_HOST: "", SERVER_NAME: "b" }), "GET / HTTP/1.0\r\nhost: b\r\n\r\n");
});

Deno.test("no variable makes more of a request in HTTP than one head", () => {
  const name = fc.stringMatching(/^(HTTP_[A-Z_]{1,5}|REQUEST_METHOD|REQUEST_URI|HTTP_HOST|HTTPS)$/);
  const value = fc.string({ unit: "binary", maxLength: 12 }).map((text) =>
    text.replace(/[^\0-\xff]/g, "\n")
  );
  fc.assert(fc.property(fc.dictionary(name, value), (variables) => {
    let text: string;
    try {
      text = httpOf(variables);
    } catch (error) {
      assert(error instanceof Refusal, String(error));
      return;
    }
    assertEquals(text.indexOf("\r\n\r\n"), text.length - 4);
    assertEquals(/[^\r]\n|\r[^\n]|\0/.test(text), false);
  }));
});
