/**
 * Runs in the worker. Asks a server of `node:http` for the page of `accepting-probe`, over a connection
 * that exists in this process only: the server gets it by its event `connection`, as it gets those of
 * clients.
 *
 * @module
 */

import { PROBE_AGENT } from "./ask_handler.ts";
import type { NodeServer } from "../handler.ts";

/** A head that goes on for longer is none (64 KiB). */
const LONGEST_HEAD = 65_536;

/** Asks for a page, and returns the status of the answer. */
export async function askNode(
  server: NodeServer,
  url: string,
  uncounted: (socket: object) => void,
): Promise<number> {
  const { host, pathname, search } = new URL(url);
  const { Duplex } = await import("node:stream");
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let head = "";
  const connection = new Duplex({
    read() {},
    write(chunk: Uint8Array, _encoding, done) {
      if (head.length < LONGEST_HEAD) head += new TextDecoder("latin1").decode(chunk);
      const status = /^HTTP\/1\.\d (?!1\d\d)(\d{3})/m.exec(head)?.[1];
      if (status !== undefined) resolve(Number(status));
      done();
    },
    destroy(error, done) {
      reject(error ?? new Error("the server ended the connection without an answer"));
      done(error);
    },
  });
  // Who serves TLS is given what is decrypted already.
  const opened = "setSecureContext" in server ? "secureConnection" : "connection";
  uncounted(connection);
  server.emit(opened, connection);
  connection.push(
    `GET ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\naccept: */*\r\n` +
      `user-agent: ${PROBE_AGENT}\r\nconnection: close\r\n\r\n`,
  );
  try {
    return await promise;
  } finally {
    connection.destroy();
  }
}
