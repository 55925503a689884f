import type { CliContext } from '../context.js';
import { SHELLS } from '../flags/commands.js';
import { completionScript } from '../flags/completion.js';
import { oneOf } from '../flags/value-types.js';
import { usageError } from '../flags/usage-error.js';

/**
 * `lakeport completion`.
 * @returns the exit code
 * @throws LakeportError of class `usage` for an unknown shell
 */
export function completionCommand(operands: readonly string[], context: CliContext): number {
  const [value, second] = operands;
  if (value === undefined || second !== undefined) {
    throw usageError({
      code: 'ONE_SHELL',
      message: `lakeport completion needs ${value === undefined ? 'the name of a shell' : 'one shell'}`,
      hint: `Shells are ${SHELLS.join(', ')}: source <(lakeport completion bash)`,
    });
  }
  context.stdout.write(completionScript(oneOf(SHELLS).parse({ flag: 'The shell', value })));
  return 0;
}
