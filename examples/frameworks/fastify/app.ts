/** A Fastify app on a port of its own. */
import Fastify from "fastify";
import process from "node:process";

const app = Fastify();
app.get("/", () => ({ pid: process.pid }));
await app.listen({ port: 3000 });
