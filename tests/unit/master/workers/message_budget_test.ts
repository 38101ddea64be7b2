/** How much a worker may say. */
import { assert, assertEquals } from "@std/assert";
import { MessageBudget } from "../../../../lib/master/workers/message_budget.ts";

Deno.test("MessageBudget lets a worker say what workers say, at once", () => {
  const budget = new MessageBudget(0);
  for (let i = 0; i < 100; i++) assertEquals(budget.take("accepting", 0), 0);
  assertEquals(budget.take("accepting", 0), 10);
  assertEquals(budget.take("accepting", 20), 0);
});

Deno.test("MessageBudget has room for 10000 messages for mules per second", () => {
  const budget = new MessageBudget(0);
  for (let i = 0; i < 10_000; i++) assertEquals(budget.take("mule-message", 0), 0);
  assert(budget.take("mule-ask", 0) > 0);
  for (let ms = 1_000; ms < 1_100; ms++) {
    for (let i = 0; i < 10; i++) assertEquals(budget.take("mule-message", ms), 0);
  }
});

Deno.test("MessageBudget never lets more through than its rate, when its waits are kept", () => {
  const budget = new MessageBudget(0);
  let at = 0;
  for (let i = 0; i < 1_000; i++) at += budget.take("reload", at);
  assert(at >= 8_900 && at <= 9_100, `${at}`);
  // A clock that stands still or goes back gives nothing.
  assert(budget.take("reload", at - 5_000) > 0);
});
