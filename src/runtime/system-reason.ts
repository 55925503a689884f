/** Operating system errors of files and streams, in words that follow a colon. */
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

/** The reason of a system error, with its errno; the message of any other error. */
export function systemReason(thrown: unknown): string {
  const errno = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : undefined;
  const reason = errno === undefined ? undefined : REASONS[errno];
  if (reason !== undefined) return `${reason} (${errno})`;
  return thrown instanceof Error ? thrown.message : String(thrown);
}
