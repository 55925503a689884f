/** Prints in one line which tests are skipped on this machine, and what they need. */
export function saySkipped(what: string, needs: string): void {
  process.stdout.write(`skipped: ${what} (${needs})\n`);
}
