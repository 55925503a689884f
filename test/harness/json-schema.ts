import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { saySkipped } from './skipped.js';

const python = process.env['LAKEPORT_TEST_PYTHON'];

/** Each line of standard input is a JSON array, a schema and its documents; each of output one of the first errors. */
const SCRIPT = `
import json, sys
from jsonschema import Draft202012Validator
for line in sys.stdin:
    schema, documents = json.loads(line)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    errors = [next((f"{e.json_path}: {e.message}" for e in validator.iter_errors(d)), None) for d in documents]
    print(json.dumps(errors), flush=True)
`;

/** Why no other program can validate documents here; undefined where one can. Printed. */
export function whyNoValidator(): string | undefined {
  const reason = python === undefined ? 'LAKEPORT_TEST_PYTHON is not set' : undefined;
  if (reason !== undefined) saySkipped('validation by JSON Schema', reason);
  return reason;
}

/** A validator, which takes half a second of a core to start. It ends with the test file's process. */
function startValidator(): (request: string) => Promise<string> {
  if (python === undefined) throw new Error('LAKEPORT_TEST_PYTHON is not set');
  const child = spawn(python, ['-c', SCRIPT], { stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async (request) => {
    child.stdin.write(`${request}\n`);
    const answer = await answers.next();
    if (answer.done === true) throw new Error(`The validator has ended: ${errors}`);
    return answer.value;
  };
}

let ask: ((request: string) => Promise<string>) | undefined;

/**
 * Validates documents by Python's jsonschema. One call at a time.
 * @returns for each document, the first error, or null
 * @throws Error for a schema that is none
 */
export async function validate(schema: unknown, documents: readonly unknown[]): Promise<(string | null)[]> {
  ask ??= startValidator();
  // As the script prints it.
  return JSON.parse(await ask(JSON.stringify([schema, documents]))) as (string | null)[];
}
