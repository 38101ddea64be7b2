/**
 * Everything that is compared, duwsgi first.
 *
 * @module
 */

import { DENO_SERVE } from "./deno_serve/peer.ts";
import { DUWSGI } from "./duwsgi/peer.ts";
import { GUNICORN } from "./gunicorn/peer.ts";
import { NODE_CLUSTER } from "./node_cluster/peer.ts";
import type { Peer } from "./peer.ts";
import { PM2 } from "./pm2/peer.ts";
import { PUMA } from "./puma/peer.ts";
import { UWSGI } from "./uwsgi/peer.ts";

/** The peers, in the order of the table. */
export const PEERS: readonly Peer[] = [
  DUWSGI,
  DENO_SERVE,
  NODE_CLUSTER,
  PM2,
  UWSGI,
  GUNICORN,
  PUMA,
];
