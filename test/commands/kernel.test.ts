import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ABI_VERSION } from '../../src/kernel/abi.js';
import { loadSpec } from '../../src/schema/load-spec.js';
import { specHash } from '../../src/schema/spec-hash.js';
import { runCli, temporaryDataDir } from '../support/cli.js';

describe('kernel export', () => {
  it('writes the kernel, its memory, and what a host must know of them', async () => {
    const out = path.join(await temporaryDataDir(), 'new', 'bundle');
    const flags = ['--spec', 'preset:debezium', '--batch-rows', '1000', '--out', out];
    expect(await runCli(['kernel', 'export', ...flags])).toMatchObject({ code: 0, stderr: '' });
    const described = JSON.parse(await readFile(path.join(out, 'kernel.json'), 'utf8'));
    const spec = loadSpec('preset:debezium');
    expect(described).toMatchObject({
      format: 1,
      abiVersion: ABI_VERSION,
      specHash: specHash(spec),
      limits: { batchRows: 1000 + 4096, chunkRows: 4096 },
      statuses: ['ok', 'tombstone', 'malformed', 'not_object', 'missing_required', 'expectation'],
      statusesOfHost: ['too_large', 'kernel_trap'],
      specColumns: spec.columns.map(({ name }) => name),
    });
    for (const [name, sha256] of Object.entries(described.sha256)) {
      const bytes = await readFile(path.join(out, name));
      expect([name, createHash('sha256').update(bytes).digest('hex')]).toEqual([name, sha256]);
    }
  });

  it('says where each region is, so that a host can lay them out for other limits', async () => {
    const out = path.join(await temporaryDataDir(), 'bundle');
    // Keys and embedded JSON: every region there is.
    await runCli(['kernel', 'export', '--spec', 'preset:mongodb-connector', '--out', out]);
    const described = JSON.parse(await readFile(path.join(out, 'kernel.json'), 'utf8'));
    const { inOrder, spareBytes, alignment } = described.regions;
    let at: number = inOrder[0].address;
    for (const { address, bytes, size } of inOrder) {
      expect(address).toBe(at);
      const { fixed = 0, ...perLimit } = size as Record<string, number>;
      const summed = Object.entries(perLimit).reduce((sum, [name, n]) => sum + n * described.limits[name], fixed);
      expect(bytes).toBe(summed);
      at = Math.ceil((address + bytes + spareBytes) / alignment) * alignment;
    }
    expect(described.memory.bytes).toBe(at);
    const image = await readFile(path.join(out, 'memory.bin'));
    // All addresses are in the image as the description has them.
    for (const { address, addressAt } of inOrder) {
      if (addressAt !== undefined) expect(image.readUInt32LE(addressAt)).toBe(address);
    }
  });

  it.each([
    [['--batch-rows', '0'], '--batch-rows must be an integer from 1 to 1048576, not 0'],
    [['--spec', 'no.json'], 'table spec no.json cannot be read'],
  ])('refuses %j', async (flags, message) => {
    const out = path.join(await temporaryDataDir(), 'bundle');
    const { code, stderr } = await runCli(['kernel', 'export', '--out', out, ...flags]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  it('says why a folder cannot be written', async () => {
    const file = path.join(await temporaryDataDir(), 'file');
    await writeFile(file, '');
    const { code, stderr } = await runCli(['kernel', 'export', '--out', path.join(file, 'bundle')]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`the kernel cannot be written to ${file}`)]);
  });
});
