import { expect, it } from 'vitest';
import { Turns } from '../../src/core/turns.js';

it('begins nothing more once they are closed, and are closed when what is under way has ended', async () => {
  const turns = new Turns();
  const steps: string[] = [];
  let end!: () => void;
  const first = turns.take(() => new Promise<void>((resolve) => (end = resolve)));
  const note = async () => void steps.push('begun');
  await Promise.resolve();
  const waiting = turns.take(note);
  const closed = turns.close().then(() => steps.push('closed'));
  const late = turns.take(note);
  const failure = { code: 'SLUICE_QUERY', message: 'the running process is ending' };
  const refused = Promise.all([waiting, late].map((taken) => expect(taken).rejects.toMatchObject(failure)));
  steps.push('ends');
  end();
  await Promise.all([first, refused, closed]);
  expect(steps).toEqual(['ends', 'closed']);
  await expect(turns.take(note)).rejects.toMatchObject(failure);
});

it('fail with the first error that breaks them off', async () => {
  const turns = new Turns();
  turns.breakOff(new Error('no answer'));
  await turns.close();
  await expect(turns.take(async () => {})).rejects.toThrow('no answer');
});
