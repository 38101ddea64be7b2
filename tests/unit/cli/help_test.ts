import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { renderHelp, renderOptionHelp } from "../../../lib/cli/help.ts";
import { renderReference } from "../../../tools/options_reference.ts";
import { MAGIC_VARIABLES } from "../../../lib/config/ini/magic.ts";
import { GROUPS, namesOf } from "../../../lib/config/kinds/option_row.ts";
import { ROWS } from "../../../lib/config/options.ts";

function assertNarrow(text: string): void {
  for (const line of text.split("\n")) assert(line.length <= 100, line);
}

Deno.test("renderHelp() names everything there is, in groups and at most 100 columns", () => {
  const help = renderHelp();
  assertNarrow(help);
  for (const name of ROWS.flatMap(namesOf)) assert(help.includes(`--${name}`), name);
  const positions = GROUPS.map((group) => help.indexOf(`\n${group}:\n`));
  assert(positions.every((position) => position > 0), String(positions));
  assertEquals(positions, [...positions].sort((a, b) => a - b));
  assert(help.endsWith("when paused\n"));
});

Deno.test("renderOptionHelp() explains one option in full, by any of its names", () => {
  const help = renderOptionHelp("listen");
  assertEquals(
    help,
    `-l, --listen N
  Length of the queue of connections that wait to be accepted, from 1 to 65535.

  It holds for each listening socket, see listen(2). The kernel does not go beyond
  net.core.somaxconn.

  Default: 100
  Used several times: the last one counts
  Reload: A reload makes a changed value take effect as workers are replaced.
  Example:
    listen = 1024
`,
  );
  for (const name of ["--listen", "-l", "l"]) assertEquals(renderOptionHelp(name), help);
  assertEquals(renderOptionHelp("workers"), renderOptionHelp("processes"));
});

Deno.test("renderOptionHelp() is at most 100 columns wide, and shows the example, for every row", () => {
  for (const { name, example } of ROWS) {
    const help = renderOptionHelp(name);
    assertNarrow(help);
    assertStringIncludes(help, example.split("\n")[0] ?? "");
  }
});

Deno.test("renderOptionHelp() helps with names that do not exist", () => {
  assertEquals(
    renderOptionHelp("--proceses"),
    'Unknown option "proceses": did you mean "processes"?\n',
  );
  assertEquals(
    renderOptionHelp("lazy-apps"),
    '"lazy-apps" is a uWSGI option that duwsgi lacks: not needed, each worker loads the script ' +
      "itself\n",
  );
  assertEquals(
    renderOptionHelp("nothing-like-it"),
    'Unknown option "nothing-like-it": see --help for all options\n',
  );
  assertEquals(renderOptionHelp(""), 'Unknown option "": see --help for all options\n');
});

Deno.test("renderReference() has a chapter for each row and a line for each magic variable", () => {
  const reference = renderReference();
  for (const { name, help, details } of ROWS) {
    assertStringIncludes(reference, `### \`${name}\``);
    assertStringIncludes(reference, `${help}.`);
    assertStringIncludes(reference, details);
  }
  for (const { letter, help } of MAGIC_VARIABLES) {
    assertStringIncludes(reference, `| \`%${letter}\` | ${help} |`);
  }
});
