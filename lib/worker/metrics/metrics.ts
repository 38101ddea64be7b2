/**
 * Runs in the worker, after the preload, where the instance has metrics (`deno run --preload`): makes
 * them known to the `uwsgi` module.
 *
 * @module
 */

import { MetricTable } from "../../shared_memory/metric_table.ts";
import { builtinMetric } from "./builtin_metrics.ts";
import { instanceAccess } from "../instance.ts";

const currentInstance = instanceAccess();

const instance = currentInstance();
const { facts, memory, scoreboard, libc, environment } = instance;

const table = new MetricTable(
  memory,
  facts.metrics,
  (name) => builtinMetric(scoreboard, name),
);
// In memory of its own, nobody else has done that.
if (libc === null || environment.scoreboard === null) table.begin();
instance.metrics = table;
