/** A part of a sink whose end is held up. */
import { onTestFinished, vi } from 'vitest';

/** Has `close` of a class wait. Call it within a test. @returns what lets it go on */
export function holdClose(prototype: { close(): Promise<void> }): () => void {
  let end!: () => void;
  const held = new Promise<void>((resolve) => (end = resolve));
  const { close } = prototype;
  const spy = vi.spyOn(prototype, 'close').mockImplementation(async function (this: unknown) {
    await held;
    await close.call(this);
  });
  onTestFinished(() => spy.mockRestore());
  return end;
}
