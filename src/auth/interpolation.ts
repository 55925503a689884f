import { readFileSync } from 'node:fs';

/**
 * A string with its references replaced, or the problem with them: a mistake in the text itself, or only a variable or
 * file that is missing.
 */
export type Interpolated = { readonly value: string } | { readonly problem: string; readonly isMissing: boolean };

/** `$$`, `${NAME}`, `$env{NAME}`, `$file{PATH}`; any other `$` stands for itself. */
const REFERENCE = /\$\$|\$(env|file)?\{([^}]*)(\}?)/g;

/**
 * Replaces references to environment variables and files. The last line break of a file is dropped.
 * Problems name the variable or the path, never a value.
 */
export function interpolate(text: string, environment: NodeJS.ProcessEnv): Interpolated {
  const problems: string[] = [];
  let isMissing = true;
  const value = text.replace(REFERENCE, (reference, source: string | undefined, name: string, end: string) => {
    if (reference === '$$') return '$';
    const found = end === '' ? unclosed(source) : source === 'file' ? fileContent(name) : variable(name, environment);
    if ('value' in found) return found.value;
    problems.push(found.problem);
    isMissing &&= found.isMissing;
    return '';
  });
  return problems.length === 0 ? { value } : { problem: problems.join('; '), isMissing };
}

function unclosed(source: string | undefined): Interpolated {
  return {
    problem: `has a $${source ?? ''}{ without its closing brace (write $$ for a dollar sign)`,
    isMissing: false,
  };
}

function variable(name: string, environment: NodeJS.ProcessEnv): Interpolated {
  // This may be the rest of a password that contains `${`, so it is not shown.
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return { problem: 'has a ${…} without a variable name (write $$ for a dollar sign)', isMissing: false };
  }
  const value = environment[name];
  if (value !== undefined) return { value };
  return { problem: `refers to the environment variable ${name}, which is not set`, isMissing: true };
}

function fileContent(path: string): Interpolated {
  if (path === '') return { problem: 'has a $file{} without a path', isMissing: false };
  try {
    return { value: readFileSync(path, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    const reason = code === 'ENOENT' ? 'which does not exist' : `which can't be read (${code})`;
    return { problem: `refers to the file ${path}, ${reason}`, isMissing: true };
  }
}
