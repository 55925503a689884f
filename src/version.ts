import { readFileSync } from 'node:fs';

/** The program's version, as `--version`, manifests and file footers give it: that of package.json. */
export const VERSION = packageVersion(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

function packageVersion(json: string): string {
  const manifest: unknown = JSON.parse(json);
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version);
  throw new TypeError('package.json has no version');
}
