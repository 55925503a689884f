import { createRequire } from 'node:module';

/** The program's version, as `--version`, manifests and file footers give it: that of package.json, wherever this code lies. */
export const VERSION = packageVersion(createRequire(import.meta.url)('lakeport/package.json'));

function packageVersion(manifest: unknown): string {
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version);
  throw new TypeError('package.json has no version');
}
