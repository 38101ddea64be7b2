/** What a script says of its requests. */
import { assertEquals } from "@std/assert";
import { markRequest, requestMarks } from "../../../../lib/worker/counting/request_annotations.ts";

Deno.test("marks belong to one request", () => {
  const [one, other] = [new Request("http://a/"), new Request("http://a/")];
  assertEquals(requestMarks(one), undefined);
  markRequest(one).variables.set("a", "b");
  markRequest(one).logged = true;
  assertEquals(requestMarks(one), { variables: new Map([["a", "b"]]), logged: true });
  assertEquals(requestMarks(other), undefined);
});
