import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';

/*
 * A server in LATIN1 can't take a statement with a character that it lacks, not even in a comment. What is a statement
 * and what a message can't be told from a text, so every text of the code that talks to databases is held to it.
 */

const SOURCES = fileURLToPath(new URL('../../../src', import.meta.url));
const TALKS_TO_DATABASES = ['sources', 'runlog'];

it('texts that may become statements are ASCII', () => {
  const files = TALKS_TO_DATABASES.flatMap((directory) =>
    readdirSync(path.join(SOURCES, directory), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => path.join(directory, name)),
  );
  expect(files.length).toBeGreaterThan(50);
  expect(files.flatMap(textsBeyondAscii)).toEqual([]);
});

it('a character beyond ASCII in a template is found, one in a comment of the code is not', () => {
  expect(beyondAscii('const a = `SELECT ${1} -- \u2026`; // \u2026')).toEqual(['1: ` -- \u2026`']);
  expect(beyondAscii("/* \u2026 */ const a = '\u2026';")).toEqual(["1: '\u2026'"]);
});

function textsBeyondAscii(file: string): string[] {
  return beyondAscii(readFileSync(path.join(SOURCES, file), 'utf8')).map((found) => `${file}:${found}`);
}

function beyondAscii(code: string): string[] {
  const source = ts.createSourceFile('code.ts', code, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if ((ts.isStringLiteralLike(node) || isTemplatePart(node)) && /[^\0-\x7f]/.test(node.getText())) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      found.push(`${line + 1}: ${node.getText().replace(/^\}/, '`')}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isTemplatePart(node: ts.Node): node is ts.TemplateHead | ts.TemplateMiddle | ts.TemplateTail {
  return ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node);
}
