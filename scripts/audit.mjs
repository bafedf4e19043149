#!/usr/bin/env node
/**
 * Fails on advisories that `npm audit --json` has on stdin and .github/advisories.json does not accept, and on those
 * accepted that it no longer has. Accepted is an id with the reason why it does not matter here:
 *
 *   { "GHSA-xxxx-xxxx-xxxx": "the function with the fault is not in the bundle" }
 *
 * Usage: npm audit --omit=dev --json | audit.mjs [file of those accepted]
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ACCEPTED = fileURLToPath(new URL('../.github/advisories.json', import.meta.url));
const MIN_REASON_CHARACTERS = 20;

const report = JSON.parse(readFileSync(0, 'utf8'));
const accepted = JSON.parse(readFileSync(process.argv[2] ?? ACCEPTED, 'utf8'));
const problems = report.vulnerabilities === undefined ? [`no report: ${report.message}`] : compare(advisories(report));
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

/** @returns what there is to say of each, by its id */
function advisories({ vulnerabilities }) {
  // In `via` are advisories of the package itself, and names of packages that have some.
  const all = Object.values(vulnerabilities).flatMap(({ via }) => via.filter((of) => typeof of !== 'string'));
  return new Map(
    all.map(({ url, name, severity, title }) => [url.split('/').at(-1), `${name}, ${severity}: ${title}`]),
  );
}

function compare(found) {
  return [
    ...[...found].filter(([id]) => !Object.hasOwn(accepted, id)).map(([id, text]) => `${id} is not accepted: ${text}`),
    ...Object.entries(accepted).flatMap(([id, reason]) => {
      if (!found.has(id)) return [`${id} is accepted, and no dependency has it any more: remove it`];
      return reason.length < MIN_REASON_CHARACTERS ? [`${id} is accepted without a reason`] : [];
    }),
  ];
}
