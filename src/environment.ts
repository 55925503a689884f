/** The environment of the process, always as it is now. This is the only file that reads it. */
export const ENVIRONMENT: Readonly<NodeJS.ProcessEnv> = process.env;

/** Sets a variable for a library that can be told in no other way; the user's own value stays. */
export function presetVariable(name: string, value: string): void {
  process.env[name] ??= value;
}
