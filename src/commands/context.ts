/** What every command gets of the process: its `add` function takes the program and this. */
import type { Readable } from 'node:stream';
import type { Config } from '../config.js';
import type { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import type { Output } from '../core/output.js';
import type { ProgressLine } from '../core/progress-line.js';

export type StandardInput = Readable & { readonly isTTY?: boolean };

/** By variable: the option of the command that stands for it, and its value, if it is given. */
export type Overrides = Readonly<Record<string, readonly [option: string, value: string | undefined]>>;

export interface CommandContext {
  /**
   * Reads the configuration, and makes the log that it asks for.
   * @throws SluiceError SLUICE_CONFIG
   */
  readonly environment: (overrides?: Overrides) => { config: Config; log: Logger };
  /** Aborted by the first SIGTERM or SIGINT. Without a call of this they end the process at once. */
  readonly stopSignal: () => AbortSignal;
  /** How this program was called, to be pasted into a shell: `sluice`, or `node dist/cli.js` in a clone. */
  readonly invocation: string;
  /** Has something done when a signal ends the process, as it would have ended without. */
  readonly beforeKilled: (cleanUp: () => void) => void;
  readonly stdin: () => StandardInput;
  /** Of `shell`, in the user's folder for such state. @throws if the user has none */
  readonly historyFile: () => string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** On stderr. */
  readonly progress: ProgressLine;
  /** Threads of the process stand still, and an exit would wait for them: reports the error, and kills the process. */
  readonly onStuck: (error: SluiceError) => void;
  /** A check failed: the process ends with exit code 1 when the command is done. */
  readonly onFailure: () => void;
}
