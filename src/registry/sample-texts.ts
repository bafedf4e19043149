/** Single keys or values behind the frame of a registry, as JSON text: for a sample of messages. */
import { appendJson } from './avro-json.js';
import { type AvroType, parseAvroSchema } from './avro-schema.js';
import { FrameReader, frameBytes } from './frame.js';
import { beginJson, jsonBytes, jsonEnd } from './json-output.js';
import type { SchemaLookup } from './schema-lookup.js';
import type { MessageFormat } from './settings.js';

/** What has no frame, or no schema, or is not of it, is no JSON. */
const UNREADABLE = '';

/**
 * @returns the texts in order, each null of null; empty where it cannot be read
 * @throws SluiceError SLUICE_REGISTRY if the registry does not answer
 */
export async function sampleTexts(
  all: readonly (Uint8Array | null)[],
  format: Exclude<MessageFormat, 'json'>,
  schemas: SchemaLookup,
): Promise<(string | null)[]> {
  const frames = new FrameReader();
  const types = new Map<string, AvroType>();
  const texts: (string | null)[] = [];
  for (const bytes of all) {
    const ref = bytes === null ? undefined : frames.refOf(bytes, 0, bytes.length);
    if (bytes === null || ref === undefined) {
      texts.push(bytes === null ? null : UNREADABLE);
      continue;
    }
    const schema = await schemas.of(bytes);
    if (format === 'json-schema') {
      texts.push(Buffer.from(bytes.subarray(frameBytes(ref))).toString());
      continue;
    }
    if (schema?.text === undefined) {
      texts.push(UNREADABLE);
      continue;
    }
    const type = types.get(schema.text) ?? parseAvroSchema(schema.text, schema.references);
    types.set(schema.text, type);
    beginJson();
    const problem = appendJson(type, bytes, frameBytes(ref), bytes.length);
    texts.push(problem === undefined ? Buffer.from(jsonBytes().subarray(0, jsonEnd())).toString() : UNREADABLE);
  }
  return texts;
}
