/** The files of examples/deploy say what is true, and fit together. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { basename, fromFileUrl, join } from "@std/path/posix";
import { parseAll } from "@std/yaml";
import { loadConfig } from "../../lib/config/load.ts";
import { captureBase, denoConfigSource } from "../../lib/instance/config_source.ts";
import { bindTcp, boundPort } from "../../lib/system/sockets/listening_socket.ts";
import { getText } from "../helpers/http.ts";
import { OwnedDescriptors } from "../helpers/owned_descriptors.ts";
import { readyMaster } from "../helpers/running_master.ts";
import { startWithSockets } from "../helpers/service_manager.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";
import { loadGrammars } from "../../lib/config/kinds/line_reader.ts";

await loadGrammars();

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const DEPLOY = `${ROOT}examples/deploy`;

function read(name: string): string {
  return Deno.readTextFileSync(`${DEPLOY}/${name}`);
}

/** The value of an option in the text of a unit, or of an instruction in that of a Dockerfile. */
function valueOf(text: string, key: string): string {
  return new RegExp(`^${key}[= ](.*)$`, "m").exec(text)?.[1] ?? "";
}

function configOf(name: string) {
  const { config } = loadConfig(
    ["--ini", `${DEPLOY}/${name}`],
    denoConfigSource(captureBase(), false),
  );
  if (config === null) throw new Error(`${name} has errors`);
  return config;
}

/** The version of systemd; 0: it is not there. */
async function systemdVersion(): Promise<number> {
  try {
    const { stdout } = await new Deno.Command("systemd-analyze", { args: ["--version"] }).output();
    return Number(/^systemd (\d+)/.exec(new TextDecoder().decode(stdout))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

const version = await systemdVersion();

Deno.test({
  name: `the units are good for systemd-analyze${version > 0 ? "" : " (skipped: not installed)"}`,
  ignore: version === 0,
  fn: async () => {
    using directory = new TempDirectory();
    // The program is somewhere else here.
    const service = read("app.service").replace("/usr/local/bin/deno", Deno.execPath());
    const units = [
      directory.write("app.service", service),
      directory.write("app.socket", read("app.socket")),
    ];
    const { stderr, code } = await new Deno.Command("systemd-analyze", {
      args: ["verify", ...units],
    }).output();
    // What it says of units of the machine is not about these.
    const lines = new TextDecoder().decode(stderr).split("\n");
    assertEquals(lines.filter((line) => line.includes("app.")), []);
    assertEquals(code, 0);
  },
});

Deno.test("the configuration for systemd serves the socket that the unit names", async () => {
  assertEquals(
    configOf("systemd.ini").sockets[0]?.text,
    `fd://${valueOf(read("app.socket"), "FileDescriptorName")}`,
  );
  // Debian 12 has systemd 252, which knows no notify-reload.
  assertEquals(valueOf(read("app.service"), "Type"), "notify");
  assertEquals(valueOf(read("app.service"), "ExecReload"), "kill -HUP $MAINPID");
  assertEquals(valueOf(read("app.service"), "MemoryDenyWriteExecute"), "no");
  using owned = new OwnedDescriptors();
  const { libc } = owned;
  const options = { host: "::", port: 0, reusePort: false, keepalive: false };
  const fd = owned.listen(owned.own(bindTcp(libc, options)));
  await using running = startWithSockets(
    { ini: `include = ${DEPLOY}/systemd.ini\nprocesses = 2` },
    [fd],
    valueOf(read("app.socket"), "FileDescriptorName"),
  );
  await running.ready();
  assertMatch(await getText(`http://127.0.0.1:${boundPort(libc, fd)}/`), /^Hello from worker/);
});

Deno.test("the Dockerfile bundles and copies what it starts, with the Deno that runs here", async () => {
  const [first = "", second = ""] = read("Dockerfile").split(/^(?=FROM )/m).slice(1);
  const from = `FROM denoland/deno:${Deno.version.deno}`;
  assert(first.startsWith(`${from} AS bundle\n`) && second.startsWith(`${from}\n`));
  using directory = new TempDirectory();
  const source = directory.at("source");
  for (const [names = "", target = ""] of copies(first)) {
    const to = join(source, target);
    if (target.endsWith("/")) Deno.mkdirSync(to, { recursive: true });
    await done("cp", ["-r", ...names.split(" "), to], ROOT);
  }
  const run = /^RUN deno task (.*)$/m.exec(first)?.[1]?.split(" ") ?? [];
  const opt = run.at(-1) ?? "";
  await done(Deno.execPath(), ["task", "--quiet", ...run.slice(0, -1), directory.at(opt)], source);
  const there = copies(second).flatMap(([names = "", target = ""]) =>
    names.startsWith("--from=bundle")
      ? [...Deno.readDirSync(directory.at(opt))].map(({ name }) => `${target}/${name}`)
      : names.split(" ").map((name) => `${valueOf(second, "WORKDIR")}/${basename(name)}`)
  );
  const command = JSON.parse(valueOf(second, "ENTRYPOINT"))
    .concat(JSON.parse(valueOf(second, "CMD"))) as string[];
  const paths = command.filter((part) => part.startsWith("/"));
  assertEquals(paths.filter((path) => !there.includes(path)), []);
  assert(paths.length === 2);
  assertEquals(`:${valueOf(second, "EXPOSE")}`, configOf("app.ini").sockets[0]?.text);
});

async function done(command: string, args: string[], cwd: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, cwd }).output();
  assert(success, new TextDecoder().decode(stderr));
}

/** What `COPY` names, and where it goes. */
function copies(stage: string): readonly (readonly string[])[] {
  return [...stage.matchAll(/^COPY (.*) (\S+)$/gm)].map(([, ...parts]) => parts);
}

/** What the test reads of the Deployment. */
interface Deployment {
  readonly kind: string;
  readonly spec: {
    readonly selector: { readonly matchLabels: unknown };
    readonly template: {
      readonly metadata: { readonly labels: unknown };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly {
          readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
          readonly readinessProbe: { readonly httpGet: { readonly path: string } };
          readonly lifecycle: {
            readonly preStop: { readonly sleep: { readonly seconds: number } };
          };
        }[];
      };
    };
  };
}

Deno.test("the Deployment waits for readiness, and longer than the mercy for the end", async () => {
  const [deployment, service] = parseAll(read("kubernetes.yaml")) as [Deployment, {
    readonly kind: string;
    readonly spec: { readonly selector: unknown };
  }];
  assertEquals([deployment.kind, service.kind], ["Deployment", "Service"]);
  const { selector, template } = deployment.spec;
  assertEquals(template.metadata.labels, selector.matchLabels);
  assertEquals(service.spec.selector, selector.matchLabels);
  const [container] = template.spec.containers;
  if (container === undefined) throw new Error("The Deployment has no container");
  const { sockets, workerReloadMercyMs, metricsHttp } = configOf("app.ini");
  assertEquals(`:${container.ports[0]?.containerPort}`, sockets[0]?.text);
  assertEquals(`:${container.ports[1]?.containerPort}`, metricsHttp[0]?.text);
  const needed = container.lifecycle.preStop.sleep.seconds + workerReloadMercyMs / 1000;
  assert(template.spec.terminationGracePeriodSeconds > needed, `needs more than ${needed}`);
  const { master, addresses } = await readyMaster({
    ini: `chdir = ${DEPLOY}\nhttp-socket = 127.0.0.1:0\ndeno-worker-override = app.ts`,
  });
  await using _running = master;
  const { path } = container.readinessProbe.httpGet;
  const headers = { connection: "close" };
  const response = await fetch(`http://${addresses[0]}${path}`, { headers });
  assertEquals([response.status, await response.text()], [200, "ready\n"]);
});
