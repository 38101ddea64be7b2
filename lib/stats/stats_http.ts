/**
 * The HTTP of the stats server: one response to whatever comes, and the end of the connection.
 *
 * @module
 */

/** The response to a request of which the head, or what there was of it, is given. */
export function statsResponse(head: string, document: string): string {
  const method = /^([A-Z]+) \S+ HTTP\/1\.[01]\r?\n/.exec(head)?.[1];
  if (method === undefined || !/\r?\n\r?\n/.test(head)) {
    return response("400 Bad Request", "text/plain", "This is no HTTP request\n");
  }
  if (method !== "GET" && method !== "HEAD") {
    const text = "The stats can only be read: ask with GET\n";
    return response("405 Method Not Allowed", "text/plain", text, "Allow: GET, HEAD\r\n");
  }
  const whole = response("200 OK", "application/json", document);
  return method === "GET" ? whole : whole.slice(0, whole.indexOf("\r\n\r\n") + 4);
}

function response(status: string, type: string, body: string, more = ""): string {
  const { length } = new TextEncoder().encode(body);
  const head = `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n` +
    `Cache-Control: no-store\r\n${more}Connection: close\r\n\r\n`;
  return head + body;
}
