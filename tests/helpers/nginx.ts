/**
 * A real nginx for tests, with a configuration and a directory of its own.
 *
 * @module
 */
import { TempDirectory } from "./temp_directory.ts";

const CANDIDATES = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/local/nginx/sbin/nginx"];

const STREAM_MODULES = ["/usr/lib/nginx/modules/ngx_stream_module.so"];

/** Where nginx is; null: there is none on this machine. */
export function findNginx(): string | null {
  return CANDIDATES.find(isFile) ?? null;
}

/** Where its module for connections of whatever kind is; null: there is none on this machine. */
export function findStreamModule(): string | null {
  return findNginx() === null ? null : STREAM_MODULES.find(isFile) ?? null;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/**
 * What nginx's own `uwsgi_params` has, wherever that file is, without the client's address and HTTPS. It
 * belongs beside other `uwsgi_param`s.
 */
export const UWSGI_PARAMS = `
uwsgi_param QUERY_STRING $query_string;
uwsgi_param REQUEST_METHOD $request_method;
uwsgi_param CONTENT_TYPE $content_type;
uwsgi_param CONTENT_LENGTH $content_length;
uwsgi_param REQUEST_URI $request_uri;
uwsgi_param PATH_INFO $document_uri;
uwsgi_param SERVER_PROTOCOL $server_protocol;
uwsgi_param REQUEST_SCHEME $scheme;
uwsgi_param SERVER_PORT $server_port;
uwsgi_param SERVER_NAME $server_name;
`;

/** A running nginx. Use it with `await using`. */
export class Nginx implements AsyncDisposable {
  readonly #directory = new TempDirectory();
  readonly #process: Deno.ChildProcess;

  /**
   * Starts it.
   *
   * @param servers `server` blocks; `%DIR%` is a directory of its own.
   * @param streams The same for connections of whatever kind.
   */
  constructor(servers: string, streams = "") {
    const program = findNginx();
    if (program === null) throw new Error("There is no nginx on this machine");
    const temp = ["client_body", "uwsgi", "proxy", "fastcgi", "scgi"].map((name) =>
      `${name}_temp_path ${this.#directory.at(name)};`
    );
    const own = (text: string) => text.replaceAll("%DIR%", this.#directory.path);
    // The user of its processes must be able to reach the Unix sockets of the test.
    const user = Deno.uid() === 0 ? "user root;" : "";
    const config = this.#directory.write(
      "nginx.conf",
      `${streams === "" ? "" : `load_module ${findStreamModule()};`}
daemon off;
worker_processes 1;
pid ${this.#directory.at("nginx.pid")};
error_log ${this.#directory.at("error.log")};
${user}
events { worker_connections 512; }
${streams === "" ? "" : `stream { ${own(streams)} }`}
http {
access_log off;
client_max_body_size 10m;
${temp.join("\n")}
${own(servers)}
}
`,
    );
    const args = ["-e", "stderr", "-p", this.#directory.path, "-c", config];
    this.#process = new Deno.Command(program, { args, stdin: "null", stderr: "inherit" }).spawn();
  }

  /** Path of something in its directory. */
  path(name: string): string {
    return this.#directory.at(name);
  }

  /** What it has to complain about so far. */
  get complaints(): string {
    return Deno.readTextFileSync(this.path("error.log"));
  }

  /** Waits until it listens at this place. */
  async listens(place: Deno.ConnectOptions | Deno.UnixConnectOptions): Promise<void> {
    const deadline = performance.now() + 20_000;
    while (true) {
      try {
        const connection = "path" in place ? await Deno.connect(place) : await Deno.connect(place);
        return connection.close();
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
    await this.#process.status;
    this.#directory[Symbol.dispose]();
  }
}
