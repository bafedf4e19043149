/** Runs a shell's script on a pseudo terminal of Python's, and types. */
import { spawnSync } from 'node:child_process';
import { type CliOptions, type CliResult, runShell } from './cli.js';

/** What is waited for, after what was waited for before, and what is typed then. */
export type Typed = readonly [seen: string, typed: string];

const TYPIST = `
import json, os, pty, sys
pid, fd = pty.fork()
if pid == 0: os.execvp('sh', ['sh', '-c', os.environ['SCRIPT']])
seen, todo = b'', json.loads(os.environ['TYPED'])
while True:
    try: piece = os.read(fd, 4096)
    except OSError: break
    if not piece: break
    sys.stdout.buffer.write(piece)
    seen += piece
    while todo and todo[0][0].encode() in seen:
        expected, typed = [part.encode() for part in todo.pop(0)]
        seen = seen[seen.index(expected) + len(expected):]
        os.write(fd, typed)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
if todo: sys.exit('never seen: %r' % todo[0][0])
sys.exit(status if status >= 0 else 128 - status)
`;

export function hasTerminal(): boolean {
  return spawnSync('python3', ['-c', 'import pty']).status === 0;
}

/**
 * All that appears on the terminal is in `stdout`; a signal that ended the script is the exit code 128 and its number.
 * @param script in which $SLUICE is the program
 */
export async function runOnTerminal(script: string, options: CliOptions, typed: readonly Typed[]): Promise<CliResult> {
  const env = { ...options.env, TERM: 'xterm', TYPIST, SCRIPT: script, TYPED: JSON.stringify(typed) };
  return runShell('exec python3 -c "$TYPIST"', { ...options, env });
}
