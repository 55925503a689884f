import { checkSubPath, encodeSegment } from '../../storage/path.js';
import { usageError } from './usage-error.js';

/** Values of the tokens of `--sub-path`. */
export interface SubPathTokens {
  readonly runId: string;
  readonly startedAt: Date;
  /** Undefined if neither the entry nor a flag names the database. */
  readonly database: string | undefined;
}

const TOKENS = ['date', 'timestamp', 'run_id', 'database'] as const;

/**
 * `--sub-path`, or the path of a `--route`, with its tokens replaced.
 * @throws LakeportError of class `usage` for an unknown token, or a path that leaves the destination
 */
export function resolveSubPath(template: string, tokens: SubPathTokens, flag = '--sub-path'): string {
  const subPath = template.replace(/\{([^{}]*)\}/g, (_, name: string) => tokenValue(name, tokens, flag));
  if (/[{}]/.test(template.replace(/\{[^{}]*\}/g, ''))) {
    throw badSubPath(flag, `The path ${JSON.stringify(template)} of ${flag} has a brace without its other half`);
  }
  checkSubPath(subPath, flag);
  return subPath;
}

function tokenValue(name: string, { runId, startedAt, database }: SubPathTokens, flag: string): string {
  const token = TOKENS.find((known) => known === name);
  const iso = startedAt.toISOString();
  switch (token) {
    case 'date':
      return iso.slice(0, 10);
    case 'timestamp':
      return `${iso.slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
    case 'run_id':
      return runId;
    case 'database':
      if (database === undefined) {
        throw badSubPath(
          flag,
          `${flag} uses {database}, and the entry names no database`,
          'Name it with --source-db-name.',
        );
      }
      return encodeSegment(database);
    case undefined:
      throw badSubPath(flag, `${flag} has the unknown token {${name}}`);
  }
}

function badSubPath(flag: string, message: string, hint?: string): Error {
  const known = TOKENS.map((token) => `{${token}}`).join(', ');
  return usageError({ code: 'BAD_SUB_PATH', message, hint: hint ?? `Its tokens are ${known}.`, flag });
}
