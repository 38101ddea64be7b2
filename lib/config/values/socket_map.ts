/**
 * The lines of `socket-map`: which socket of the instance a script gets that listens on its own port.
 *
 * @module
 */

import type { OptionLine } from "../origin.ts";

/** One line. */
export interface SocketMapLine extends OptionLine {
  /** The port the script asks for, or the path of its Unix socket. */
  readonly asked: number | string;
  /** Number of the socket that it gets, from 0, in the order of the configuration. */
  readonly socket: number;
}

const LARGEST_PORT = 65_535;

/**
 * Reads the value of `socket-map`, for example `8000 => 0` or `/run/app.sock => 1`.
 *
 * @throws {SyntaxError} If it is malformed; the message continues a sentence that names the option.
 */
export function parseSocketMapLine(line: OptionLine): SocketMapLine {
  const [, asked = "", socket = ""] = /^\s*(\S+)\s*=>\s*(\d{1,4})\s*$/.exec(line.text) ?? [];
  const isPort = /^\d{1,5}$/.test(asked) && Number(asked) <= LARGEST_PORT;
  if (!isPort && !asked.includes("/")) {
    throw new SyntaxError(
      `expects a port or a path and the number of a socket, such as 8000 => 0, not "${line.text}"`,
    );
  }
  return { ...line, asked: isPort ? Number(asked) : asked, socket: Number(socket) };
}
