/** Hello world of node:http in a process of its own, which prints its address. */
import { createServer } from "node:http";

const server = createServer((_request, response) => void response.end("Hello, world!\n"));
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  console.log(`Listening on http://127.0.0.1:${address.port}/`);
});
