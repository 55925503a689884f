import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { byteSize } from '../../text/quantities.js';

/** Maximum entries shown per directory. */
const MOST_SHOWN = 12;

/** The contents of a directory, drawn as a tree with sizes. */
export async function treeLines(directory: string): Promise<string[]> {
  return [directory, ...(await branchLines(directory, ''))];
}

async function branchLines(directory: string, indent: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const shown = entries.slice(0, MOST_SHOWN);
  const lines: string[] = [];
  for (const [i, entry] of shown.entries()) {
    const last = i === shown.length - 1 && entries.length === shown.length;
    const file = path.join(directory, entry.name);
    const size = entry.isDirectory() ? '/' : `  ${byteSize((await stat(file)).size)}`;
    lines.push(`${indent}${last ? '└── ' : '├── '}${entry.name}${size}`);
    if (entry.isDirectory()) lines.push(...(await branchLines(file, `${indent}${last ? '    ' : '│   '}`)));
  }
  if (entries.length > shown.length) lines.push(`${indent}└── … ${entries.length - shown.length} more`);
  return lines;
}

/** Parts of one table, in order. */
export async function partFiles(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.parquet'));
  return names.sort().map((name) => path.join(directory, name));
}
