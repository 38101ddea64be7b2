/**
 * The options of scripts that know nothing of duwsgi.
 *
 * @module
 */

import { lazyImport } from "../../lazy_import.ts";
import { lazyParser, lines } from "../kinds/line_reader.ts";
import * as kind from "../kinds/option_kind.ts";
import type { OptionRows } from "../kinds/option_spec.ts";
import type { SocketMapLine } from "../values/socket_map.ts";

const readSocketMapLine = lazyParser(async () =>
  (await lazyImport<typeof import("../values/socket_map.ts")>(
    import.meta.resolve("../values/socket_map.ts"),
  ))
    .parseSocketMapLine
);

/** How scripts come to the sockets of the instance that do not ask for them. */
export interface AppsConfig {
  /** Give the sockets to scripts that listen by themselves (`auto-accept`). @default true */
  readonly autoAccept: boolean;
  /** Which socket stands for which port (`socket-map`), in order. @default [] */
  readonly socketMap: readonly SocketMapLine[];
}

/** Their rows. */
export const APPS_OPTIONS: OptionRows<AppsConfig> = {
  autoAccept: {
    name: "auto-accept",
    aliases: [],
    short: "",
    group: "Sockets",
    argument: "[BOOLEAN]",
    kind: kind.flag,
    default: true,
    onChange: "workers",
    help: "Give the sockets to a script that listens without asking for them",
    details:
      "A script that does not import `uwsgi` and calls `Deno.serve`, `Deno.listen` or the `listen()` of a " +
      "node server, or exports `{ fetch }`, gets the configured sockets instead of its own ports, in " +
      "order, and `accepting()` is said for it. See [apps](apps.md). uWSGI has nothing like it.",
    example: "auto-accept = false",
  },
  socketMap: {
    name: "socket-map",
    aliases: [],
    short: "",
    group: "Sockets",
    argument: "PORT => SOCKET",
    kind: lines(readSocketMapLine),
    default: [],
    onChange: "workers",
    help: "Which socket a script gets that listens on this port, by number from 0",
    details:
      "For `auto-accept`, where a script listens more than once and neither the order nor an equal port " +
      "says which socket is meant. Instead of a port it can be the path of a Unix socket. Port 0, and a " +
      "path where the socket is a TCP socket, get one only so. See [apps](apps.md).",
    example:
      "http-socket = :80\nhttp-socket = :9000\nsocket-map = 3000 => 0\nsocket-map = 3001 => 1",
  },
};
