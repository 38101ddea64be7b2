/** The table of commands. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  commandList,
  type CommandName,
  commandNamed,
  commandOfLetter,
  COMMANDS,
  findCommand,
  hasVerdict,
  LETTERS_WITHOUT_COMMAND,
} from "../../../lib/control/commands.ts";
import { MASTER_SIGNALS } from "../../../lib/master/operators/signals.ts";
import { stateOf } from "../../helpers/master_state.ts";

/** What a command asks the core of a master, of one with four workers unless something else is said. */
function asked(name: CommandName, argument: string | null = null, state = stateOf()) {
  const { action } = commandNamed(name);
  if (action.kind !== "ask") throw new TypeError(`${name} asks for nothing`);
  return action.masterEvent({ argument, why: "a test", ticket: 7 }, state);
}

const by = { why: "a test", ticket: 7 };

Deno.test("COMMANDS have names and letters of their own, and explain themselves", () => {
  const names = COMMANDS.map(({ name }) => name);
  assertEquals(new Set(names).size, names.length);
  const letters = COMMANDS.map(({ letter }) => letter).filter((letter) => letter !== "");
  assertEquals(new Set(letters).size, letters.length);
  for (const { name, letter, help, details } of COMMANDS) {
    assert(/^[A-Z].*[^.]$/.test(help), `${name}: ${help}`);
    assert(details === "" || details.endsWith("."), name);
    assert(letter === "" || /^[a-zA-Z+-]$/.test(letter), name);
  }
});

Deno.test("COMMANDS have all letters of uWSGI's FIFO, or a reason", () => {
  for (const letter of "crRwWqQpPslL+-CfSBE") {
    const command = commandOfLetter(letter);
    assertEquals(command === undefined, Object.hasOwn(LETTERS_WITHOUT_COMMAND, letter), letter);
  }
  assertEquals(commandOfLetter(""), undefined);
  assertEquals(commandOfLetter("\n"), undefined);
});

Deno.test("COMMANDS become what the core understands", () => {
  assertEquals(asked("reload"), { type: "reload", kind: "all", ...by });
  assertEquals(asked("brutal-reload"), { type: "reload", kind: "all", brutal: true, ...by });
  assertEquals(asked("workers-reload"), { type: "reload", kind: "workers", ...by });
  assertEquals(asked("chain-reload"), { type: "reload", kind: "chain", ...by });
  assertEquals(asked("stop"), { type: "stop", ...by });
  assertEquals(asked("kill"), { type: "stop", brutal: true, ...by });
  assertEquals(asked("pause"), { type: "pause", on: true, ...by });
  assertEquals(asked("resume"), { type: "pause", on: false, ...by });
  assertEquals(asked("cheap"), { type: "want", workers: 0, why: "a test" });
});

Deno.test("toggle-pause pauses, and resumes when paused", () => {
  assertEquals(asked("toggle-pause"), { type: "pause", on: true, ...by });
  const paused = { ...stateOf(), paused: true };
  assertEquals(asked("toggle-pause", null, paused), { type: "pause", on: false, ...by });
});

Deno.test("scale takes a number, or a difference, and nothing else", () => {
  const processes = (argument: string | null) => {
    const masterEvent = asked("scale", argument);
    return masterEvent.type === "scale" ? masterEvent.processes : null;
  };
  assertEquals(["1", "9", "1024", "+2", "-3", "+0"].map(processes), [1, 9, 1024, 6, 1, 4]);
  for (const wrong of ["0", "1025", "-4", "+1021", "", "x", "2.5", "1e2", " 3", null]) {
    assertThrows(() => processes(wrong), SyntaxError, "scale expects a number of workers");
  }
});

Deno.test("more and fewer stay within what is possible", () => {
  assertEquals(asked("more"), { type: "scale", processes: 5, ...by });
  assertEquals(asked("fewer"), { type: "scale", processes: 3, ...by });
  const one = stateOf({ settings: { ...stateOf().settings, processes: 1 } });
  assertEquals(asked("fewer", null, one), { type: "scale", processes: 1, ...by });
});

Deno.test("findCommand() knows names, and nothing else", () => {
  assertEquals(findCommand("stop")?.letter, "q");
  for (const name of ["", "q", "constructor", "Stop"]) assertEquals(findCommand(name), undefined);
});

Deno.test("hasVerdict() is true for what the core decides about", () => {
  const waits = COMMANDS.filter(hasVerdict).map(({ name }) => name);
  assert(waits.includes("chain-reload") && waits.includes("scale") && waits.includes("stop"));
  for (const name of ["status", "help", "reopen-logs", "cheap"] as const) {
    assert(!waits.includes(name), name);
  }
});

Deno.test("MASTER_SIGNALS have commands that need no argument", () => {
  for (const { command } of Object.values(MASTER_SIGNALS)) {
    assertEquals(commandNamed(command).argument, "");
  }
});

Deno.test("commandList() has a line for each command", () => {
  assertEquals(commandList().split("\n").length, COMMANDS.length);
});
