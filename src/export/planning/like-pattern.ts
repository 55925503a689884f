import { LakeportError } from '../../errors.js';
import type { TableId } from '../../model/table.js';

/** SQL `LIKE` with `\` as the escape character; case-sensitive. */
export class LikePattern {
  readonly text: string;
  readonly #expression: RegExp;

  /**
   * @param flag that the pattern comes from, with its dashes
   * @throws LakeportError of class `usage`
   */
  constructor(text: string, flag: string) {
    this.text = text;
    this.#expression = compile(parse(text, flag));
  }

  matches(name: string): boolean {
    return this.#expression.test(name);
  }
}

/** A pattern for table names, or for `schema.table` if it has an unescaped dot. */
export class TablePattern {
  readonly text: string;
  readonly #schema: RegExp | undefined;
  readonly #name: RegExp;

  /**
   * @param flag that the pattern comes from, with its dashes
   * @throws LakeportError of class `usage`
   */
  constructor(text: string, flag: string) {
    const tokens = parse(text, flag);
    const dot = tokens.findIndex((token) => token.kind === 'character' && token.character === '.' && !token.escaped);
    this.text = text;
    this.#schema = dot === -1 ? undefined : compile(tokens.slice(0, dot));
    this.#name = compile(tokens.slice(dot + 1));
  }

  matches(table: TableId): boolean {
    return (this.#schema?.test(table.schema) ?? true) && this.#name.test(table.name);
  }
}

/** Whether it has a `%` that stands for any text; an underscore is more often part of a name than a wildcard. */
export function hasWildcard(pattern: string): boolean {
  return pattern.replaceAll(/\\[\s\S]/g, '').includes('%');
}

/** The pattern without wildcards and escapes, to look for names that are near. */
export function literalText(pattern: string): string {
  return pattern.replace(/[%\\]/g, '');
}

type Token =
  | { readonly kind: 'character'; readonly character: string; readonly escaped: boolean }
  | { readonly kind: 'any text' }
  | { readonly kind: 'any character' };

function parse(text: string, flag: string): Token[] {
  if (text === '') throw badPattern(text, flag, 'is empty');
  const tokens: Token[] = [];
  let escaped = false;
  for (const character of text) {
    if (escaped) {
      tokens.push({ kind: 'character', character, escaped });
      escaped = false;
    } else if (character === '\\') escaped = true;
    else if (character === '%') tokens.push({ kind: 'any text' });
    else if (character === '_') tokens.push({ kind: 'any character' });
    else tokens.push({ kind: 'character', character, escaped });
  }
  if (escaped) throw badPattern(text, flag, 'ends with a backslash that escapes nothing');
  return tokens;
}

function compile(tokens: readonly Token[]): RegExp {
  const source = tokens.map((token) => {
    switch (token.kind) {
      case 'any text':
        return '.*';
      case 'any character':
        return '.';
      case 'character':
        return token.character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
    }
  });
  // With u and s, code points and line breaks count as single characters.
  return new RegExp(`^${source.join('')}$`, 'su');
}

function badPattern(text: string, flag: string, problem: string): LakeportError {
  return new LakeportError({
    code: 'BAD_PATTERN',
    message: `The pattern ${JSON.stringify(text)} of ${flag} ${problem}`,
    hint: 'Use LIKE patterns: % matches any text, _ any single character, and \\ escapes the next character.',
    context: { detail: flag },
  });
}
