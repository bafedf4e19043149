/** How commands fail: whatever goes wrong, it is reported in the form of the log. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli, temporaryDataDir } from '../support/cli.js';

const FAILURES: readonly [what: string, args: readonly string[], env: Record<string, string>, code: string][] = [
  ['an unknown command', ['nonsense'], {}, 'SLUICE_CONFIG'],
  ['an unknown option', ['run', '--nope'], {}, 'SLUICE_CONFIG'],
  ['a choice that is none', ['run', '--on-lost-offsets', 'x'], {}, 'SLUICE_CONFIG'],
  ['a missing argument', ['query'], {}, 'SLUICE_CONFIG'],
  ['an argument too many', ['verify', 'x'], {}, 'SLUICE_CONFIG'],
  ['an option value that is refused', ['query', 'SELECT 1', '--format', 'xml'], {}, 'SLUICE_CONFIG'],
  ['a variable that is refused', ['verify'], { WORKERS: 'x' }, 'SLUICE_CONFIG'],
  ['a log level that is none', ['verify'], { LOG_LEVEL: 'loud' }, 'SLUICE_CONFIG'],
  ['a failure with a silent log', ['verify'], { LOG_LEVEL: 'silent' }, 'SLUICE_CONFIG'],
  ['no database', ['query', 'SELECT 1'], {}, 'SLUICE_CONFIG'],
  ['a spec that is refused', ['run'], { TABLE_SPEC: 'spec.json' }, 'SLUICE_CONFIG'],
  ['a file that is not there', ['parse', 'absent.ndjson'], {}, 'SLUICE_CONFIG'],
];

describe.each(FAILURES)('%s', (_, args, more, code) => {
  const fail = async (format: Record<string, string>) => {
    const dataDir = await temporaryDataDir();
    writeFileSync(join(dataDir, 'spec.json'), '{"table": "T"}');
    return runCli(args, { cwd: dataDir, env: { DATA_DIR: dataDir, ...more, ...format } });
  };

  it('is one line of JSON where the log is JSON', async () => {
    const failed = await fail({});
    expect(failed).toMatchObject({ code: 2, stdout: '' });
    expect(failed.stderr).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(failed.stderr)).toEqual({ level: 60, time: expect.any(String), code, msg: expect.any(String) });
  });

  it('begins with its code where the log is for people', async () => {
    const failed = await fail({ LOG_FORMAT: 'pretty' });
    expect(failed).toMatchObject({ code: 2, stdout: '' });
    expect(failed.stderr).toMatch(new RegExp(`^${code}: `));
  });
});
