import { assertEquals, assertThrows } from "@std/assert";
import type { MasterEvent } from "../../../../lib/core/event.ts";
import { initialState, type MasterState } from "../../../../lib/core/state.ts";
import {
  PathsByGeneration,
  pinned,
  ReleaseGone,
  reloadIfNobodyServes,
} from "../../../../lib/master/process/generation_paths.ts";
import { TempDirectory } from "../../../helpers/temp_directory.ts";

function releases(): TempDirectory {
  const directory = new TempDirectory();
  for (const number of [1, 2]) directory.write(`releases/${number}/app.ts`, String(number));
  Deno.symlinkSync("releases/1", directory.at("current"));
  return directory;
}

function flip(directory: TempDirectory): void {
  Deno.removeSync(directory.at("current"));
  Deno.symlinkSync("releases/2", directory.at("current"));
}

Deno.test("Workplaces.of() looks a generation up once, and the next one again", () => {
  using directory = releases();
  const places = new PathsByGeneration();
  const config = { script: directory.at("current/app.ts") };
  const root = Deno.realPathSync(directory.path);
  assertEquals(places.of(1, config).script, `${root}/releases/1/app.ts`);
  flip(directory);
  assertEquals(places.of(1, config).script, `${root}/releases/1/app.ts`);
  assertEquals(places.of(2, config).script, `${root}/releases/2/app.ts`);
  // The next program goes on with them.
  assertEquals(
    new PathsByGeneration(places.record).of(1, config).script,
    `${root}/releases/1/app.ts`,
  );
  places.forgetBefore(2);
  assertEquals(Object.keys(places.record), ["2"]);
});

Deno.test("Workplaces.of() says that a release was removed, and what to do", () => {
  using directory = releases();
  const places = new PathsByGeneration();
  const config = { script: directory.at("current/app.ts") };
  places.of(1, config);
  flip(directory);
  Deno.removeSync(directory.at("releases/1"), { recursive: true });
  assertThrows(() => places.of(1, config), ReleaseGone, "releases/1, where generation 1 runs");
});

Deno.test("pinned() follows links above a file, and not the file itself", () => {
  using directory = releases();
  Deno.symlinkSync("app.ts", directory.at("releases/1/main.ts"));
  const root = Deno.realPathSync(directory.path);
  assertEquals(pinned(directory.at("current/main.ts")), `${root}/releases/1/main.ts`);
  assertEquals(pinned(directory.at("nowhere/main.ts")), `${root}/nowhere/main.ts`);
});

Deno.test("reloadIfNobodyServes() asks for a reload when there is nothing to lose", () => {
  const asked = (change: Partial<MasterState>) => {
    const reports: MasterEvent[] = [];
    const settings = {
      processes: 1,
      startTimeoutMs: 1,
      mercyMs: 1,
      rollback: true,
      verifyMs: 0,
      respawnLimit: 0,
      dieOnNoWorkers: false,
    };
    const state = {
      ...initialState(settings, true, 0, null),
      phase: "running" as const,
      ...change,
    };
    reloadIfNobodyServes(state, (report) => reports.push(report));
    return reports.length;
  };
  const worker = { state: "accepting" } as MasterState["workers"][number];
  assertEquals(asked({ workers: [] }), 1);
  assertEquals(asked({ workers: [{ ...worker, state: "starting" }] }), 1);
  assertEquals(asked({ workers: [worker] }), 0);
  assertEquals(asked({ workers: [], phase: "stopping" }), 0);
  assertEquals(asked({ workers: [], reload: {} as MasterState["reload"] }), 0);
});
