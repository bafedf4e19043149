import { readFileSync } from 'node:fs';
import { SluiceError } from '../core/errors.js';
import { PRESET_PREFIX } from './presets.js';
import type { TableSpec } from './spec.js';
import { parseSpec, presetText } from './spec-file.js';

/** Reads a spec file, or `preset:NAME`. @throws SluiceError SLUICE_CONFIG */
export function loadSpec(path: string): TableSpec {
  if (path.startsWith(PRESET_PREFIX)) return parseSpec(presetText(path.slice(PRESET_PREFIX.length)), path);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new SluiceError('SLUICE_CONFIG', `table spec ${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  return parseSpec(text, path);
}
