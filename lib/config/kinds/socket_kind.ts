/**
 * The kind of value that listening sockets have.
 *
 * @module
 */

import { lazyImport } from "../../lazy_import.ts";
import { parseAddress } from "../../system/sockets/address.ts";
import type { HttpsSocket } from "../values/https_socket.ts";
import { lazyParser } from "./line_reader.ts";
import { advice, type OptionKind, required } from "./option_kind.ts";
import type { SocketSpec } from "../origin.ts";

/** Names of the option that say what is spoken on the socket. */
const SOCKET_OPTIONS: Readonly<Record<string, SocketSpec["option"]>> = {
  "http-socket": "http-socket",
  "http11-socket": "http-socket",
  "uwsgi-socket": "uwsgi-socket",
};

const readHttpsSocket = lazyParser(async () =>
  (await lazyImport<typeof import("../values/https_socket.ts")>(
    import.meta.resolve("../values/https_socket.ts"),
  ))
    .parseHttpsSocket
);

/** The use that gives this value: a comma is part of a value only where values have keys. */
function writeHttpsSocket({ text, tls }: HttpsSocket): { name: string; value: string } {
  const { certificate, key } = tls;
  if (![certificate, key].some((path) => path.includes(","))) {
    return { name: "https-socket", value: `${text},${certificate},${key}` };
  }
  const [cert, privateKey] = [certificate, key].map((path) => path.replaceAll(",", "\\,"));
  return { name: "https-socket2", value: `addr=${text},cert=${cert},key=${privateKey}` };
}

/** Any number of listening addresses; the option's name tells the protocol. */
export const socketList: OptionKind<readonly SocketSpec[]> = {
  value: "required",
  repeatable: true,
  load: (name) => name.startsWith("https-") ? readHttpsSocket.load?.() ?? null : null,
  add: (before, written) => {
    const { name, origin } = written;
    const value = required(written);
    const https = name.startsWith("https-")
      ? readHttpsSocket({ option: name, text: value, origin })
      : null;
    const text = https?.text ?? value;
    try {
      const { kind } = parseAddress(text);
      if (https !== null && (kind === "unix" || kind === "abstract")) {
        throw new SyntaxError(`Deno speaks TLS on TCP only, and "${text}" is a Unix socket`);
      }
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new SyntaxError(`expects an address. ${error.message}${advice(text)}`, {
        cause: error,
      });
    }
    if (https !== null) return [...before, { option: "https-socket", ...https, origin }];
    const option = SOCKET_OPTIONS[name] ?? "socket";
    return [...before, { option, text, origin }];
  },
  write: (value) =>
    value.map(({ option, text, tls }) =>
      tls === undefined ? { name: option, value: text } : writeHttpsSocket({ text, tls })
    ),
};
