/** What a plan says of itself. */
import { assertEquals } from "@std/assert";
import { type LogStream, planDescriptors } from "../../../lib/log/log_plan.ts";

function streamOf(...fds: readonly number[]): LogStream {
  return {
    date: null,
    drains: [],
    filters: [],
    routes: [],
    targets: [
      ...fds.map((fd) => ({
        id: "",
        place: { kind: "file", path: `/log/${fd}`, fd } as const,
        encoders: [],
      })),
      { id: "", place: { kind: "stderr" }, encoders: [] },
    ],
  };
}

Deno.test("planDescriptors() has those of the files of both logs, and no others", () => {
  assertEquals(planDescriptors({ log: null, request: null }), []);
  assertEquals(planDescriptors({ log: streamOf(5, 6), request: streamOf(7) }), [5, 6, 7]);
});
