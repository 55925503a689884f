import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * URL of a compiled module, for tests that start processes or threads of the program.
 * @param module relative to `dist`, e.g. `stores.js`
 */
export function distModule(module: string): string {
  const url = new URL(`../../dist/${module}`, import.meta.url);
  if (!existsSync(fileURLToPath(url))) throw new Error(`dist/${module} is missing: run "npm run build" first`);
  return url.href;
}
