import { type Mask, REDACTED } from '../../model/mask.js';
import { isRecord, textOnRecord } from './value-types.js';

export const MASK_METHODS = 'null, hash, redact, redact(TEXT) or partial(FIRST,LAST)';

/** Longer parts of a text hide nothing. */
const MOST_CHARACTERS = 1000;

/** A mask as users write it; undefined if there is none of that name. */
export function maskNamed(text: string): Mask | undefined {
  const word = text.trim();
  const method = word.toLowerCase();
  if (method === 'null' || method === 'hash') return { method };
  if (method === 'redact') return { method, text: REDACTED };
  const [, redacted] = /^redact\(([\s\S]*)\)$/i.exec(word) ?? [];
  if (redacted !== undefined) return isWritable(redacted) ? { method: 'redact', text: redacted } : undefined;
  const [, first, last] = /^partial\(\s*(\d{1,4})\s*,\s*(\d{1,4})\s*\)$/i.exec(word) ?? [];
  return first === undefined ? undefined : partialMask(Number(first), Number(last));
}

export function maskOnRecord(recorded: unknown): Mask | undefined {
  if (!isRecord(recorded)) return undefined;
  const { method, first, last } = recorded;
  if (method === 'null' || method === 'hash') return { method };
  if (method === 'partial') return partialMask(Number(first), Number(last));
  const text = textOnRecord(recorded['text']);
  return method === 'redact' && text !== undefined ? { method, text } : undefined;
}

function partialMask(first: number, last: number): Mask | undefined {
  const isCount = (number: number) => Number.isInteger(number) && number >= 0 && number <= MOST_CHARACTERS;
  return isCount(first) && isCount(last) ? { method: 'partial', first, last } : undefined;
}

/** Databases have no text with the character NUL, or with half of a surrogate pair. */
function isWritable(text: string): boolean {
  return !/\0|\p{Surrogate}/u.test(text);
}
