/**
 * One HTTP request over a new connection, with as little of its own as possible.
 *
 * @module
 */

/** The answer to a request. */
export interface Answer {
  readonly status: number;
}

/** Asks a server at `host:port` for `/`, and reads the answer to its end. */
export async function askAddress(address: string): Promise<Answer> {
  const [hostname = "", port = ""] = address.split(":");
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const request = `GET / HTTP/1.1\r\nHost: ${address}\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  const buffer = new Uint8Array(4096);
  let text = "";
  for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
    text += new TextDecoder("latin1").decode(buffer.subarray(0, n));
  }
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
  if (status === undefined) throw new Error(`${address} does not answer in HTTP: ${text}`);
  return { status: Number(status) };
}
