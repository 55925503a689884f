/** How a column's values are hidden. Plain data without secrets: the salt of `hash` is kept elsewhere. */
export type Mask =
  /** Every value is NULL. */
  | { readonly method: 'null' }
  /** SHA-256 of the salt and the value's text, both in UTF-8, in lower-case hexadecimal. */
  | { readonly method: 'hash' }
  /** The same text for every value. */
  | { readonly method: 'redact'; readonly text: string }
  /** The first and last characters of the value's text, around `HIDDEN_PART`. */
  | { readonly method: 'partial'; readonly first: number; readonly last: number };

/** What `redact` writes by default. */
export const REDACTED = '***';

/** What `partial` writes for the characters that it hides, however many; a text without any is hidden as a whole. */
export const HIDDEN_PART = '***';

/** The mask for plans and manifests, as users write it. */
export function maskName(mask: Mask): string {
  switch (mask.method) {
    case 'null':
    case 'hash':
      return mask.method;
    case 'redact':
      return mask.text === REDACTED ? 'redact' : `redact(${mask.text})`;
    case 'partial':
      return `partial(${mask.first},${mask.last})`;
    default:
      return mask satisfies never;
  }
}
