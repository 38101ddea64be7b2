/** Listening sockets that a service manager opened. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  bindAbstract,
  bindTcp,
  bindUnix,
  boundPort,
} from "../../lib/system/sockets/listening_socket.ts";
import { getText, getUnix } from "../helpers/http.ts";
import { OwnedDescriptors } from "../helpers/owned_descriptors.ts";
import type { RunningMaster } from "../helpers/running_master.ts";
import { startWithSockets } from "../helpers/service_manager.ts";
import { TempDirectory } from "../helpers/temp_directory.ts";

const SCRIPT = "deno-worker-override = app.ts";
/** Answers with what it is, what it inherited, and what its children inherit. */
const APP = {
  "app.ts": `import uwsgi from "uwsgi";
const env = Object.keys(Deno.env.toObject()).filter((name) => name.startsWith("LISTEN_"));
uwsgi.serve(async () => {
  const child = await new Deno.Command("sh", { args: ["-c", "ls -l /proc/self/fd"] }).output();
  const inherited = new TextDecoder().decode(child.stdout).match(/socket:/g)?.length ?? 0;
  return Response.json({ pid: Deno.pid, env, inherited, sockets: uwsgi.sockets });
});`,
};

/** Sockets as a service manager opens them: they listen, and block. */
class ServiceSockets extends OwnedDescriptors {
  readonly directory = new TempDirectory();
  readonly path = this.directory.at("app.sock");

  tcp(host = "127.0.0.1"): { readonly fd: number; readonly address: string } {
    const fd = this.own(
      bindTcp(this.libc, { host, port: 0, reusePort: false, keepalive: false }),
    );
    return { fd: this.listen(fd), address: `${host}:${boundPort(this.libc, fd)}` };
  }

  async unix(): Promise<number> {
    return this.listen(this.own(await bindUnix(this.libc, this.path)));
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
    this.directory[Symbol.dispose]();
  }
}

async function reload(running: RunningMaster): Promise<void> {
  assertEquals((await running.reload(() => running.signal("SIGHUP"))).outcome, "done");
}

Deno.test("passed sockets serve instead of configured ones, through reloads, and are left alone", async () => {
  using service = new ServiceSockets();
  const tcp = service.tcp();
  const unix = await service.unix();
  await using running = startWithSockets({
    ini: `http-socket = 127.0.0.1:0
http-socket = ${tcp.address}
socket = ${service.path}
vacuum = true
processes = 2
${SCRIPT}`,
    files: APP,
  }, [unix, tcp.fd]);
  const addresses = await running.ready();
  assertEquals(addresses.slice(1), [tcp.address, service.path]);
  for (let round = 0; round < 2; round++) {
    const text = await getText(`http://${tcp.address}/`);
    assertStringIncludes(text, `"env":[],"inherited":0,`);
    assertStringIncludes(await getUnix(service.path), `"env":[]`);
    await getText(`http://${addresses[0]}/`);
    await reload(running);
  }
  assertEquals(await running.stop(), 0);
  // The path still leads to the queue: the service manager has the socket, and so has this test.
  using _waiting = await Deno.connect({ transport: "unix", path: service.path });
});

Deno.test("passed sockets that are configured nowhere are enough, by name or without", async () => {
  using service = new ServiceSockets();
  const [web, other] = [service.tcp("::"), service.tcp()];
  await using running = startWithSockets(
    { ini: `socket = fd://web\n${SCRIPT}`, files: APP },
    [other.fd, web.fd],
    "other:web",
  );
  const port = web.address.replace("::", "");
  assertEquals(await running.ready(), [`[::]${port}`, other.address]);
  await getText(`http://127.0.0.1${port}/`);
  await getText(`http://${other.address}/`);
  running.writeIni(SCRIPT);
  await reload(running);
  await getText(`http://${other.address}/`);
  assertEquals(await running.stop(), 0);
});

Deno.test("no socket has to be configured, when one is passed", async () => {
  using service = new ServiceSockets();
  const tcp = service.tcp();
  await using running = startWithSockets({ ini: SCRIPT, files: APP }, [tcp.fd]);
  assertEquals(await running.ready(), [tcp.address]);
  await reload(running);
  await getText(`http://${tcp.address}/`);
});

Deno.test("what was passed to another process is not touched", async () => {
  using service = new ServiceSockets();
  const tcp = service.tcp();
  await using running = startWithSockets(
    { ini: `http-socket = 127.0.0.1:0\n${SCRIPT}`, files: APP },
    [tcp.fd],
    null,
    "$PPID",
  );
  const addresses = await running.ready();
  assertEquals(addresses.length, 1);
  assertStringIncludes(await getText(`http://${addresses[0]}/`), `"env":[]`);
});

Deno.test("a passed socket that cannot be used is one line, and nothing is left", async () => {
  using service = new ServiceSockets();
  const { libc } = service;
  const tcp = service.tcp();
  const datagram = service.own(libc.socket(2, 2, 0));
  const deaf = service.own(bindAbstract(libc, `duwsgi-test-${crypto.randomUUID()}`));
  const cases: readonly [ini: string, fds: readonly number[], message: string][] = [
    ["", [tcp.fd, datagram], `"fd://4" (LISTEN_FDS:2): Descriptor 4 is not a TCP or Unix stream`],
    ["", [deaf], `"fd://3" (LISTEN_FDS:1): Descriptor 3 is not a TCP or Unix stream`],
    ["socket = fd://web", [tcp.fd], `"fd://web" (`],
    [`socket = fd://3\nsocket = ${tcp.address}`, [tcp.fd], "are the same passed socket"],
  ];
  for (const [ini, fds, message] of cases) {
    await using running = startWithSockets({ ini: `${ini}\n${SCRIPT}`, files: APP }, fds);
    assertEquals(await running.exitCode(), 3);
    assertEquals(running.output.length, 1, running.output.join("\n"));
    assert(running.output[0]?.includes(message), running.output[0]);
  }
});
