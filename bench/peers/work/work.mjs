/**
 * What every request to `/json` costs: the document is encoded so many times that it takes 2 ms of
 * processor time. For Deno and Node alike.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";

const DOCUMENT = JSON.parse(readFileSync(new URL("./document.json", import.meta.url), "utf8"));

/** How often {@linkcode work} encodes: `calibrate.mjs` found it out for this runtime. */
const ROUNDS = Number(process.env.WORK_ROUNDS ?? "1");

/**
 * Encodes the document many times.
 *
 * @param {number} [rounds]
 * @returns {string} The last result.
 */
function work(rounds = ROUNDS) {
  let text = "";
  for (let round = 0; round < rounds; round++) text = JSON.stringify(DOCUMENT);
  return text;
}

/**
 * The answers, by path, as body and type.
 *
 * @param {string} path
 * @param {number} worker Number of the worker that answers.
 * @returns {readonly [body: string, type: string] | null} Null: there is nothing at this path.
 */
function answer(path, worker) {
  switch (path) {
    case "/hello":
      return ["Hello, world!\n", "text/plain"];
    case "/json":
      return [work(), "application/json"];
    case "/":
      return [`{"pid":${process.pid},"worker":${worker}}`, "application/json"];
    default:
      return null;
  }
}

export { answer, work };
