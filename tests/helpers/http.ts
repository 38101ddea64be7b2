/**
 * Small HTTP requests for tests.
 *
 * @module
 */

/** GETs a page over a connection of its own and returns its text. */
export async function getText(url: string): Promise<string> {
  const response = await fetch(url, { headers: { connection: "close" } });
  return await response.text();
}

/** GETs a page and returns it as JSON. */
export async function getJson<T>(url: string): Promise<T> {
  return JSON.parse(await getText(url)) as T;
}

/** What `fixtures/workers/hello.ts` answers. */
export interface Identity {
  readonly pid: number;
  readonly worker: number;
}

/** GETs a page over a Unix socket and returns the whole answer. */
export async function getUnix(path: string, page = "/"): Promise<string> {
  using connection = await Deno.connect({ transport: "unix", path });
  await connection.write(
    new TextEncoder().encode(
      `GET ${page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    ),
  );
  return await new Response(connection.readable).text();
}
