/** The program's version, as `--version`, manifests and file footers give it. Kept equal to package.json by a test. */
export const VERSION = '0.1.0';
