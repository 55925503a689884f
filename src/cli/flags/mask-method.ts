import { type Mask, REDACTED } from '../../model/mask.js';
import { validMask } from '../../export/model/valid-columns.js';

export const MASK_METHODS = 'null, hash, redact, redact(TEXT) or partial(FIRST,LAST)';

/** A mask as users write it; undefined if there is none of that name. */
export function maskNamed(text: string): Mask | undefined {
  const word = text.trim();
  const method = word.toLowerCase();
  if (method === 'null' || method === 'hash') return { method };
  if (method === 'redact') return { method, text: REDACTED };
  const [, redacted] = /^redact\(([\s\S]*)\)$/i.exec(word) ?? [];
  if (redacted !== undefined) return validMask({ method: 'redact', text: redacted });
  const [, first, last] = /^partial\(\s*(\d{1,4})\s*,\s*(\d{1,4})\s*\)$/i.exec(word) ?? [];
  return first === undefined ? undefined : validMask({ method: 'partial', first: Number(first), last: Number(last) });
}
