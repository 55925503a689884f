import { LakeportError } from '../errors.js';

/** A problem in the auth file. Contains names, never values. */
export interface Problem {
  readonly line: number;
  /** Id of the entry, if known. */
  readonly id: string | undefined;
  readonly message: string;
}

/** One error that lists all problems, by line. */
export function problemsError(path: string, problems: readonly Problem[]): LakeportError {
  const sorted = problems.toSorted((a, b) => a.line - b.line);
  const lines = sorted.map(({ line, id, message }) => `line ${line}: ${id === undefined ? '' : `${id}: `}${message}`);
  const [only] = sorted;
  const single = sorted.length === 1;
  return new LakeportError({
    code: 'AUTH_FILE_INVALID',
    message: single
      ? `${path}, ${lines.join('')}`
      : `${path} has ${sorted.length} problems:\n${lines.map((line) => `  ${line}`).join('\n')}`,
    hint: 'auth.example.json shows an entry of every kind.',
    context: { path, ...(single && only?.id !== undefined ? { entry: only.id } : {}) },
  });
}
