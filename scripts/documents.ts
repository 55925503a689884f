import { readFile } from 'node:fs/promises';
import path from 'node:path';
import prettier from 'prettier';

import { authSchema } from './auth-schema.js';
import { errorsDocument } from './errors-document.js';
import { flagsDocument } from './flags-document.js';
import { jobSchema } from './job-schema.js';
import { SCHEMA_GENERATORS } from './schema-documents.js';

const ROOT = path.resolve(import.meta.dirname, '..');

/** What is made from the code, by its path below the repository's root. */
const GENERATORS: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/errors.md': errorsDocument,
  'docs/reference/flags.md': flagsDocument,
  ...SCHEMA_GENERATORS,
  'docs/schemas/job.json': () => JSON.stringify(jobSchema()),
  'docs/schemas/auth.json': async () => JSON.stringify(await authSchema()),
};

export interface GeneratedDocument {
  /** Of the repository's root, with `/`. */
  readonly path: string;
  readonly absolutePath: string;
  /** Formatted as the repository's files are. */
  readonly content: string;
  /** As it is on disk; undefined where it is missing. */
  readonly onDisk: string | undefined;
}

/** Every generated document. */
export async function generatedDocuments(): Promise<GeneratedDocument[]> {
  return Promise.all(
    Object.entries(GENERATORS).map(async ([name, generate]) => {
      const absolutePath = path.join(ROOT, name);
      const options = await prettier.resolveConfig(absolutePath);
      const content = await prettier.format(await generate(), { ...options, filepath: absolutePath });
      const onDisk = await readFile(absolutePath, 'utf8').catch(() => undefined);
      return { path: name, absolutePath, content, onDisk };
    }),
  );
}
