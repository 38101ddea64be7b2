/**
 * One HTTP request over a new connection, with as little of its own as possible.
 *
 * @module
 */

/** The answer to a request. */
export interface Answer {
  readonly status: number;
  /** What follows the head: the body, unless it comes in chunks. */
  readonly body: string;
}

/** How long an answer may take, in milliseconds. */
const PATIENCE_MS = 10_000;

/**
 * Asks a server at `host:port`, for `/` unless told otherwise, and reads the answer to its end.
 *
 * @throws {Error} If it does not answer, in HTTP and in time.
 */
export async function askAddress(address: string, path = "/"): Promise<Answer> {
  const [hostname = "", port = ""] = address.split(":");
  const connection = await Deno.connect({ hostname, port: Number(port) });
  // A read that waits ends with the connection.
  const timer = setTimeout(() => connection.close(), PATIENCE_MS);
  try {
    const request = `GET ${path} HTTP/1.1\r\nHost: ${address}\r\nConnection: close\r\n\r\n`;
    await connection.write(new TextEncoder().encode(request));
    return parseAnswer(address, await readToEnd(connection));
  } finally {
    clearTimeout(timer);
    try {
      connection.close();
    } catch {
      // It was too slow.
    }
  }
}

async function readToEnd(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(4096);
  let text = "";
  for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
    text += new TextDecoder("latin1").decode(buffer.subarray(0, n));
  }
  return text;
}

function parseAnswer(address: string, text: string): Answer {
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
  if (status === undefined) throw new Error(`${address} does not answer in HTTP: ${text}`);
  return { status: Number(status), body: text.slice(text.indexOf("\r\n\r\n") + 4) };
}
