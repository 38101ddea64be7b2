import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeOneFile } from "../../../lib/page/one_file.ts";
import { loadPage, PAGE_PARTS } from "../../../lib/page/page.ts";

const HTML = '<style></style><script type="module"></script>';

/** The base64 SHA-256 of a text. */
async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

Deno.test("modules become one script without types, imports and exports", async () => {
  const modules = [
    "export function twice(n: number): number {\n  return n * 2;\n}",
    'import { twice } from "./twice.ts";\nimport type { A } from "./a.ts";\nconst four = twice(2);',
  ];
  const { html } = await makeOneFile({ html: HTML, css: "", modules });
  assertStringIncludes(html, "function twice(n");
  assertStringIncludes(html, "const four = twice(2);");
  for (const gone of ["export", "import", "number", "./a.ts"]) assert(!html.includes(gone), gone);
});

Deno.test("what stands for something in a replacement stays as it is", async () => {
  const parts = { html: HTML, css: "a::after { content: '$&' }", modules: ["const a = '$1$`';"] };
  const { html } = await makeOneFile(parts);
  assertStringIncludes(html, "content: '$&'");
  assertStringIncludes(html, "const a = '$1$`';");
});

Deno.test("the policy allows the style and the script of the page by their hashes, and no others", async () => {
  const { html, headers } = await loadPage();
  const policy = headers["Content-Security-Policy"] ?? "";
  const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? "";
  const script = /<script type="module">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? "";
  assert(style.length > 1000 && script.length > 10_000);
  assertStringIncludes(policy, `style-src 'sha256-${await hashOf(style)}'`);
  assertStringIncludes(policy, `script-src 'sha256-${await hashOf(script)}'`);
  assertStringIncludes(policy, "default-src 'none'; connect-src 'self'");
  assert(!policy.includes("unsafe"));
  // Closing tags in the parts would end them early, and then their hashes were others.
  assert(script.trimEnd().endsWith("start();"));
});

Deno.test("the page has no address of anything but its stats", async () => {
  const { html } = await loadPage();
  const addresses = [...html.matchAll(/\b(?:src|href|fetch\()=?["']([^"']+)/g)].map(([, to]) => to);
  assertEquals(addresses.filter((to) => to !== "./stats" && !to?.startsWith("data:")), []);
});

/** Names at the top of a module. */
const DECLARED = /^(?:export )?(?:async )?(?:function|class|const|let) (\w+)/gm;

Deno.test("modules of the page can share a scope: no name is taken twice, and none is renamed", () => {
  const names = PAGE_PARTS.modules.flatMap((text) =>
    [...text.matchAll(DECLARED)].map(([, name]) => name)
  );
  assertEquals(names.filter((name, index) => names.indexOf(name) !== index), []);
  for (const text of PAGE_PARTS.modules) {
    assertEquals(text.match(/^import\s[^;]*\b(\w+ as \w+|\* as)[^;]*;/gm), null);
  }
});

Deno.test("modules of the page are behind those that they import from", () => {
  const known = new Set<string>();
  for (const text of PAGE_PARTS.modules) {
    for (const [, names = ""] of text.matchAll(/^import \{([^}]*)\} from/gm)) {
      for (const name of names.split(",").map((one) => one.trim())) {
        if (name !== "" && !name.startsWith("type ")) {
          assert(known.has(name), `${name} comes later`);
        }
      }
    }
    for (const [, name = ""] of text.matchAll(DECLARED)) known.add(name);
  }
});
