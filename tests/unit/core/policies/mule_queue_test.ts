/** Which mule gets which message. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { LONGEST_QUEUE, MuleQueue } from "../../../../lib/core/policies/mule_queue.ts";

Deno.test("MuleMail gives a message to the first mule that waits", () => {
  const mail = new MuleQueue(3);
  assertEquals(mail.ask(3), null);
  assertEquals(mail.ask(2), null);
  assertEquals(mail.post("a", 0), { mule: 2, text: "a" });
  assertEquals(mail.post("b", 0), { mule: 3, text: "b" });
  assertEquals(mail.post("c", 0), "kept");
  assertEquals(mail.ask(1), { mule: 1, text: "c" });
});

Deno.test("MuleMail keeps a message for the mule that it was sent to", () => {
  const mail = new MuleQueue(2);
  assertEquals(mail.ask(1), null);
  assertEquals(mail.post("a", 2), "kept");
  assertEquals(mail.post("b", 0), { mule: 1, text: "b" });
  mail.post("c", 0);
  assertEquals(mail.ask(2), { mule: 2, text: "a" });
  assertEquals(mail.ask(2), { mule: 2, text: "c" });
});

Deno.test("MuleMail gives nothing to a mule that is gone, until its successor asks", () => {
  const mail = new MuleQueue(1);
  mail.ask(1);
  mail.forget(1);
  assertEquals(mail.post("a", 0), "kept");
  assertEquals(mail.post("b", 1), "kept");
  assertEquals(mail.ask(1), { mule: 1, text: "b" });
  assertEquals(mail.ask(1), { mule: 1, text: "a" });
});

Deno.test("MuleMail refuses what is beyond its queue, and what is for nobody", () => {
  const mail = new MuleQueue(1);
  for (let i = 0; i < LONGEST_QUEUE; i++) assertEquals(mail.post("x", 0), "kept");
  assertEquals(mail.post("x", 0), "full");
  assertEquals(mail.post("x", 1), "kept");
  assertEquals(mail.post("x", 2), "nobody");
  assertEquals(new MuleQueue(0).post("x", 0), "nobody");
});

Deno.test("MuleMail.resize() counts the messages that nobody gets any more", () => {
  const mail = new MuleQueue(3);
  mail.post("a", 3);
  mail.post("b", 2);
  mail.post("c", 0);
  assertEquals(mail.resize(2), 1);
  assertEquals(mail.ask(2), { mule: 2, text: "b" });
  assertEquals(mail.resize(0), 1);
});

Deno.test("MuleMail loses no message and gives none twice, whatever the mules do", () => {
  const steps = fc.array(fc.oneof(
    fc.record({ type: fc.constant("post" as const), mule: fc.nat(3) }),
    fc.record({ type: fc.constant("ask" as const), mule: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ type: fc.constant("forget" as const), mule: fc.integer({ min: 1, max: 3 }) }),
  ));
  fc.assert(fc.property(steps, (list) => {
    const mail = new MuleQueue(3);
    const got: string[] = [];
    const sent: string[] = [];
    for (const [i, { type, mule }] of list.entries()) {
      if (type === "forget") {
        mail.forget(mule);
        continue;
      }
      if (type === "post") sent.push(`${i} ${mule}`);
      const result = type === "post" ? mail.post(`${i} ${mule}`, mule) : mail.ask(mule);
      if (result === null || typeof result === "string") continue;
      assert(result.text.endsWith(" 0") || result.text.endsWith(` ${result.mule}`));
      got.push(result.text);
    }
    for (const mule of [1, 2, 3]) {
      mail.forget(mule);
      for (let more = mail.ask(mule); more !== null; more = mail.ask(mule)) got.push(more.text);
    }
    assertEquals(got.toSorted(), sent.toSorted());
  }));
});
