import { createHash } from 'node:crypto';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';

/** The SQL function behind the mask `hash`; SQLite has none of its own. */
export const HASH_FUNCTION = 'lakeport_mask_hash';

/**
 * Adds the function to a connection: SHA-256 of the salt and a text, both in UTF-8, in lower-case hexadecimal.
 * @param encoding of the database, in which the text's bytes arrive
 */
export function defineMaskHash(database: DatabaseSyncInstance, salt: string, encoding: string): void {
  const decoder = encoding === 'UTF-8' ? undefined : new TextDecoder(encoding.toLowerCase(), { ignoreBOM: true });
  const hash = (text: unknown): string => {
    if (!(text instanceof Uint8Array)) throw new TypeError('The text of a value arrives as bytes');
    const bytes = decoder === undefined ? text : decoder.decode(text);
    return createHash('sha256').update(salt, 'utf8').update(bytes).digest('hex');
  };
  database.function(HASH_FUNCTION, { directOnly: true }, hash);
}
