/** A Hono app as it stands in Hono's own documentation for Deno. */
import { Hono } from "hono";

const app = new Hono();
app.get("/", (c) => c.json({ pid: Deno.pid }));

Deno.serve(app.fetch);
