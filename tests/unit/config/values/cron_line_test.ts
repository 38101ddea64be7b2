import { assertEquals, assertThrows } from "@std/assert";
import { type CronLine, parseCronLine } from "../../../../lib/config/values/cron_line.ts";

const origin = { file: "a.ini", line: 1 };

function parse(option: string, text: string): CronLine {
  return parseCronLine({ option, text, origin });
}

Deno.test("parseCronLine() reads five numbers and a command with spaces in it", () => {
  const { schedule, command, unique, harakiriMs } = parse("cron", " 30 4 -1  12 7  echo a  b");
  assertEquals(schedule, { minute: 30, hour: 4, day: -1, month: 12, week: 7 });
  assertEquals([command, unique, harakiriMs], ["echo a  b", false, null]);
  assertEquals(parse("unique-cron", "-1 -1 -1 -1 -1 x").unique, true);
});

Deno.test("parseCronLine() reads the keys of cron2, where what is missing is any", () => {
  const line = parse("cron2", "minute=-15,week=1,unique=1,harakiri=20 ./x --a=b,c");
  assertEquals(line.schedule, { minute: -15, hour: -1, day: -1, month: -1, week: 1 });
  assertEquals([line.command, line.unique, line.harakiriMs], ["./x --a=b,c", true, 20_000]);
});

Deno.test("parseCronLine() says what is wrong with a line", () => {
  for (
    const [option, text, message] of [
      ["cron", "", "it has only 1 of the 6 words"],
      ["cron", "1 2 3 4 5", "it has only 5 of the 6 words"],
      ["cron", "60 2 3 4 5 x", 'a whole number from -59 to 59 for minute, not "60"'],
      ["cron", "1 24 3 4 5 x", "from -23 to 23 for hour"],
      ["cron", "1 2 0 4 5 x", 'from 1 to 31 for day, not "0"'],
      ["cron", "1 2 3 13 5 x", "from -12 to 12 for month"],
      ["cron", "1 2 3 4 8 x", "from -7 to 7 for week"],
      ["cron", "* 2 3 4 5 x", 'for minute, not "*"'],
      ["cron2", "./x", 'expects "KEY=VALUE,… COMMAND"'],
      ["cron2", "minute=1", 'expects "KEY=VALUE,… COMMAND"'],
      ["cron2", "minut=1 x", 'unknown key "minut": did you mean "minute"?'],
      ["cron2", "legion=a x", 'unknown key "legion"'],
      ["cron2", "minute=1,minute=2 x", 'has "minute" twice'],
      ["cron2", "unique=2 x", "from 0 to 1 for unique"],
      ["cron2", "harakiri=0 x", "from 1 to 86400 for harakiri"],
    ] as const
  ) assertThrows(() => parse(option, text), SyntaxError, message);
});
