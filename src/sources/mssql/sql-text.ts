/** Transact-SQL as far as its parentheses are concerned, which text in quotes and comments does not have. */

/** Quoted text and names, whose doubled closing quotes are one; comments; parentheses; commas; words; other characters. */
const TOKENS =
  /N?'(?:[^']|'')*'|"(?:[^"]|"")*"|\[(?:[^\]]|\]\])*\]|--[^\n]*|\/\*|[(),]|[\p{L}_@#][\p{L}\p{N}_@#$]*|[\s\S]/gu;

interface Token {
  readonly text: string;
  readonly at: number;
  /** Parentheses that are open before it. */
  readonly depth: number;
}

/** Tokens without comments and white space; undefined if a quote, a comment or a parenthesis does not close, or was never open. */
export function sqlTokens(sql: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKENS);
  let depth = 0;
  for (let match = pattern.exec(sql); match !== null; match = pattern.exec(sql)) {
    const [text] = match;
    if (text === '/*') {
      const end = commentEnd(sql, match.index);
      if (end === undefined) return undefined;
      pattern.lastIndex = end;
      continue;
    }
    if (text.startsWith('--') || text.trim() === '') continue;
    if (text === "'" || text === '"' || text === '[') return undefined;
    if (text === ')' && --depth < 0) return undefined;
    tokens.push({ text, at: match.index, depth });
    if (text === '(') depth++;
  }
  return depth === 0 ? tokens : undefined;
}

/** Comments may hold comments. */
function commentEnd(sql: string, start: number): number | undefined {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(sql); mark !== null; mark = marks.exec(sql)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return undefined;
}

/** The parts of a query: its common table expressions, which cannot stand in parentheses, and the SELECT that uses them. */
export interface QueryParts {
  /** Ends in white space; empty if there are none. */
  readonly prefix: string;
  readonly select: string;
}

/** Splits a query whose parentheses are in order. Anything that is no list of common table expressions is a SELECT. */
export function queryParts(sql: string): QueryParts {
  const whole = { prefix: '', select: sql };
  const tokens = sqlTokens(sql) ?? [];
  if (tokens[0]?.text.toUpperCase() !== 'WITH') return whole;
  // name [(columns)] AS (query) [, …]
  let at = 1;
  for (;;) {
    at++;
    if (tokens[at]?.text === '(') at = closing(tokens, at) + 1;
    if (tokens[at]?.text.toUpperCase() !== 'AS' || tokens[at + 1]?.text !== '(') return whole;
    at = closing(tokens, at + 1) + 1;
    if (tokens[at]?.text !== ',') break;
    at++;
  }
  const start = tokens[at]?.at;
  return start === undefined ? whole : { prefix: `${sql.slice(0, start)}\n`, select: sql.slice(start) };
}

function closing(tokens: readonly Token[], open: number): number {
  const depth = tokens[open]?.depth;
  return tokens.findIndex((token, index) => index > open && token.text === ')' && token.depth === depth);
}
