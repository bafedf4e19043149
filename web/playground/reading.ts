import { useEffect, useRef, useState } from 'preact/hooks';
import type { Delimiter } from '../../src/commands/message-splitter.js';
import type { EngineClient } from './engine-client.js';
import type { Input } from './messages.js';
import type { Summary } from './protocol.js';

/** After the last change. */
const DELAY_MS = 200;

/** Reads again after a change; while it reads, changes wait, and only the last one counts. */
export function useReading(
  engine: EngineClient,
  spec: string,
  input: Input,
  delimiter: Delimiter,
  onFailure: (failure: Error) => void,
) {
  const [summary, setSummary] = useState<Summary>();
  const [specError, setSpecError] = useState<{ specError: string }>();
  const [isReading, setReading] = useState(true);
  const wanted = useRef<{ spec: string; input: Input; delimiter: Delimiter } | undefined>(undefined);
  const isRunning = useRef(false);
  const sent = useRef<Input | undefined>(undefined);
  const run = async () => {
    if (isRunning.current) return;
    isRunning.current = true;
    for (let next = wanted.current; next !== undefined; next = wanted.current) {
      wanted.current = undefined;
      try {
        // Bytes are there already.
        if (next.input.kind === 'text' && sent.current !== next.input) {
          await engine.call('setInput', new TextEncoder().encode(next.input.text));
        }
        sent.current = next.input;
        const result = await engine.call('read', next.spec, next.delimiter);
        if ('specError' in result) setSpecError(result);
        else [setSpecError(undefined), setSummary(result)];
      } catch (thrown) {
        onFailure(thrown as Error);
      }
    }
    isRunning.current = false;
    setReading(false);
  };
  useEffect(() => {
    setReading(true);
    const timer = setTimeout(() => {
      wanted.current = { spec, input, delimiter };
      void run();
    }, DELAY_MS);
    return () => clearTimeout(timer);
  }, [spec, input, delimiter]);
  return { summary, specError, isReading };
}
