/** What the operating system's errors say of a file or a stream, in words that follow a colon. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'a file is in the place of a directory',
  EIO: 'the device reports an error',
  EISDIR: 'it is a directory',
  ELOOP: 'symbolic links lead in a circle',
  EMFILE: 'the process has too many open files',
  ENAMETOOLONG: 'the name is too long',
  ENFILE: 'the system has too many open files',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space is left',
  ENOTDIR: 'a file is in the place of a directory',
  EPERM: 'the operation is not permitted',
  EROFS: 'the file system is read-only',
  ESTALE: 'the network file system has to be mounted again',
};

/** Why the system refused, with the errno's name; anything else that was thrown in its own words. */
export function systemReason(thrown: unknown): string {
  const errno = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : undefined;
  const reason = errno === undefined ? undefined : REASONS[errno];
  if (reason !== undefined) return `${reason} (${errno})`;
  return thrown instanceof Error ? thrown.message : String(thrown);
}
