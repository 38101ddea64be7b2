/** Entries for the journal, taken apart as the journal does it. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { journalEntry } from "../../../lib/log/journal.ts";
import { journalFields } from "../../helpers/journal_fields.ts";

Deno.test("journalEntry() has who, what and how bad in fields", () => {
  const fields = { worker: 2, pid: 42, afterMs: 7, list: [1], none: null };
  const entry = { level: "warning", text: "", at: 0, logger: "worker", fields } as const;
  assertEquals(Object.fromEntries(journalFields(journalEntry("app", entry, "one\ntwo"))), {
    PRIORITY: "4",
    SYSLOG_IDENTIFIER: "app",
    DUWSGI_LOGGER: "worker",
    DUWSGI_WORKER: "2",
    DUWSGI_PID: "42",
    DUWSGI_AFTER_MS: "7",
    MESSAGE: "one\ntwo",
  });
});

Deno.test("journalEntry() keeps any text whole", () => {
  const entry = { level: "info", text: "", at: 0, logger: "worker", fields: {} } as const;
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    assertEquals(journalFields(journalEntry("app", entry, text)).get("MESSAGE"), text);
  }));
});
