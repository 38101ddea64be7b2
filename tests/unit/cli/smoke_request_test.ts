import { assertEquals, assertThrows } from "@std/assert";
import { checkResponse } from "../../../lib/cli/smoke_request.ts";

Deno.test("a status below 400 is good, and is told as the server says it", () => {
  assertEquals(checkResponse("HTTP/1.1 200 OK\r\n\r\n"), "200 OK");
  assertEquals(checkResponse("HTTP/1.0 204\r\n\r\n"), "204");
  assertEquals(checkResponse("HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n"), "302 Found");
});

Deno.test("what is no success says what it is", () => {
  assertThrows(
    () => checkResponse("HTTP/1.1 404 Not Found\r\n\r\n"),
    Error,
    "the answer is 404 Not Found",
  );
  assertThrows(() => checkResponse("HTTP/1.1 500 \r\n\r\n"), Error, "the answer is 500");
  assertThrows(() => checkResponse(""), Error, "closed without an answer");
  assertThrows(() => checkResponse("220 ready\r\n"), Error, "the answer is not HTTP");
  assertThrows(() => checkResponse("HTTP/2"), Error, "--smoke=connect");
});
