import { LakeportError } from '../../errors.js';

/**
 * Quoted texts, in which a doubled closing quote is escaped; anything else that a key must not have; or any other
 * character. PostgreSQL's `$tag$` and `E'\\''` quote by other rules, which a key can do without.
 */
const TOKEN =
  /"(?:[^"]|"")*"|'(?:[^']|'')*'|`(?:[^`]|``)*`|--|\/\*|\*\/|\$[\p{L}\p{N}_]*\$|\b[eE]'(?:[^'\\]|'')*'|\b[eE]'|[^\s]|\s/suy;
/** A name in brackets (SQL Server, SQLite), where PostgreSQL has nothing to take an element of. */
const NAME_OR_TOKEN = new RegExp(`(?<![\\p{L}\\p{N}_@#$)\\]"'])\\[(?:[^\\]]|\\]\\])*\\]|${TOKEN.source}`, 'suy');

function* tokensOf(text: string): Generator<string> {
  let elements = 0;
  for (let at = 0; at < text.length;) {
    // Within ARRAY[[1], [2]] there are no names in brackets.
    const pattern = elements > 0 ? TOKEN : NAME_OR_TOKEN;
    pattern.lastIndex = at;
    const [token] = pattern.exec(text) ?? [];
    if (token === undefined) throw new TypeError('Any character is a token');
    if (token === '[') elements++;
    else if (token === ']') elements--;
    yield token;
    at += token.length;
  }
}

const PAIRS: Readonly<Record<string, string>> = { ')': '(', ']': '[' };
const OPENING = new Set(Object.values(PAIRS));

/**
 * Checks that an expression stays one when it stands in parentheses, so that conditions made of it mean the same for each
 * of its rows: `a) OR (b` would put rows into several slices.
 * @throws LakeportError otherwise
 */
export function checkExpression(text: string): void {
  const open: string[] = [];
  for (const token of tokensOf(text)) {
    if (token.length === 1 && `"'\``.includes(token)) throw notAnExpression(text, `what ${token} opens is not closed`);
    if (token === ';') throw notAnExpression(text, 'it has a semicolon');
    if (token === '--' || token === '/*' || token === '*/') throw notAnExpression(text, 'it has a comment');
    if (token.startsWith('$') && token.length > 1) throw notAnExpression(text, `it has a text in ${token}`);
    if (/^[eE]'$/.test(token)) throw notAnExpression(text, `it has a text in E'...' with a backslash`);
    if (OPENING.has(token)) open.push(token);
    const opening = PAIRS[token];
    if (opening !== undefined && open.pop() !== opening) throw unbalanced(text);
  }
  if (open.length > 0) throw unbalanced(text);
}

/** Splits a list at its commas outside of quotes and parentheses. @throws LakeportError as `checkExpression`, or for an empty item */
export function splitExpressions(list: string): string[] {
  checkExpression(list);
  const items = [''];
  let depth = 0;
  for (const token of tokensOf(list)) {
    if (OPENING.has(token)) depth++;
    else if (PAIRS[token] !== undefined) depth--;
    if (token === ',' && depth === 0) items.push('');
    else items.push((items.pop() ?? '') + token);
  }
  const trimmed = items.map((item) => item.trim());
  if (trimmed.includes('')) throw notAnExpression(list, 'an item of the list is empty');
  return trimmed;
}

function unbalanced(text: string): LakeportError {
  return notAnExpression(text, 'its parentheses do not match');
}

function notAnExpression(text: string, why: string): LakeportError {
  return new LakeportError({
    code: 'PARTITION_KEY_UNSUITABLE',
    message: `The partition key ${text} is not one expression: ${why}`,
    hint: 'Name a column, in double quotes if it is unusual, or an expression such as EXTRACT(YEAR FROM order_date)',
    context: { detail: text },
  });
}
