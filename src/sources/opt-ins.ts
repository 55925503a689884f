/**
 * What is exported only on request: views, tables whose rows are on another server, and tables created by extensions.
 * Each has an `--include-…` flag.
 */
export const OPT_INS = ['views', 'foreign_tables', 'extension_tables'] as const;

export type OptIn = (typeof OPT_INS)[number];

/** Name of the flag, without dashes. */
export function optInFlag(optIn: OptIn): string {
  return `include-${optIn.replaceAll('_', '-')}`;
}
