import { createRequire } from 'node:module';
import type * as Iconv from 'iconv-lite';

/*
 * Text encodings other than UTF-8, by iconv-lite. Its tables are the largest module of all and few databases need them,
 * so it is loaded by the first call, once in a thread.
 */

const require = createRequire(import.meta.url);
let loaded: typeof Iconv | undefined;

function iconv(): typeof Iconv {
  loaded ??= require('iconv-lite') as typeof Iconv; // the module's own types
  return loaded;
}

export function encodingExists(encoding: string): boolean {
  return iconv().encodingExists(encoding);
}

/** The text of `bytes`; what the encoding does not know becomes U+FFFD. */
export function decode(bytes: Buffer, encoding: string): string {
  return iconv().decode(bytes, encoding);
}
