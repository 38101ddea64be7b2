/**
 * PM2's cluster mode on Node. Its daemon stays in the foreground, so that it ends with the bench; it
 * has its own `PM2_HOME`, and knows nothing of another one on the machine.
 *
 * @module
 */

import { join } from "@std/path/posix";
import { Started } from "../../servers.ts";
import { environment, type Peer, peerFile, type Place, running } from "../peer.ts";

const VERSION = "7.0.4";

/** `pm2 reload`. */
export const PM2: Peer = {
  name: `PM2 ${VERSION} cluster on Node`,
  runtime: "node",
  reloadedBy: "`pm2 reload`",
  requirements: [
    { check: ["node", "--version"], debian: "nodejs" },
    { check: ["npm", "--version"], debian: "npm" },
  ],
  npm: [`pm2@${VERSION}`],
  version: ["node", "--version"],
  start(place) {
    const start = ["start", peerFile("./pm2/ecosystem.config.cjs"), "--no-daemon"];
    const server = pm2(place, start);
    return running(place, server, async () => void await pm2(place, ["reload", "app"]).output());
  },
};

function pm2(place: Place, args: readonly string[]): Started {
  const program = join(place.directory, "node_modules/pm2/bin/pm2");
  return new Started({
    command: ["node", program, ...args],
    env: {
      ...environment(place),
      PM2_HOME: join(place.directory, "pm2"),
      PM2_DISABLE_VERSION_CHECK: "true",
    },
  });
}
