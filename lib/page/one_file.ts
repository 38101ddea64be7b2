/**
 * Makes one file of the parts of a page, and the rules under which a browser may run it.
 *
 * @module
 */

import { stripTypeScriptTypes } from "node:module";

/** The parts of a page. */
export interface PageParts {
  /** HTML with an empty `<style></style>` and an empty `<script type="module"></script>`. */
  readonly html: string;
  readonly css: string;
  /**
   * TypeScript modules, each behind those it imports from. They share one scope afterwards: their
   * imports are left out, and no two may have the same name at their top.
   */
  readonly modules: readonly string[];
}

/** A page that loads nothing more. */
export interface OneFile {
  readonly html: string;
  /** Value of the header `Content-Security-Policy`: only what is in the page runs. */
  readonly policy: string;
}

/** Puts the parts together. */
export async function makeOneFile({ html, css, modules }: PageParts): Promise<OneFile> {
  const script = modules.map(asScript).join("\n");
  const policy = [
    "default-src 'none'",
    "connect-src 'self'",
    "img-src data:",
    `style-src '${await hashOf(css)}'`,
    `script-src '${await hashOf(script)}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // Text that is taken for HTML is an error in the browser, whoever wrote the text.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  const page = html
    .replace("<style></style>", () => `<style>${css}</style>`)
    .replace('<script type="module"></script>', () => `<script type="module">${script}</script>`);
  return { html: page, policy };
}

/** A module without types, imports and the word `export`. */
function asScript(module: string): string {
  return stripTypeScriptTypes(module)
    .replace(/^import\s[^;]*;$/gm, "")
    .replace(/^export (?=async |function |class |const |let )/gm, "")
    .replace(/(?<![ \t])[ \t]+$/gm, "")
    .replace(/\n{3,}/g, "\n\n");
}

/** The hash of a text as the policy names it. */
async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}`;
}
