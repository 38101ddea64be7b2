/** How many open files an instance takes. */
import { assertEquals } from "@std/assert";
import {
  descriptorsNeeded,
  whyTooFewDescriptors,
} from "../../../../lib/config/checks/descriptor_budget.ts";
import { defaults } from "../../../../lib/config/resolve.ts";

const ON = { ...defaults(), reusePort: true };

function withSockets(count: number, processes: number, text = ":0") {
  const sockets = Array.from({ length: count }, () => ({ text }));
  return { ...ON, processes, sockets: sockets as unknown as typeof ON.sockets };
}

Deno.test("descriptorsNeeded() counts a queue for each worker of a TCP socket, and one for others", () => {
  const one = descriptorsNeeded(withSockets(1, 1));
  assertEquals(descriptorsNeeded(withSockets(11, 1)) - one, 10);
  assertEquals(descriptorsNeeded(withSockets(11, 1, "/run/app.sock")) - one, 10);
  assertEquals(
    descriptorsNeeded(withSockets(10, 4)) - descriptorsNeeded(withSockets(10, 4, "@app")),
    30,
  );
  // Its workers have their words in files of memory.
  assertEquals(descriptorsNeeded({ ...withSockets(1, 1), logDate: "%H" }) - one, 4);
  const shared = { ...withSockets(10, 4), reusePort: false };
  assertEquals(descriptorsNeeded(shared), descriptorsNeeded(withSockets(10, 4, "@app")));
});

Deno.test("whyTooFewDescriptors() says in one line what is too much, and for what", () => {
  assertEquals(whyTooFewDescriptors(withSockets(1, 4), 1024), null);
  assertEquals(whyTooFewDescriptors(withSockets(29, 6), 256), null);
  const needed = descriptorsNeeded(withSockets(36, 6));
  assertEquals(
    whyTooFewDescriptors(withSockets(36, 6), 256),
    `36 sockets and 6 workers take ${needed} open files, and the limit is 256: set max-fd to more, ` +
      "or take fewer sockets or workers",
  );
  assertEquals(whyTooFewDescriptors(withSockets(36, 6), needed), null);
});
