/**
 * The app for PM2, with the start and the end that PM2's guide to graceful reloads asks for.
 *
 * @module
 */

import process from "node:process";
import { listen } from "../work/node_server.mjs";

const server = listen(
  Number(process.env.NODE_APP_INSTANCE ?? "0") + 1,
  () => process.send?.("ready"),
);

process.on("SIGINT", () => server.close(() => process.exit(0)));
