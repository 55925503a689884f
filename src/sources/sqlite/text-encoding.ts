import { isUtf8 } from 'node:buffer';

/** A text as UTF-8; undefined if its bytes are not valid in the database's encoding. */
export type ToUtf8 = (bytes: Uint8Array) => Uint8Array | undefined;

/** @param encoding `UTF-8`, `UTF-16le` or `UTF-16be`, from `PRAGMA encoding` */
export function utf8From(encoding: string): ToUtf8 {
  return encoding === 'UTF-8' ? checked : transcoded(encoding);
}

function checked(bytes: Uint8Array): Uint8Array | undefined {
  return isUtf8(bytes) ? bytes : undefined;
}

function transcoded(encoding: string): ToUtf8 {
  const decoder = new TextDecoder(encoding.toLowerCase(), { fatal: true, ignoreBOM: true });
  return (bytes) => {
    try {
      return Buffer.from(decoder.decode(bytes));
    } catch {
      return undefined;
    }
  };
}
