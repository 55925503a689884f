import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Set-up of a whole test run: the directory in which servers keep what they are copied from. */
export default function setup(): () => void {
  const directory = mkdtempSync(path.join(tmpdir(), 'lakeport-templates-'));
  chmodSync(directory, 0o755);
  process.env['LAKEPORT_TEST_TEMPLATES'] = directory;
  return () => rmSync(directory, { recursive: true, force: true });
}
