import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';

import type { MaskPolicy, PolicyColumn } from '../../export/model/column-settings.js';
import { isRecord } from '../../export/model/plain-value.js';
import { validPolicy } from '../../export/model/valid-columns.js';
import type { TableSetting } from '../../export/model/table-setting.js';
import type { Mask } from '../../model/mask.js';
import { systemReason } from '../../runtime/system-reason.js';
import type { FlagValue, ValueType } from './flag.js';
import { MASK_METHODS, maskNamed } from './mask-method.js';
import { localPath } from './path-flags.js';
import { takePattern } from './table-setting.js';
import { usageError } from './usage-error.js';

/**
 * A policy of masks, in YAML or JSON (which is YAML too):
 *
 * ```yaml
 * unlisted: fail          # or allow, the default
 * tables:
 *   sales.customers:      # a LIKE pattern, as in --mask
 *     email: hash
 *     card: partial(0,4)
 *     id: none            # decided: exported as it is
 * ```
 *
 * The record of a run holds its content, so that a resume needs no file.
 */
export const MASK_FILE: ValueType<MaskPolicy> = { parse: readPolicy, restore: validPolicy, completes: 'files' };

const require = createRequire(import.meta.url);

/** Loaded by the first policy: the flags are read at every start. */
function parseYaml(text: string): Yaml.Document.Parsed {
  const yaml = require('yaml') as typeof Yaml; // the module's own types
  return yaml.parseDocument(text, { prettyErrors: true, uniqueKeys: true });
}

/** Reads a policy for the API. @throws LakeportError of class `usage` if it cannot be read, or is none */
export function readMaskPolicy(path: string): MaskPolicy {
  return readPolicy({ flag: 'maskPolicy', value: path });
}

/** In a policy: the column is exported as it is. */
const NO_MASK = 'none';

/** @throws LakeportError of class `usage` */
function readPolicy(given: FlagValue): MaskPolicy {
  const path = localPath(given);
  const problem = (text: string) => badPolicy(given, path, text);
  const document = parseYaml(readText(given, path));
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) throw problem(error.message.replace(/\s+/g, ' ').trim());
  // Aliases could nest without end.
  const content: unknown = toPlain(document, problem);
  if (!isRecord(content)) throw problem('it must be a mapping with "tables"');
  const { unlisted = 'allow', tables, ...others } = content;
  const [other] = Object.keys(others);
  if (other !== undefined)
    throw problem(`it has an unknown ${JSON.stringify(other)}; it takes "unlisted" and "tables"`);
  if (unlisted !== 'fail' && unlisted !== 'allow') throw problem('"unlisted" must be fail or allow');
  if (!isRecord(tables)) throw problem('"tables" must map patterns of tables to their columns');
  const columns = Object.entries(tables).flatMap(([pattern, rules]) => {
    if (!isRecord(rules)) throw problem(`${JSON.stringify(pattern)} must map columns to their masks`);
    const table = patternOf(pattern, given);
    return Object.entries(rules).map(([column, method]): TableSetting<PolicyColumn> => {
      const mask =
        method === null ? { method: 'null' as const } : typeof method === 'string' ? methodOf(method) : undefined;
      if (mask === undefined) {
        throw problem(`the mask of ${JSON.stringify(`${pattern}.${column}`)} must be ${NO_MASK}, ${MASK_METHODS}`);
      }
      return { pattern: table, value: { column: patternOf(column, given), mask: mask === NO_MASK ? undefined : mask } };
    });
  });
  if (columns.length === 0 && unlisted === 'allow') throw problem('it masks nothing');
  return { path, unlisted, columns };
}

function toPlain(document: Yaml.Document.Parsed, problem: (text: string) => Error): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    throw problem('its aliases expand to too much');
  }
}

function methodOf(text: string): Mask | typeof NO_MASK | undefined {
  return text.trim().toLowerCase() === NO_MASK ? NO_MASK : maskNamed(text);
}

/** The whole text is a pattern, with names in quotes if need be. */
function patternOf(text: string, { flag }: FlagValue): string {
  const { pattern, rest = '' } = takePattern({ flag, value: text }, '\n');
  return `${pattern}${rest}`;
}

function readText(given: FlagValue, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw badPolicy(given, path, `it cannot be read: ${systemReason(error)}`);
  }
}

function badPolicy({ flag }: FlagValue, path: string, problem: string): Error {
  return usageError({
    code: 'BAD_MASK_FILE',
    message: `The policy ${path} cannot be used: ${problem}`,
    hint: 'docs/reference/columns.md shows an example.',
    flag,
  });
}
