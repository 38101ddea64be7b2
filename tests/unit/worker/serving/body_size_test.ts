/** The size of bodies, by where Deno keeps them: the first thing to fail with another Deno. */
import { assertEquals } from "@std/assert";
import { bodySize, isStreamed, knownBodySize } from "../../../../lib/worker/serving/body_size.ts";

const headers = { "x-a": "b" };
const form = new FormData();
form.set("a", "b");

const RESPONSES: readonly [what: string, response: () => Response, size: number][] = [
  ["a text", () => new Response("hello"), 5],
  ["a text with headers", () => new Response("hello", { headers }), 5],
  ["a text of several bytes per character", () => new Response("hellö €😀"), 14],
  ["an empty text", () => new Response(""), 0],
  ["JSON", () => Response.json({ a: "ö" }), 10],
  ["bytes", () => new Response(new Uint8Array(7)), 7],
  ["bytes with headers", () => new Response(new Uint8Array(7), { headers }), 7],
  ["a buffer", () => new Response(new ArrayBuffer(9)), 9],
  ["a blob", () => new Response(new Blob(["abc"])), 3],
  ["parameters", () => new Response(new URLSearchParams("a=b")), 3],
  ["no body", () => new Response(null, { status: 204 }), 0],
  ["a redirection", () => Response.redirect("http://a.example/"), 0],
  ["an error", () => Response.error(), 0],
  ["a stream", () => new Response(new Blob(["abc"]).stream()), 0],
  [
    "a stream whose length a header says",
    () => new Response(new Blob(["abc"]).stream(), { headers: { "Content-Length": "3" } }),
    3,
  ],
  [
    "a stream with a header that is no length",
    () => new Response(new Blob(["abc"]).stream(), { headers: { "content-length": "x" } }),
    0,
  ],
];

for (const [what, response, size] of RESPONSES) {
  Deno.test(`bodySize() knows the size of ${what}, and leaves the response as it is`, async () => {
    const made = response();
    assertEquals([bodySize(made), bodySize(made)], [size, size]);
    assertEquals(await made.text(), await response().text());
  });
}

Deno.test("bodySize() knows the size when somebody has looked at the headers", () => {
  const response = new Response("hello");
  response.headers.set("connection", "close");
  assertEquals(bodySize(response), 5);
});

Deno.test("bodySize() knows the size of a form as it is sent", async () => {
  assertEquals(bodySize(new Response(form)), (await new Response(form).bytes()).length);
});

Deno.test("bodySize() is 0 for a response that is none of Deno's", () => {
  assertEquals(bodySize({} as Response), 0);
});

Deno.test("knownBodySize() tells an unknown size from none", () => {
  const stream = new Blob(["abc"]).stream();
  assertEquals(knownBodySize(new Response(null)), 0);
  assertEquals(knownBodySize(new Response(stream)), null);
  assertEquals(knownBodySize({} as Response), null);
});

Deno.test("isStreamed() is true for what is sent piece by piece", () => {
  const { body } = new Response("hello");
  for (const one of [new Blob(["abc"]), new Blob(["abc"]).stream(), form]) {
    assertEquals(isStreamed(new Response(one)), true);
  }
  assertEquals(isStreamed(new Response(body?.pipeThrough(new CompressionStream("gzip")))), true);
  assertEquals(isStreamed({} as Response), true);
  for (const one of ["", "hello", new Uint8Array(7), new URLSearchParams("a=b"), null]) {
    assertEquals(isStreamed(new Response(one)), false);
    assertEquals(isStreamed(new Response(one, { headers })), false);
  }
  assertEquals(isStreamed(Response.redirect("http://a.example/")), false);
});
