/**
 * What is exported only where a user asks for it: views, tables whose rows lie on another server, and those that an
 * extension has made. Each has a flag, `--include-…`.
 */
export const OPT_INS = ['views', 'foreign_tables', 'extension_tables'] as const;

export type OptIn = (typeof OPT_INS)[number];

/** Name of the flag, without dashes. */
export function optInFlag(optIn: OptIn): string {
  return `include-${optIn.replaceAll('_', '-')}`;
}
