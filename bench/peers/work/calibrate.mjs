/**
 * Prints how often this runtime has to encode the document for 2 ms of processor time.
 *
 * @module
 */

import process from "node:process";
import { work } from "./work.mjs";

const LEAST_MICROSECONDS = 400_000;
const WANTED_MICROSECONDS = 2_000;

/**
 * @param {number} rounds
 * @returns {number} Processor time in microseconds.
 */
function cost(rounds) {
  const before = process.cpuUsage();
  work(rounds);
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

let rounds = 1000;
while (cost(rounds) < LEAST_MICROSECONDS) rounds *= 2;
// Now everything is compiled.
console.log(Math.max(1, Math.round(rounds * WANTED_MICROSECONDS / cost(rounds))));
