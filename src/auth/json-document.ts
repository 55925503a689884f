import { parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';

import { LakeportError } from '../errors.js';

/** A JSON text as a tree with line numbers, which keeps duplicate keys. */
export interface JsonDocument {
  readonly root: Node;
  /** Line of an offset into the text, counted from 1. */
  lineOf(offset: number): number;
}

/** One `"key": value` of an object, in the file's order. */
export interface JsonProperty {
  readonly key: string;
  readonly line: number;
  readonly node: Node;
}

/** @throws LakeportError of class `usage` with the line and column of the first syntax error; never shows the text itself */
export function parseJson(text: string, path: string): JsonDocument {
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  const lineOf = (offset: number): number => {
    const after = lineStarts.findIndex((start) => start > offset);
    return after < 0 ? lineStarts.length : after;
  };

  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  const error = errors[0];
  if (root === undefined || error !== undefined) {
    const offset = error?.offset ?? 0;
    const line = lineOf(offset);
    const column = offset - (lineStarts[line - 1] ?? 0) + 1;
    const problem = error === undefined ? 'the file is empty' : wordsOf(printParseErrorCode(error.error));
    throw new LakeportError({
      code: 'AUTH_FILE_NOT_JSON',
      message: `${path} is not valid JSON: line ${line}, column ${column}: ${problem}`,
      hint: 'Look for a missing or surplus comma, quote or bracket there. Comments are not allowed in JSON.',
      context: { path },
    });
  }
  return { root, lineOf };
}

/** `PropertyNameExpected` as "property name expected". */
function wordsOf(name: string): string {
  return name.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).toLowerCase();
}

export function propertiesOf(object: Node, document: JsonDocument): JsonProperty[] {
  const properties: JsonProperty[] = [];
  for (const property of object.children ?? []) {
    const [key, node] = property.children ?? [];
    // A property without a value is a syntax error and does not get this far.
    if (key === undefined || node === undefined) continue;
    properties.push({ key: String(key.value), line: document.lineOf(key.offset), node });
  }
  return properties;
}
