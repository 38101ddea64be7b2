/**
 * The prose of the reference: what the INI dialect is, and where it differs from uWSGI's. Whatever
 * can be listed from a table is not written here.
 *
 * @module
 */

/** What stands above the options. */
export const INTRODUCTION = `# Options and INI dialect

An option is written \`name = value\` in the \`[uwsgi]\` section of an INI file, or \`--name value\` on the
command line. Names and letters are uWSGI's where uWSGI has the option.

\`\`\`ini
[uwsgi]
deno-worker-override = app.ts
http-socket = :8080
processes = 4
touch-chain-reload = reload.txt
\`\`\`

Who wins: the weakest options are \`UWSGI_NAME\` environment variables that name an option, \`ini\`,
\`include\`, \`inherit\` or \`set-placeholder\`. Then come the options of the command line and the files
named there with \`--ini\`, in order; then files named without \`--ini\`; then files to \`inherit\`. Of
options that have one value the last use counts, of options that form a list every use counts, and of
placeholders the first definition counts.

Problems are reported all at once, each with file and line. An unknown option is an error, unless
\`strict = false\` is set.`;

/** What stands above the list of magic variables. */
export const SYNTAX = `## Syntax

- Sections start with \`[name]\`; a section may appear several times. Without another wish, \`[uwsgi]\` is
  read.
- A line whose first character is \`;\` or \`#\` is a comment. There are no comments behind a value.
- The first \`=\` separates name and value; without \`=\` there is no value. Space around both is dropped.
- There are no quotes, no escapes and no continued lines: quotes are part of the value.
- Booleans are \`true\`, \`yes\`, \`on\`, \`1\`, \`false\`, \`no\`, \`off\` and \`0\`; no value means true.
- Times are seconds, with decimals if need be.
- Lines end with LF or CR LF, the text is UTF-8, a byte order mark is ignored.

## Placeholders

| Form | Replaced by |
| --- | --- |
| \`$(NAME)\` | the environment variable |
| \`$(NAME-text)\` | the environment variable, or the text if it is not set |
| \`$(NAME:-text)\` | the environment variable, or the text if it is not set or empty |
| \`@(file)\` | the content of the file, without its last line end; \`@(-)\` is standard input |
| \`@(data:,text)\` | the text, in which \`%%20\` is a space and so on (RFC 2397) |
| \`%(name)\` | the first value of that option or placeholder, also if it is set further below |
| \`%(_)\` | in conditions and loops: what they found |
| \`%(a b)\` | the values of both, or whole numbers, one after the other |
| \`%(a + b)\` | the result; \`+ - * /\` work from left to right on whole numbers of 64 bits |
| \`%(a ++)\` | one more; \`--\` is one less |

Placeholders can be nested, and work in directives, too, where they can only refer to what stands
above.

\`\`\`ini
[uwsgi]
set-placeholder = base=8000
set-placeholder = conf=/etc/app
deno-worker-override = app.ts
for-times = 2
http-socket = :%(base + _)
endfor =
env = GREETING=$(GREETING:-100%% yours)
if-file = %(conf)/key
env = KEY=@(%(conf)/key)
endif =
\`\`\`

What is not defined stays as it is, with a warning; a file that cannot be read is an error. To have
such a sequence in a value, write its first character as a \`data:,\` URL: \`@(data:,%%24)(HOME)\` is
the text \`$(HOME)\`.

## Magic variables

They are replaced in the text of an INI file before anything else, \`%(\` excepted. On the command line
they do not exist. For a file read from standard input those about files are empty.`;

/** What stands at the end. */
export const DIFFERENCES = `## Differences to uWSGI

| uWSGI | duwsgi |
| --- | --- |
| Unknown options in files are ignored unless \`strict\` is set | They are errors unless \`strict = false\` is set |
| A name of one's own serves as placeholder | \`set-placeholder\` defines it; names of one's own need \`strict = false\` |
| \`processes = abc\` means 0, every unknown word means true | Both are errors |
| An unknown magic variable vanishes | It is an error; \`%%\` is a percent sign |
| Variables of the outermost file (\`%P\`) are empty for \`uwsgi app.ini\` | They are set however the file was named |
| Placeholders are not replaced in directives, \`listen\` and \`set-placeholder\` | They are replaced everywhere |
| \`$(…)\`, \`@(…)\` and \`%(…)\` are replaced one kind after the other, also in what came out of a file or a variable | They are replaced from the inside outwards; what came out is not looked at again |
| Calculations take for 0 what is no number, and divide by zero | Both are errors |
| Conditions and loops cannot be nested; there is no \`else\` | They can, and there is |
| A loop repeats each line by itself | It repeats its lines as a block |
| \`for-readline\` repeats for blank lines, too | It skips them |
| \`[ uwsgi ]\` is another section than \`[uwsgi]\` | It is the same section |
| A byte order mark hides the first section | It is ignored |
| A missing section, lines above the first section, malformed headers go unnoticed or cause a warning | They are errors |
| A file that includes itself is read until the program crashes | It is an error |
| \`app.ini:section\` needs \`--ini\` | It does not |
| INI, XML, YAML and JSON; files from URLs and commands | INI files and standard input |`;
