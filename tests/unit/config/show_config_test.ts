import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatAddress } from "../../../lib/system/sockets/address.ts";
import type { Config } from "../../../lib/config/config.ts";
import { parseCronLine } from "../../../lib/config/values/cron_line.ts";
import { parseDaemonLine } from "../../../lib/config/values/daemon_line.ts";
import { parseHookLine } from "../../../lib/config/values/hook_line.ts";
import { parseMetricLine, parseThresholdLine } from "../../../lib/config/values/metric_line.ts";
import { loadConfig } from "../../../lib/config/load.ts";
import { parseEncoderLine, parseLoggerLine } from "../../../lib/config/values/log_line.ts";
import { HOOK_PHASES, type HookConfig, type HookPhase } from "../../../lib/config/options/hooks.ts";
import { parseCarbonLine, parsePusherLine } from "../../../lib/config/values/pusher_line.ts";
import { SANDBOX_WALLS } from "../../../lib/config/options/permissions.ts";
import { defaults } from "../../../lib/config/resolve.ts";
import { optionsForModule, showConfig } from "../../../lib/config/show_config.ts";
import { parseSocketMapLine } from "../../../lib/config/values/socket_map.ts";
import { memorySource } from "../../helpers/memory_source.ts";
import type { OptionLine } from "../../../lib/config/origin.ts";

const origin = { file: "a.ini", line: 1 };

/** Texts with everything in them that means something somewhere. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(
    fc.constantFrom("%", "$", "@", "(", ")", "%(", "$(HOME)", " ", "\n", "\t", "\r", "=", ";", "é"),
  ).map((parts) => parts.join("")),
).map((one) => one.replaceAll("\0", ""));
const pathText = text.filter((one) => one !== "" && !/^(["']).*\1$/.test(one));
const word = text.map((one) => one.replaceAll(/\s/g, "")).filter((one) => one !== "");
const commandText = text.map((one) => one.trimStart()).filter((one) => one !== "");
const flagText = text.map((one) => `--x=${one}`).filter((one) => !/\s-/.test(one));
const variable = fc.tuple(fc.constantFrom("A", "B_1", "c.d", "%A", "$(A)", "@"), text);
const wholePermission = fc.constantFrom(null, true as const, []);
const permission = fc.oneof(
  wholePermission,
  fc.array(fc.constantFrom("a", "/b c", "unix:/d%(e)", "f,,g"), { minLength: 1 }),
);
const milliseconds = fc.integer({ min: 100, max: 86_400_000 });
const megabytes = fc.integer({ min: 0, max: 1 << 24 }).map((one) => one * 2 ** 20);
const upToAnHour = fc.integer({ min: 100, max: 3_600_000 });
const mode = fc.option(fc.integer({ min: 0, max: 0o777 }));
const socket = fc.record({
  option: fc.constantFrom("socket" as const, "http-socket" as const, "uwsgi-socket" as const),
  text: fc.oneof(
    fc.integer({ min: 1, max: 65535 }).map((port) =>
      formatAddress({ kind: "tcp", host: "", port, ipv6: false })
    ),
    fc.constantFrom("/run/a b%(c).sock", "@$(x)", "fd://3", "[::1]:80"),
  ),
  origin: fc.constant(origin),
});

const anyPath = fc.oneof(fc.constant(""), pathText);
const account = fc.constantFrom("", "root", "www-data", "33");
/** Lines with a grammar of their own: those that it allows, as they are read. */
function readLines<T>(
  read: (line: OptionLine) => T,
  ...examples: readonly (readonly [option: string, text: string])[]
): fc.Arbitrary<T[]> {
  return fc.array(
    fc.constantFrom(...examples).map(([option, text]) => read({ option, text, origin })),
  );
}

const hookLines = (phase: HookPhase) =>
  readLines(parseHookLine, [`hook-${phase}`, "write:a b %(c) $(d)"], [
    `hook-${phase}`,
    "!putenv:A=",
  ]);
const hooks = Object.fromEntries(
  (Object.keys(HOOK_PHASES) as HookPhase[]).map((phase) => [`hook ${phase}`, hookLines(phase)]),
) as unknown as { [K in keyof HookConfig]: fc.Arbitrary<HookConfig[K]> };

const anyConfig: fc.Arbitrary<Config> = fc.record({
  script: pathText,
  processes: fc.integer({ min: 1, max: 1024 }),
  master: fc.boolean(),
  workerArgv: fc.array(text),
  denoFlags: fc.array(flagText),
  env: fc.array(variable),
  chdir: fc.oneof(fc.constant(""), pathText),
  sockets: fc.uniqueArray(socket, { minLength: 1, selector: (one) => one.text }),
  listen: fc.integer({ min: 1, max: 65535 }),
  reusePort: fc.boolean(),
  soKeepalive: fc.boolean(),
  chmodSocket: mode,
  chownSocket: fc.constantFrom("", "root", "www-data:33"),
  umask: mode,
  vacuum: fc.boolean(),
  touchChainReload: fc.array(pathText),
  touchReload: fc.array(pathText),
  startTimeoutMs: milliseconds,
  workerReloadMercyMs: milliseconds,
  chainReloadRollback: fc.boolean(),
  chainReloadVerifyMs: fc.integer({ min: 0, max: 3_600_000 }),
  acceptingProbe: fc.constantFrom("", "/", "/healthz?a=1"),
  acceptingProbeTimeoutMs: fc.integer({ min: 1, max: 3_600_000 }),
  respawnLimit: fc.nat(1_000_000),
  dieOnNoWorkers: fc.boolean(),
  masterFifo: fc.uniqueArray(pathText, { maxLength: 10 }),
  controlSocket: fc.oneof(fc.constant(""), pathText),
  touchWorkersReload: fc.array(pathText),
  touchExec: fc.array(fc.record({ path: word, command: commandText })),
  fsReload: fc.array(pathText),
  fsBrutalReload: fc.array(pathText),
  autoReload: fc.boolean(),
  maxRequests: fc.nat(),
  maxRequestsDelta: fc.nat(),
  maxWorkerLifetimeMs: fc.oneof(fc.constant(0), fc.integer({ min: 60_000, max: 86_400_000 })),
  maxWorkerLifetimeDeltaMs: milliseconds,
  minWorkerLifetimeMs: fc.integer({ min: 0, max: 59_999 }),
  reloadOnRss: megabytes,
  reloadOnAs: megabytes,
  evilReloadOnRss: megabytes,
  harakiriMs: milliseconds,
  harakiriGracefulTimeoutMs: milliseconds,
  hangTimeoutMs: fc.oneof(fc.constant(0), fc.integer({ min: 3_000, max: 86_400_000 })),
  cheaper: fc.nat(1023),
  cheaperInitial: fc.nat(1024),
  cheaperStep: fc.integer({ min: 1, max: 1024 }),
  cheaperOverload: fc.integer({ min: 1, max: 86_400 }),
  cheaperAlgo: fc.constantFrom("spare", "backlog", "busyness", "manual"),
  cheaperBusyLagMs: upToAnHour,
  cheaperBusyRequests: fc.nat(1_000_000),
  cheaperRssLimitSoft: fc.nat(2 ** 31 - 1),
  cheaperRssLimitHard: fc.constantFrom(0, 2 ** 31),
  cheaperBusynessMax: fc.integer({ min: 51, max: 100 }),
  cheaperBusynessMin: fc.nat(50),
  cheaperBusynessMultiplier: fc.integer({ min: 1, max: 86_400 }),
  cheaperBusynessPenalty: fc.nat(86_400),
  cheaperBusynessBacklogAlert: fc.integer({ min: 1, max: 1_000_000 }),
  cheaperBusynessBacklogStep: fc.integer({ min: 1, max: 1024 }),
  cheaperBusynessBacklogMultiplier: fc.integer({ min: 1, max: 86_400 }),
  cheaperBusynessBacklogNonzeroMs: fc.integer({ min: 1_000, max: 86_400_000 }),
  cheaperBusynessVerbose: fc.boolean(),
  cheap: fc.boolean(),
  idleMs: fc.oneof(fc.constant(0), milliseconds),
  dieOnIdle: fc.boolean(),
  daemons: readLines(
    parseDaemonLine,
    ["attach-daemon", "a %k"],
    ["attach-control-daemon", "b = c"],
    ["attach-daemon2", "cmd=a\\,b,stopsignal=2,touch=a;b"],
  ),
  smartDaemons: readLines(
    parseDaemonLine,
    ["smart-attach-daemon", "p,5 c"],
    ["smart-attach-daemon2", "p c"],
  ),
  crons: readLines(
    parseCronLine,
    ["cron", "-1 -2 3 4 7 a %d"],
    ["unique-cron", "1 2 3 4 5 b"],
    ["cron2", "minute=-5,unique=1 c"],
  ),
  mules: fc.array(pathText),
  touchMulesReload: fc.array(pathText),
  reloadMercyMs: milliseconds,
  muleReloadMercyMs: milliseconds,
  ...hooks,
  enableMetrics: fc.boolean(),
  metrics: fc.subarray(
    [
      "app.hits",
      "name=b,type=gauge,initial_value=-9223372036854775808,oid=1.2",
      "name=c,collector=adder,arg1n=5,children=b;worker.1.requests,freq=7",
      "name=d,type=alias,alias=b",
      "name=e,type=histogram,bounds=-1;2;30,reset_after_push",
      "name=f,collector=file,arg1=/a %(b)\\,c,arg1n=3",
    ].map((text) => parseMetricLine({ option: "metric", text, origin })),
  ).filter((metrics) =>
    // Those that others refer to.
    metrics.some(({ name }) => name === "b") || metrics.every(({ name }) => !/[cd]/.test(name))
  ),
  metricThresholds: readLines(
    parseThresholdLine,
    ["metric-threshold", "key=core.busy_workers,value=5,msg=a\\,b"],
    ["metric-alarm", "key=rss_size,value=-1,rate=0,alarm=x"],
  ),
  metricsDir: anyPath,
  metricsDirRestore: fc.boolean(),
  metricsNoCores: fc.boolean(),
  dieOnTerm: fc.boolean(),
  logto: fc.constantFrom("", "/var/log/a b", "10.0.0.1:514"),
  logto2: fc.constant(""),
  logDate: fc.constantFrom(null, "%c", "%Y-%m-%d %H"),
  logLevel: fc.constantFrom("info", "warning", "error"),
  logEncoders: readLines(
    parseEncoderLine,
    ["log-encoder", "json"],
    ["log-encoder", "text"],
    ["log-encoder", 'json {"a":"${msg}"}'],
    ["log-encoder", "prefix %(x) $(y) "],
    ["log-encoder", "nl"],
  ),
  logReqEncoders: readLines(parseEncoderLine, ["log-req-encoder", "format ${strftime:%Y}"]),
  loggers: readLines(
    parseLoggerLine,
    ["logger", "file:/var/log/a b,c"],
    ["logger", "a file:logfile=/x,maxsize=1m,backupname=/y"],
    ["logger", "stdio"],
    ["log-syslog", "ident,local0"],
    ["log-socket", "127.0.0.1:514"],
    ["logger", "rsyslog:tcp://[::1]:514,ident"],
  ),
  reqLoggers: readLines(parseLoggerLine, ["req-logger", "systemd:address=/run/x"]),
  logRoutes: fc.constant([]),
  logReqRoutes: fc.constant([]),
  logDrains: fc.array(fc.constantFrom("a|b", "^%d$", " ")),
  logFilters: fc.array(fc.constantFrom("[a-z]+", "x")),
  logMaster: fc.boolean(),
  threadedLogger: fc.boolean(),
  logMasterBufsize: fc.integer({ min: 1, max: 2 ** 30 }),
  // What else it changes is in the sockets already, see proxy_test.ts.
  protocol: fc.constant("http" as const),
  bufferSize: fc.integer({ min: 1024, max: 65535 }),
  socketTimeoutMs: upToAnHour,
  metricsHttpHosts: fc.subarray(["*", "a", "*.b.example"]),
  maxConnections: fc.nat(1 << 20),
  httpHeadersTimeoutMs: upToAnHour,
  httpBodyTimeoutMs: upToAnHour,
  httpKeepaliveTimeoutMs: upToAnHour,
  keepaliveStopMercyMs: upToAnHour,
  keepaliveReloadMercyMs: upToAnHour,
  forwardedAllowIps: fc.subarray(["*", "unix", "::1", "10.0.0.0/8"]),
  enableProxyProtocol: fc.boolean(),
  strict: fc.boolean(),
  pidfile: anyPath,
  pidfile2: anyPath,
  safePidfile: anyPath,
  safePidfile2: anyPath,
  daemonize: anyPath,
  daemonize2: fc.constant(""),
  uid: account,
  gid: account,
  addGid: fc.array(account.filter((one) => one !== "")),
  initgroups: fc.boolean(),
  maxFd: fc.option(fc.integer({ min: 64, max: 1e9 })),
  limitNproc: fc.option(fc.integer({ min: 16, max: 1e9 })),
  limitAs: fc.option(fc.integer({ min: 65536, max: 1e9 })),
  prio: fc.option(fc.integer({ min: -20, max: 19 })),
  cpuAffinity: fc.option(fc.integer({ min: 1, max: 1024 })),
  procname: text,
  procnameMaster: text,
  procnamePrefix: text,
  procnamePrefixSpaced: text,
  procnameAppend: text,
  autoProcname: fc.boolean(),
  logRequests: fc.boolean(),
  disableLogging: fc.boolean(),
  logFormat: anyPath,
  log4xx: fc.boolean(),
  log5xx: fc.boolean(),
  logSlow: fc.nat(2 ** 31 - 1),
  logZero: fc.boolean(),
  logBig: fc.nat(2 ** 31 - 1),
  logMicros: fc.boolean(),
  logXForwardedFor: fc.boolean(),
  memoryReport: fc.boolean(),
  touchLogreopen: fc.array(pathText),
  touchLogrotate: fc.array(pathText),
  logBackupname: anyPath,
  stats: readLines((line) => line, ["stats", ":9191"], ["stats-server", "@a"], ["stats", "a.sock"]),
  autoAccept: fc.boolean(),
  socketMap: fc.subarray(
    ["8000 => 0", "/run/a%(c).sock=>0"].map((text) =>
      parseSocketMapLine({ option: "socket-map", text, origin })
    ),
  ),
  statsHttp: fc.boolean(),
  statsMinified: fc.boolean(),
  statsNoCores: fc.boolean(),
  statsNoMetrics: fc.boolean(),
  metricsHttp: readLines(
    (line) => line,
    ["metrics-http", ":9100"],
    ["metrics-http", "/run/a b%(c).sock"],
  ),
  statsPush: readLines(
    parsePusherLine,
    ["stats-push", "statsd:127.0.0.1:8125,a%(b)"],
    ["stats-push", "file:path=/a b,separator=\\n,freq=3"],
  ),
  statsPusherDefaultFreqMs: fc.integer({ min: 1000, max: 86_400_000 }),
  carbon: readLines(parseCarbonLine, ["carbon", "localhost:2003"]),
  carbonFreqMs: fc.integer({ min: 1000, max: 86_400_000 }),
  carbonTimeoutMs: fc.integer({ min: 100, max: 60_000 }),
  carbonId: text,
  carbonRoot: text.filter((one) => one !== ""),
  logMaxsize: fc.nat(2 ** 30),
  logKeep: fc.nat(1_000_000),
  logReopen: fc.boolean(),
  logTruncate: fc.boolean(),
  logfileChmod: mode,
  logfileChown: fc.constantFrom("", "root", "www-data:33"),
  permissionSet: fc.constantFrom("", "default", "web"),
  workerControl: fc.boolean(),
  sandboxWalls: fc.record({
    walls: fc.subarray([...SANDBOX_WALLS]),
    required: fc.boolean(),
  }),
  allowNet: permission,
  denyNet: permission,
  allowRead: permission,
  denyRead: permission,
  allowWrite: permission,
  denyWrite: permission,
  allowEnv: permission,
  denyEnv: permission,
  allowRun: permission,
  denyRun: permission,
  allowSys: permission,
  denySys: permission,
  allowFfi: wholePermission,
  denyFfi: wholePermission,
  allowImport: permission,
  denyImport: permission,
}).map(fitting);

/** Makes values that must fit together do so. */
function fitting(config: Config): Config {
  const cheaper = Math.min(config.cheaper, config.processes - 1);
  const initial = Math.max(cheaper, Math.min(config.cheaperInitial, config.processes));
  const soft = config.cheaperRssLimitSoft;
  return {
    ...config,
    cheaper,
    logto: config.daemonize === "" ? config.logto : "",
    cheaperInitial: config.cheaperInitial === 0 ? 0 : initial,
    cheaperRssLimitHard: soft === 0 ? 0 : config.cheaperRssLimitHard,
  };
}

/** Lines are not part of what is written. */
function withoutOrigins(config: Config | null): unknown {
  const comparable = (key: string, value: unknown) =>
    key === "origin" ? 0 : typeof value === "bigint" ? String(value) : value;
  return config && JSON.parse(JSON.stringify(config, comparable));
}

Deno.test("showConfig() writes what is read as the same configuration", () => {
  fc.assert(
    fc.property(anyConfig, (config) => {
      const written = showConfig({ config, entries: [] });
      const source = memorySource({ files: { "a.ini": written }, env: { HOME: "/root" } });
      const loaded = loadConfig(["a.ini"], source);
      const disturbing = loaded.problems.filter(({ message }) => !/has no effect/.test(message));
      assertEquals(disturbing, [], written);
      assertEquals(withoutOrigins(loaded.config), withoutOrigins(config), written);
    }),
    { numRuns: 300 },
  );
});

Deno.test("showConfig() writes placeholders so that scripts find the same", () => {
  const name = fc.stringMatching(/^[^\s()=\0]+$/).filter((one) => one.isWellFormed());
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, text), { selector: ([one]) => one }), (pairs) => {
      const entries = pairs.map(([key, value]) => ({ key, value, origin, placeholder: true }));
      const written = showConfig({ config: defaults(), entries });
      const loaded = loadConfig(["a.ini"], memorySource({ files: { "a.ini": written } }));
      assertEquals(optionsForModule(loaded.entries), optionsForModule(entries), written);
    }),
    { numRuns: 200 },
  );
});

Deno.test("showConfig() has defaults as comments, and unknown options as they are", () => {
  const source = memorySource({
    files: {
      "a.ini": "[uwsgi]\nstrict = no\nsocket = :1\ndeno-worker-override = a.ts\nfoo = %k%%",
    },
  });
  const lines = showConfig(loadConfig(["a.ini"], source)).split("\n");
  assertEquals(lines[0], "[uwsgi]");
  assert(lines.includes("; listen = 100"));
  assert(lines.includes("foo = 4%%"));
});

Deno.test("showConfig() shows the entries, when there is no configuration", () => {
  const source = memorySource({ files: { "a.ini": "[uwsgi]\nlisten = %k%%\nvacuum" } });
  assertEquals(
    showConfig(loadConfig(["a.ini"], source)),
    "[uwsgi]\nlisten = 4%%\nvacuum\n",
  );
});

Deno.test("optionsForModule() has true for no value and a list for several", () => {
  const entry = (key: string, value: string | null, placeholder = false) => ({
    key,
    value,
    origin,
    placeholder,
  });
  const options = optionsForModule([
    entry("vacuum", null),
    entry("env", "A=1"),
    entry("env", "B=2"),
    entry("env", "C=3"),
    entry("own", "x", true),
    entry("flag", null),
    entry("flag", "no"),
    entry("__proto__", "safe"),
  ]);
  assertEquals(Object.entries(options), [
    ["vacuum", true],
    ["env", ["A=1", "B=2", "C=3"]],
    ["own", "x"],
    ["flag", ["true", "no"]],
    ["__proto__", "safe"],
  ]);
});
