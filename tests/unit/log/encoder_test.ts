/** How entries look. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Encoder, entryWriter } from "../../../lib/log/encoder.ts";
import type { LogEntry } from "../../../lib/log/entry.ts";
import { localTime } from "../../../lib/log/line_head.ts";

const AT = Date.UTC(2026, 0, 31, 23, 59, 59, 123);
const OWN: LogEntry = { level: "info", text: "a b", at: AT, logger: "duwsgi", fields: {} };
const WORKER: LogEntry = {
  level: "error",
  text: 'say "x"\nand more',
  at: AT,
  logger: "worker",
  fields: { worker: 2, pid: 42, generation: 3 },
};

function written(entry: LogEntry, encoders: readonly Encoder[], date: string | null = null) {
  return entryWriter({ date, bare: false }, encoders)(entry);
}

Deno.test("entryWriter() puts time, level and who writes before lines of text", () => {
  assertEquals(written(WORKER, []), `${localTime(AT)} error worker 2: ${WORKER.text}`);
  const mule = { ...WORKER, logger: "mule", fields: { mule: 1, pid: 43 } };
  assertEquals(written(mule, []), `${localTime(AT)} error mule 1: ${WORKER.text}`);
  assertEquals(written(OWN, []), `${localTime(AT)} info a b`);
  for (const logger of ["request", "daemon"]) {
    assertEquals(written({ ...WORKER, logger }, []), WORKER.text);
  }
  assertEquals(entryWriter({ date: null, bare: true }, [])(WORKER), WORKER.text);
  assertEquals(entryWriter({ date: null, bare: true }, [])(OWN), "a b");
});

Deno.test("entryWriter() puts the date of log-date before everything", () => {
  assertEquals(written(WORKER, [], "%s"), `${Math.floor(AT / 1000)} - ${WORKER.text}`);
  assertEquals(written({ ...WORKER, logger: "request" }, [], "%s"), WORKER.text);
  assertEquals(written(OWN, [], "%s"), `${Math.floor(AT / 1000)} - info a b`);
});

Deno.test("entryWriter() makes one object of an entry of several lines", () => {
  const text = written(WORKER, [{ name: "object", argument: "" }], "%Y");
  assertEquals(text.includes("\n"), false);
  assertEquals(JSON.parse(text), {
    "@timestamp": "2026-01-31T23:59:59.123Z",
    level: "ERROR",
    message: WORKER.text,
    logger: "worker",
    properties: { worker: 2, pid: 42, generation: 3 },
  });
});

Deno.test("entryWriter() fills templates, and escapes only for json", () => {
  const template = "${unix} ${millis} ${micros} ${worker}/${pid}/${generation} ${level} [${msg}]";
  assertEquals(
    written(WORKER, [{ name: "format", argument: template }]),
    `${Math.floor(AT / 1000)} ${AT} ${AT}000 2/42/3 error [${WORKER.text}]`,
  );
  const argument = '{"at":"${strftime:%S}","text":"${msg}","nl":"${msgnl}","no":"${none}"}';
  const json = JSON.parse(written(WORKER, [{ name: "json", argument }]));
  assertEquals(json, { at: "59", text: WORKER.text, nl: `${WORKER.text}\n`, no: "" });
});

Deno.test("entryWriter() says nothing twice that a template of the user says", () => {
  const own = (argument: string) => written(OWN, [{ name: "format", argument }]);
  assertEquals(own("${strftime:%Y} ${level} ${msg}"), "2026 info a b");
  assertEquals(own("${unix} ${msg}"), `${Math.floor(AT / 1000)} info a b`);
  assertEquals(own("<${msg}>"), `<${localTime(AT)} info a b>`);
  assertEquals(written(WORKER, [{ name: "prefix", argument: "> " }]), `> ${WORKER.text}`);
});

Deno.test("entryWriter() applies one encoder after the other", () => {
  const chain: Encoder[] = [
    { name: "prefix", argument: "<" },
    { name: "suffix", argument: ">" },
    { name: "format", argument: "(${msg})" },
    { name: "nl", argument: "" },
  ];
  assertEquals(written({ ...WORKER, text: "x" }, chain), "(<x>)\n");
  const objectLast: Encoder[] = [{ name: "prefix", argument: "p " }, {
    name: "object",
    argument: "",
  }];
  assertEquals(JSON.parse(written({ ...WORKER, text: "x" }, objectLast)).message, "p x");
});

Deno.test("entryWriter() with json gives one line of JSON, whatever the text", () => {
  const chains: Encoder[][] = [
    [{ name: "object", argument: "" }],
    [{ name: "json", argument: '{"a":"${msg}","b":"${msgnl}"}' }],
  ];
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    for (const chain of chains) {
      const line = written({ ...WORKER, text }, chain);
      assertEquals(line.includes("\n"), false);
      JSON.parse(line);
    }
  }));
});
