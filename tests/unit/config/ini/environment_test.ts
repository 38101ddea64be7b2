import { assertEquals } from "@std/assert";
import { environmentLines } from "../../../../lib/config/ini/environment.ts";
import { memorySource } from "../../../helpers/memory_source.ts";

Deno.test("environmentLines() are the variables that name options, sorted", () => {
  const env = {
    UWSGI_PROCESSES: "4",
    UWSGI_HTTP_SOCKET: ":80",
    UWSGI_INI: "a.ini",
    UWSGI_RELOADS: "1",
    UWSGI_HELP: "",
    UWSGI_IF_ENV: "x",
    PROCESSES: "5",
    uwsgi_listen: "6",
  };
  assertEquals(
    environmentLines(memorySource({ env })).map(({ key, value, origin }) => [
      key,
      value,
      origin.file,
    ]),
    [
      ["http-socket", ":80", "<environment>"],
      ["ini", "a.ini", "<environment>"],
      ["processes", "4", "<environment>"],
    ],
  );
});
