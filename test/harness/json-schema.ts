import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { saySkipped } from './skipped.js';

const python = process.env['LAKEPORT_TEST_PYTHON'];

/** One JSON array on standard input, of schemas with their documents; one array of the first errors on output. */
const SCRIPT = `
import json, sys
from jsonschema import Draft202012Validator
answers = []
for schema, documents in json.load(sys.stdin):
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    answers.append([next((f"{e.json_path}: {e.message}" for e in validator.iter_errors(d)), None) for d in documents])
print(json.dumps(answers))
`;

/** Why no other program can validate documents here; undefined where one can. Printed. */
export function whyNoValidator(): string | undefined {
  const reason = python === undefined ? 'LAKEPORT_TEST_PYTHON is not set' : undefined;
  if (reason !== undefined) saySkipped('validation by JSON Schema', reason);
  return reason;
}

/**
 * Validates documents by Python's jsonschema.
 * @returns for each document, the first error, or null
 * @throws Error for a schema that is none
 */
export async function validate(schema: unknown, documents: readonly unknown[]): Promise<(string | null)[]> {
  if (python === undefined) throw new Error('LAKEPORT_TEST_PYTHON is not set');
  const running = promisify(execFile)(python, ['-c', SCRIPT]);
  running.child.stdin?.end(JSON.stringify([[schema, documents]]));
  const { stdout } = await running;
  // As the script prints it.
  const [answers = []] = JSON.parse(stdout) as (string | null)[][];
  return answers;
}
