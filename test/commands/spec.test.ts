import { describe, expect, it } from 'vitest';
import { PRESETS } from '../../src/schema/presets.js';
import { loadSpec, parseSpec } from '../../src/schema/spec-file.js';
import { runCli } from '../support/cli.js';

describe('spec', () => {
  it('lists the presets', async () => {
    const { code, stdout } = await runCli(['spec', '--list']);
    expect(code).toBe(0);
    expect(
      stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => line.split(':')[0]),
    ).toEqual(Object.keys(PRESETS));
  });

  it('prints a preset with its comments, which is the spec that preset:NAME names', async () => {
    const { stdout } = await runCli(['spec', '--preset', 'debezium-mongodb']);
    expect(JSON.parse(stdout)).toMatchObject({ $schema: expect.any(String), comment: expect.any(String) });
    expect(parseSpec(stdout, 'printed')).toEqual(loadSpec('preset:debezium-mongodb'));
  });

  it('and the other commands take it by its name', async () => {
    const value = '{"op":"c","after":{"order_id":7,"amount":"AegS"}}';
    const { stdout } = await runCli(['parse', '--spec', 'preset:debezium'], { input: value });
    expect(JSON.parse(stdout)).toMatchObject({ row: { order_id: '7', operation: 'insert', amount: '1249.4600' } });
  });

  it.each([
    [['--preset', 'oracle'], 'there is no preset oracle: choose one of capture, debezium'],
    [[], 'sluice spec needs --list or --preset NAME'],
    [['--list', '--preset', 'debezium'], 'sluice spec needs --list or --preset NAME'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await runCli(['spec', ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});
