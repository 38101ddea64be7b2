/** An Express app on a port of its own. */
// @ts-types="npm:@types/express@5.0.6"
import express from "express";
import process from "node:process";

const app = express();
app.get("/", (_request, response) => {
  response.json({ pid: process.pid });
});
app.listen(3000);
