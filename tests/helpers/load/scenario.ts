/**
 * The scenarios, by name.
 *
 * @module
 */
import type { Client } from "./client.ts";
import { closeSession } from "./close.ts";
import { idleSession, keepAliveSession } from "./keep_alive.ts";
import { pipelinedSession } from "./pipelined.ts";
import { postSession } from "./post.ts";
import { splitHeaderSession } from "./split_header.ts";
import { sseSession } from "./sse.ts";
import { websocketSession } from "./websocket.ts";

/** Plays the scenario once, over one connection; throws when a request is lost. */
export type Session = (client: Client) => Promise<void>;

/** Every scenario's session. */
export const SCENARIOS = {
  "close": closeSession,
  "keep-alive": keepAliveSession,
  "idle": idleSession,
  "post": postSession,
  "split-header": splitHeaderSession,
  "pipelined": pipelinedSession,
  "sse": sseSession,
  "websocket": websocketSession,
} satisfies Record<string, Session>;

/** The name of a scenario. */
export type ScenarioName = keyof typeof SCENARIOS;
