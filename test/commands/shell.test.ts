import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/batches.js';
import { runCli, runShell } from '../support/cli.js';
import { queriedDirectory } from '../support/queried.js';

it('answers statements of several lines, goes on after an error, and knows the tables', async () => {
  const input = 'SELECT 1 AS a,\n  2 AS b;\nSELEC 1;\n.tables\n.schema sluice.positions\n.nothing\nSELECT 3 AS c';
  const { code, stdout, stderr } = await runCli(['shell'], { env: { DATA_DIR: await queriedDirectory(false) }, input });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^a {2}b\n─ {2}─\n1 {2}2\n/);
  for (const part of [/main +cdc_orders +BASE TABLE\n/, /partition_id +INTEGER/, /\.schema \[table\]/, /c\n─\n3\n$/]) {
    expect(stdout).toMatch(part);
  }
  expect(stderr).toMatch(/^SLUICE_QUERY: .*Parser Error/);
});

/** Types what it is given, a line when the prompt is there. */
const TYPIST = `
import os, pty, sys
pid, fd = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:3] + ['shell'])
ready, more = b'sluice> \\x1b[9G', b'   ...> \\x1b[9G'
seen, todo = b'', [(ready, b'SELECT change_i'), (b'change_i', b'\\t'), (b'change_id', b' FROM cdc_orders\\r'),
  (more, b'ORDER BY 1;\\r'), (ready, b'\\x1b[A\\x03'), (ready, b'\\x03')]
while True:
    try: piece = os.read(fd, 4096)
    except OSError: break
    if not piece: break
    seen += piece
    if todo and seen.endswith(todo[0][0]):
        os.write(fd, todo.pop(0)[1])
        if todo[:1] and todo[0][0] in (ready, more): seen = b''
    sys.stdout.buffer.write(piece)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

it('completes, remembers and ends with ctrl-C on a terminal', async ({ skip }) => {
  try {
    execFileSync('python3', ['--version']);
  } catch {
    skip('there is no Python 3 here');
  }
  const env = {
    DATA_DIR: await queriedDirectory(false),
    XDG_STATE_HOME: temporaryDirectory(),
    TERM: 'xterm',
    TYPIST,
  };
  const { code, stdout, stderr } = await runShell('python3 -c "$TYPIST" $SLUICE', { env, timeoutMs: 50_000 });
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/change_id\s+─+\s+82/);
  const history = readFileSync(join(env.XDG_STATE_HOME, 'sluice', 'history'), 'utf8');
  expect(history).toBe('SELECT change_id FROM cdc_orders\nORDER BY 1;\n');
});
