import { field, textField } from '../http/error-mapping.js';

/** Custom metadata that identifies an object: the nonce of the part that it was staged as. */
export const PART_METADATA = 'lakeport-part';

/** An object as the service describes it; Cloud Storage JSON API, "Objects". */
export interface ObjectInfo {
  readonly name: string;
  readonly bytes: number;
  /** A 64-bit number as text. */
  readonly generation: string;
  /** Base64, in the form of `Crc32c`. */
  readonly crc32c: string | undefined;
  readonly part: string | undefined;
  /** Milliseconds since 1970, by the service's clock. */
  readonly updatedAt: number;
}

/** Undefined if this is not an object's description. */
export function objectInfo(resource: unknown): ObjectInfo | undefined {
  const name = textField(resource, 'name');
  const generation = field(resource, 'generation');
  if (name === undefined) return undefined;
  return {
    name,
    bytes: Number(field(resource, 'size') ?? 0),
    generation: String(generation),
    crc32c: textField(resource, 'crc32c'),
    part: textField(field(resource, 'metadata'), PART_METADATA),
    updatedAt: Date.parse(textField(resource, 'updated') ?? ''),
  };
}
