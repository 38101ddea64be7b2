import { assertEquals } from "@std/assert";
import {
  masterName,
  type NameConfig,
  workerName,
} from "../../../../lib/master/process/process_names.ts";

const NONE: NameConfig = {
  procname: "",
  procnameMaster: "",
  procnamePrefix: "",
  procnamePrefixSpaced: "",
  procnameAppend: "",
  autoProcname: false,
};

Deno.test("masterName() and workerName() are null, when nothing is configured", () => {
  assertEquals([masterName(NONE), workerName(NONE, 1)], [null, null]);
});

Deno.test("masterName() and workerName() put together what is configured", () => {
  const cases: [Partial<NameConfig>, string | null, string | null][] = [
    [{ autoProcname: true }, "duwsgi master", "duwsgi worker 2"],
    [{ procname: "a" }, "a", "a"],
    [{ procnameMaster: "m" }, "m", null],
    [{ procname: "a", procnameMaster: "m" }, "m", "a"],
    [{ autoProcname: true, procname: "a" }, "a", "a"],
    [{ procnamePrefix: "p" }, "pduwsgi master", "pduwsgi worker 2"],
    [{ procnamePrefixSpaced: "p", procnamePrefix: "q", procname: "a" }, "p a", "p a"],
    [{ procnameAppend: "!", procnameMaster: "m" }, "m!", "duwsgi worker 2!"],
  ];
  for (const [config, master, worker] of cases) {
    const names = { ...NONE, ...config };
    assertEquals([masterName(names), workerName(names, 2)], [master, worker]);
  }
});
