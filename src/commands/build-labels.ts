/** Which build of the program runs. */
import { programVersion } from '../assets.js';
import { LIBRDKAFKA_VERSION } from '../kafka/addon.js';

/** The labels of `sluice_build_info` that do not depend on the configuration. */
export function buildLabels(): Readonly<Record<'version' | 'node' | 'librdkafka', string>> {
  return { version: programVersion(), node: process.versions.node, librdkafka: LIBRDKAFKA_VERSION };
}
