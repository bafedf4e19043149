/** A kernel with a bug: what it traps on is quarantined, everything else becomes rows. */
import { expect, it } from 'vitest';
import { runCli, temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka } from '../support/kafka/shared.js';
import { filledTopic, queryFile, refusal, runEnv, runUntilEnd, verifies } from './support.js';

const LONG = { timeout: 120_000 };
const TRAPPING = { NODE_OPTIONS: `--import=${new URL('../support/trapping-kernel.mjs', import.meta.url)}` };

function order(note: string) {
  return { key: note, value: JSON.stringify({ change_id: note, order_id: note, items: note }) };
}

describeKafka('a kernel that traps', (bootstrap) => {
  const events = [...orderEvents({ count: 3000, shares: {} })];

  it('on a message: it is quarantined, and said; all others become rows once', LONG, async () => {
    const messages = [...events.slice(0, 1234), order('trap:alone'), ...events.slice(1234), order('trap:once')];
    const topic = await filledTopic(bootstrap(), 'traps', 1, messages);
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), TRAPPING);
    const { code, stdout, stderr } = await runCli(['run', '--until-end'], { env });
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ events: 3002, merged: 3001, quarantined: 1 });
    const logged = stderr.split('\n').filter((line) => line.includes('trapped'));
    expect(logged.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ level: 50, partition: 0, offsets: [1234], msg: expect.stringMatching(/unreachable/) }),
    );
    await verifies(env);
    const quarantine = 'SELECT message_offset::INTEGER, reason, decode(value) FROM sluice.quarantine';
    expect(await queryFile(env.DATA_DIR, quarantine)).toEqual([[1234, 'kernel_trap', order('trap:alone').value]]);
  });

  it('on no message alone: the run ends, and nothing is committed of the batch', LONG, async () => {
    const messages = [order('trap:left'), ...events.slice(0, 100), order('trap:right')];
    const topic = await filledTopic(bootstrap(), 'traps', 1, messages);
    const env = runEnv(bootstrap(), topic, await temporaryDataDir());
    const { code, error } = await refusal(['run', '--until-end'], { ...env, ...TRAPPING });
    expect(code).toBe(3);
    expect(error).toMatch(/SLUICE_KERNEL.*on no message of it alone: partition 0, from offset 0/);
    expect(await runUntilEnd(env)).toMatchObject({ events: 102, merged: 102 });
    await verifies(env);
  });
});
