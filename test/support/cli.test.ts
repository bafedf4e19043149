import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { CliProcess, runCli, temporaryDataDir } from './cli.js';

async function script(source: string): Promise<string> {
  const file = path.join(await temporaryDataDir(), 'program.mjs');
  await writeFile(file, source);
  return file;
}

describe('running a program', () => {
  it('gives its output, exit code, arguments, input and environment', async () => {
    const source = `
      const input = (await process.stdin.toArray()).join('');
      console.log(process.argv[2], input, process.env.SHOP, process.env.VITEST);
      console.error('oh');
      process.exitCode = 3;`;
    const result = await runCli(['a'], { script: await script(source), input: 'in', env: { SHOP: 'orders' } });
    expect(result).toEqual({ code: 3, signal: null, stdout: 'a in orders undefined\n', stderr: 'oh\n' });
  });

  it('waits for a line and kills', async () => {
    const program = await CliProcess.start([], {
      script: await script(`setInterval(() => console.log('turn', process.uptime() > 0), 10)`),
    });
    expect(await program.line(/turn/)).toBe('turn true');
    program.kill('SIGTERM');
    expect(await program.ended).toMatchObject({ code: null, signal: 'SIGTERM' });
  });

  it('rejects waiting for a line that never came', async () => {
    const program = await CliProcess.start([], { script: await script(`console.log('other')`) });
    await expect(program.line(/wanted/)).rejects.toThrow('other');
  });

  it('kills what takes too long', async () => {
    const endless = await script('setInterval(() => {}, 1000)');
    expect(await runCli([], { script: endless, timeoutMs: 300 })).toMatchObject({ signal: 'SIGKILL' });
  });
});
