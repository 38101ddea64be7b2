import { assert, assertEquals } from "@std/assert";
import { ROWS } from "../../../../lib/config/options.ts";
import { namesOf } from "../../../../lib/config/kinds/option_row.ts";
import { UWSGI_LETTERS, uwsgiOptions } from "../../../../lib/config/options/uwsgi_options.ts";

Deno.test("uwsgiOptions() are none of ours", () => {
  for (const name of ROWS.flatMap(namesOf)) assert(!uwsgiOptions().has(name), name);
});

Deno.test("uwsgiOptions() say what to do in the common cases of a migration", () => {
  const common =
    "python-worker-override wsgi-file module http lazy-apps lazy enable-threads threads " +
    "single-interpreter need-app no-orphans thunder-lock harakiri-verbose immediate-uid " +
    "legion worker-logger virtualenv py-autoreload raw-socket";
  for (const name of common.split(" ")) assert(uwsgiOptions().get(name), name);
});

Deno.test("uwsgiOptions() are plain names, also those without a hint", () => {
  assert(uwsgiOptions().size > 900);
  for (const name of uwsgiOptions().keys()) assert(/^[a-z0-9][a-z0-9_-]*$/.test(name), name);
  assertEquals(uwsgiOptions().get("static-gzip-all"), "");
});

Deno.test("UWSGI_LETTERS belong to uWSGI's options and to none of ours", () => {
  for (const [letter, name] of UWSGI_LETTERS) {
    assert(uwsgiOptions().has(name), name);
    assert(!ROWS.some(({ short }) => short === letter), letter);
  }
});
