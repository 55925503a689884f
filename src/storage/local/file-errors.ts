import { type ErrorCode, LakeportError } from '../../errors.js';

interface Explanation {
  readonly code: ErrorCode;
  /** Follows the path in the sentence. */
  readonly says: string;
  readonly hint?: string;
  readonly transient?: boolean;
}

const OTHER_DIRECTORY = 'give another directory with --output-dir';

/** What the operating system's errors mean to the user. */
const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  ENOSPC: {
    code: 'DISK_FULL',
    says: 'cannot be written: no space is left on the disk',
    hint: `Free some space, or ${OTHER_DIRECTORY}.`,
  },
  EDQUOT: {
    code: 'DISK_QUOTA_EXCEEDED',
    says: "cannot be written: the user's disk quota is used up",
    hint: `Ask for a larger quota, or ${OTHER_DIRECTORY}.`,
  },
  EFBIG: {
    code: 'FILE_TOO_LARGE',
    says: 'is larger than the file system or the limit of the process (ulimit -f) allows',
    hint: 'Split the output with --max-rows-per-file.',
  },
  EACCES: {
    code: 'STORAGE_ACCESS_DENIED',
    says: 'is not writable by this user',
    hint: `Grant write permission on it, or ${OTHER_DIRECTORY}.`,
  },
  EPERM: {
    code: 'STORAGE_ACCESS_DENIED',
    says: 'is not writable by this user: the operation is not permitted',
    hint: `Look for an immutable flag or a foreign owner, or ${OTHER_DIRECTORY}.`,
  },
  EROFS: {
    code: 'STORAGE_READ_ONLY',
    says: 'cannot be written: the file system is mounted read-only',
    hint: `Mount it writable, or ${OTHER_DIRECTORY}.`,
  },
  ENOTDIR: {
    code: 'NOT_A_DIRECTORY',
    says: 'cannot be used: a file exists where a directory is needed',
    hint: `Move the file away, or ${OTHER_DIRECTORY}.`,
  },
  EEXIST: {
    code: 'NOT_A_DIRECTORY',
    says: 'cannot be used: a file exists where a directory is needed',
    hint: `Move the file away, or ${OTHER_DIRECTORY}.`,
  },
  EISDIR: {
    code: 'IS_A_DIRECTORY',
    says: 'cannot be written: a directory of that name exists',
    hint: `Move the directory away, or ${OTHER_DIRECTORY}.`,
  },
  ENAMETOOLONG: {
    code: 'PATH_TOO_LONG',
    says: 'is longer than the file system allows',
    hint: 'Give a shorter --output-dir or --sub-path.',
  },
  ELOOP: {
    code: 'LINK_LOOP',
    says: 'cannot be reached: symbolic links form a loop',
    hint: `Repair the links, or ${OTHER_DIRECTORY}.`,
  },
  ENOENT: {
    code: 'STORAGE_PATH_GONE',
    says: 'disappeared while it was in use',
    hint: 'Do not let anything else clean up the destination during a run.',
  },
  EMFILE: {
    code: 'TOO_MANY_OPEN_FILES',
    says: 'cannot be opened: the process has too many open files',
    hint: 'Raise the limit (ulimit -n), or lower -p or --n-jobs.',
    transient: true,
  },
  ENFILE: {
    code: 'TOO_MANY_OPEN_FILES',
    says: 'cannot be opened: the system has too many open files',
    hint: 'Close other programs, or lower -p or --n-jobs.',
    transient: true,
  },
  EXDEV: {
    code: 'OTHER_FILE_SYSTEM',
    says: 'cannot be published: its directory spans several file systems, between which files cannot be renamed',
    hint: `Do not mount another file system, such as a container layer, below the destination, or ${OTHER_DIRECTORY}.`,
  },
  EBUSY: {
    code: 'FILE_IN_USE',
    says: 'cannot be replaced: another program holds it, or it is a mount point',
    hint: `Close the program that reads it, or ${OTHER_DIRECTORY}.`,
    transient: true,
  },
  ENOTEMPTY: {
    code: 'IS_A_DIRECTORY',
    says: 'cannot be written: a directory of that name exists',
    hint: `Move the directory away, or ${OTHER_DIRECTORY}.`,
  },
  EIO: {
    code: 'DISK_ERROR',
    says: 'cannot be written: the disk reports an error',
    hint: 'Check the system log (dmesg) for disk errors.',
  },
  ESTALE: {
    code: 'STORAGE_PATH_GONE',
    says: 'is a stale handle of a network file system',
    hint: 'Mount the file system again.',
    transient: true,
  },
};

/** What those mean that are different when something is read. */
const READING: Readonly<Record<string, Explanation>> = {
  EACCES: {
    code: 'STORAGE_ACCESS_DENIED',
    says: 'is not readable by this user',
    hint: 'Grant read permission on it, and search permission (x) on its directories.',
  },
  EPERM: {
    code: 'STORAGE_ACCESS_DENIED',
    says: 'is not readable by this user: the operation is not permitted',
    hint: 'Grant read permission on it, and search permission (x) on its directories.',
  },
  EISDIR: { code: 'IS_A_DIRECTORY', says: 'is a directory', hint: 'Name one of the files in it.' },
  ENAMETOOLONG: { code: 'PATH_TOO_LONG', says: 'is longer than the file system allows' },
  ELOOP: { code: 'LINK_LOOP', says: 'cannot be reached: symbolic links form a loop', hint: 'Repair the links.' },
  EIO: {
    code: 'DISK_ERROR',
    says: 'cannot be read: the disk reports an error',
    hint: 'Check the system log (dmesg) for disk errors.',
  },
};

/** The errno (`ENOSPC`) of a thrown value, if it has one. */
export function errnoOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** Whether the file, or its directory, does not exist. */
export function isMissing(thrown: unknown): boolean {
  return errnoOf(thrown) === 'ENOENT';
}

/** What an operation does with a file. */
type Access = 'read' | 'written';

/** Maps a failed operation on `path` (as shown to users). Errors that are already mapped pass unchanged. */
export function fileError(thrown: unknown, path: string, access: Access = 'written'): LakeportError {
  if (thrown instanceof LakeportError) return thrown;
  const errno = errnoOf(thrown);
  const known = errno === undefined ? undefined : { ...EXPLANATIONS, ...(access === 'read' ? READING : {}) }[errno];
  if (known === undefined) {
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    return new LakeportError({
      code: 'STORAGE_FAILED',
      message: `${path} cannot be ${access}: ${text}`,
      context: { path, ...(errno === undefined ? {} : { detail: errno }) },
      cause: thrown,
    });
  }
  return new LakeportError({
    code: known.code,
    message: `${path} ${known.says}`,
    hint: known.hint,
    context: { path, ...(errno === undefined ? {} : { detail: errno }) },
    cause: thrown,
    transient: known.transient,
  });
}

/** Runs a file operation and maps its errors to `path`. */
export async function explained<T>(path: string, operation: () => Promise<T>, access?: Access): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw fileError(error, path, access);
  }
}

/**
 * Runs a file operation, and returns undefined if the file or its directory does not exist, or the directory is not a
 * directory.
 */
export async function unlessMissing<T>(operation: () => Promise<T>): Promise<T | undefined> {
  try {
    return await operation();
  } catch (error) {
    if (isMissing(error) || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
