/** Entries on their way to files. */
import { assertEquals } from "@std/assert";
import type { LogEntry } from "../../../lib/log/entry.ts";
import { openStream } from "../../../lib/log/stream.ts";
import type { LogTarget } from "../../../lib/log/log_plan.ts";
import { openToAppend } from "../../../lib/system/files/trusted_file.ts";
import { requireLibc } from "../../../lib/system/libc.ts";
import { TempDirectory } from "../../helpers/temp_directory.ts";

const c = requireLibc();

function entry(text: string): LogEntry {
  return { level: "info", text, at: 0, logger: "worker", fields: {} };
}

function file(path: string, id = ""): LogTarget & { readonly place: { readonly fd: number } } {
  return { id, place: { kind: "file", path, fd: openToAppend(c, path).fd }, encoders: [] };
}

Deno.test("openStream() writes entries in order to the targets they are routed to", () => {
  using directory = new TempDirectory();
  const [all, some, rest] = [file(directory.at("all")), file(directory.at("some"), "some")].concat(
    file(directory.at("rest")),
  );
  if (all === undefined || some === undefined || rest === undefined) throw new Error("no files");
  const sink = openStream({
    date: null,
    drains: ["drop"],
    filters: [],
    routes: [{ id: "some", pattern: "^s" }],
    targets: [all, some, rest],
  }, {
    libc: c,
    lockFd: null,
    stderrFd: 2,
    hostname: "h",
    pid: 1,
    onLost: () => {},
  });
  sink([entry("a"), entry("s 1"), entry("drop"), entry("b")]);
  sink([entry("s 2")]);
  assertEquals(Deno.readTextFileSync(directory.at("all")), "a\nb\n");
  assertEquals(Deno.readTextFileSync(directory.at("some")), "s 1\ns 2\n");
  assertEquals(Deno.readTextFileSync(directory.at("rest")), "");
  for (const { place } of [all, some, rest]) c.close(place.fd);
});

Deno.test("openStream() counts each entry that a full disk does not take, and throws nothing", () => {
  let lost = 0;
  const full = file("/dev/full");
  const sink = openStream(
    { date: null, drains: [], filters: [], routes: [], targets: [full] },
    {
      libc: c,
      lockFd: null,
      stderrFd: 2,
      hostname: "h",
      pid: 1,
      onLost: (entries) => lost += entries,
    },
  );
  sink([entry("a"), entry("b")]);
  sink([entry("c")]);
  assertEquals(lost, 3);
  c.close(full.place.fd);
});
