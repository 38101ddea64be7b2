import { assertEquals } from "@std/assert";
import { loadConfig } from "../../../../lib/config/load.ts";
import { memorySource } from "../../../helpers/memory_source.ts";

function problemsOf(text: string): string[] {
  const ini = `[uwsgi]\ndeno-worker-override = a.ts\nsocket = :1\nprocesses = 4\n${text}\n`;
  const { problems } = loadConfig(["a.ini"], memorySource({ files: { "a.ini": ini } }));
  return problems.map(({ severity, message }) => `${severity}: ${message}`);
}

Deno.test("cheaper must be less than processes", () => {
  assertEquals(problemsOf("cheaper = 4"), [
    'error: "cheaper" at a.ini:5 is 4 and must be less than processes, which is 4: lower it, or ' +
    "raise that",
  ]);
  assertEquals(problemsOf("cheaper = 3"), []);
  assertEquals(problemsOf("cheaper = 9\ncheaper = 0"), []);
});

Deno.test("cheaper-initial outside of cheaper to processes is a warning, and says what is used", () => {
  for (const [initial, used] of [[1, 2], [5, 4]]) {
    assertEquals(problemsOf(`cheaper = 2\ncheaper-initial = ${initial}`), [
      `warning: "cheaper-initial" at a.ini:6 is ${initial} and must be from cheaper (2) to ` +
      `processes (4): ${used} is used instead`,
    ]);
  }
  for (const initial of [2, 4]) {
    assertEquals(problemsOf(`cheaper = 2\ncheaper-initial = ${initial}`), []);
  }
});

Deno.test("an unknown cheaper-algo is an error that names the nearest one", () => {
  assertEquals(problemsOf("cheaper = 2\ncheaper-algo = busynes"), [
    'error: "cheaper-algo" at a.ini:6 expects spare or backlog or busyness or manual, not ' +
    '"busynes": did you mean "busyness"?',
  ]);
  assertEquals(problemsOf("cheaper = 2\ncheaper-algo = xyzzy"), [
    'error: "cheaper-algo" at a.ini:6 expects spare or backlog or busyness or manual, not "xyzzy"',
  ]);
});

Deno.test("the hard limit needs a smaller soft one", () => {
  assertEquals(problemsOf("cheaper = 2\ncheaper-rss-limit-hard = 5"), [
    'error: "cheaper-rss-limit-hard" at a.ini:6 needs cheaper-rss-limit-soft: set both',
  ]);
  assertEquals(problemsOf("cheaper = 2\ncheaper-rss-limit-hard = 5\ncheaper-rss-limit-soft = 5"), [
    'error: "cheaper-rss-limit-hard" at a.ini:6 is 5 and must be larger than ' +
    "cheaper-rss-limit-soft, which is 5",
  ]);
  assertEquals(
    problemsOf("cheaper = 2\ncheaper-rss-limit-hard = 6\ncheaper-rss-limit-soft = 5"),
    [],
  );
});

Deno.test("the limits of busyness leave room between them", () => {
  const busyness = "cheaper = 2\ncheaper-algo = busyness\n";
  assertEquals(problemsOf(`${busyness}cheaper-busyness-min = 50`), [
    'error: "cheaper-busyness-min" at a.ini:7 leaves no room: the minimum is 50 percent, the ' +
    "maximum 50",
  ]);
  assertEquals(problemsOf(`${busyness}cheaper-busyness-max = 20`), [
    'error: "cheaper-busyness-max" at a.ini:7 leaves no room: the minimum is 25 percent, the ' +
    "maximum 20",
  ]);
});

Deno.test("options that do nothing without another one are warnings", () => {
  assertEquals(problemsOf("cheaper-step = 2\ndie-on-idle"), [
    'warning: "cheaper-step" at a.ini:5 has no effect without cheaper',
    'warning: "die-on-idle" at a.ini:6 has no effect without idle',
  ]);
  assertEquals(problemsOf("cheaper = 1\ncheaper-busyness-max = 70"), [
    'warning: "cheaper-busyness-max" at a.ini:6 has no effect without cheaper and cheaper-algo = ' +
    "busyness",
  ]);
  assertEquals(problemsOf("cheap = true\nidle = 5\ndie-on-idle = true"), []);
});
