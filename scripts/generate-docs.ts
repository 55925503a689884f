import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { generatedDocuments } from './documents.js';

/** `npm run docs`: writes what is made from the code. */
for (const { absolutePath, content } of await generatedDocuments()) {
  await mkdir(path.dirname(absolutePath), { recursive: true });
  await writeFile(absolutePath, content);
}
