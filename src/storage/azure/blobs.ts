import type { BlockBlobClient } from '@azure/storage-blob';

import type { AzureEntry } from './info.js';
import { LakeportError } from '../../errors.js';
import { forEachPath } from '../each-path.js';
import type { Agents } from '../http/agents.js';
import type { RemotePlace } from '../http/error-mapping.js';
import type { Retries } from '../http/retries.js';
import { OWN_DIRECTORY } from '../lease/own-paths.js';
import { newNonce } from '../nonce.js';
import type { ListedObject, Listing, ObjectClient } from '../object-client.js';
import { joinPath } from '../path.js';
import type { ByteRange, Place, Replaced, StoredContent, StoredObject } from '../storage.js';
import { isCreated, targetChanged } from '../target-changed.js';
import type { AzureAccount } from './account.js';
import { hasCode } from './response.js';
import { type BlobDescription, copyBlob } from './copy.js';
import { explain } from './map-error.js';
import type { AzureOperation } from './operation.js';

/** Metadata keys must be identifiers; Azure Storage REST API, "Naming and referencing metadata". */
const PART_METADATA = 'lakeport_part';
/** Present on directories in accounts with a hierarchical namespace. */
const DIRECTORY_METADATA = 'hdi_isfolder';

export interface BlobInfo {
  readonly bytes: number;
  readonly etag: string;
  /** Nonce of the part that the blob was staged as. */
  readonly part: string | undefined;
}

export interface StagedBlock {
  readonly id: string;
  readonly content: Uint8Array;
  /** Verified by the service. */
  readonly md5?: Uint8Array;
  readonly signal: AbortSignal;
}

export interface AzureBlobsOptions {
  readonly account: AzureAccount;
  readonly entry: AzureEntry;
  readonly place: RemotePlace;
  readonly retries: Retries;
  readonly agents: Agents;
}

/** The requests that the store consists of, with paths relative to its base and mapped errors. */
export class AzureBlobs implements ObjectClient {
  readonly #account: AzureAccount;
  readonly #entry: AzureEntry;
  readonly #place: RemotePlace;
  readonly #retries: Retries;
  readonly #agents: Agents;
  #accepted = false;

  constructor(options: AzureBlobsOptions) {
    this.#account = options.account;
    this.#entry = options.entry;
    this.#place = options.place;
    this.#retries = options.retries;
    this.#agents = options.agents;
  }

  place(path: string): Place {
    const { container } = this.#entry.info;
    const { origin, pathname } = new URL(this.#account.container.url);
    const account = pathname.slice(0, pathname.lastIndexOf('/'));
    return { kind: 'azure', service: `${origin}${account}`, container, key: this.#name(path) };
  }

  /** URL without a signature. */
  display(path: string): string {
    const { origin, pathname } = new URL(this.#account.container.url);
    return joinPath(`${origin}${decodeURIComponent(pathname)}`, this.#name(path));
  }

  /** Uploads a block, which stays invisible until it is committed. */
  stageBlock(path: string, block: StagedBlock): Promise<void> {
    const { id, content, md5, signal } = block;
    const options = { abortSignal: signal, ...(md5 === undefined ? {} : { transactionalContentMD5: md5 }) };
    const stage = async () => {
      await this.#blob(path).stageBlock(id, content, content.length, options);
    };
    return this.retry(() => this.once('write', path, stage), signal);
  }

  /** Commits blocks as a blob; undefined if they do not exist (any more). */
  async commitOnce(
    path: string,
    blocks: { ids: string[]; part: string; replaces?: Replaced | undefined },
  ): Promise<{ etag: string } | undefined> {
    const { ids, part, replaces } = blocks;
    return await this.once('write', path, async () => {
      try {
        const options = { ...propertiesOf(path, part), ...conditionsOf(replaces) };
        const { etag } = await this.#blob(path).commitBlockList(ids, options);
        return { etag: etag ?? '' };
      } catch (error) {
        if (hasCode(error, 'InvalidBlockList')) return undefined;
        if (replaces === undefined || !hasCode(error, ...CHANGED)) throw error;
        return await this.#assertOwn(path, part);
      }
    });
  }

  /** Ids of a blob's committed and uncommitted blocks; empty if there are none. */
  blocksOnce(path: string): Promise<string[]> {
    return this.once('read', path, async () => {
      const found = await this.#blob(path).getBlockList('all').catch(unlessMissing);
      return [...(found?.committedBlocks ?? []), ...(found?.uncommittedBlocks ?? [])].map(({ name }) => name);
    });
  }

  infoOnce(path: string): Promise<BlobInfo | undefined> {
    return this.once('read', path, () => this.#describe(path));
  }

  /** Copies a blob within the container atomically. False if the source does not exist. */
  copyOnce(copy: {
    from: string;
    to: string;
    part: string;
    bytes: number;
    replaces?: Replaced | undefined;
  }): Promise<boolean> {
    const { from, to, part, bytes, replaces } = copy;
    return this.once('copy', to, async () => {
      const target = { blob: this.#blob(to), properties: propertiesOf(to, part), ...conditionsOf(replaces) };
      try {
        await copyBlob(await this.#account.copySource(this.#blob(from)), target, bytes);
        return true;
      } catch (error) {
        if (replaces !== undefined && hasCode(error, ...CHANGED)) {
          await this.#assertOwn(to, part);
          return true;
        }
        if (hasCode(error, 'BlobNotFound', 'CannotVerifyCopySource', 'ResourceNotFound')) return false;
        throw error;
      }
    });
  }

  /** Writes a complete blob. */
  put(path: string, content: Uint8Array, replaces?: Replaced): Promise<void> {
    const part = replaces === undefined ? undefined : newNonce();
    const options = { ...propertiesOf(path, part), ...conditionsOf(replaces) };
    return this.retry(() =>
      this.once('write', path, async () => {
        try {
          await this.#blob(path).upload(Buffer.from(content), content.length, options);
        } catch (error) {
          if (part === undefined || !hasCode(error, ...CHANGED)) throw error;
          await this.#assertOwn(path, part);
        }
      }),
    );
  }

  create(path: string, content: Uint8Array): Promise<boolean> {
    return isCreated(this.put(path, content, { version: undefined }));
  }

  read(path: string, range?: ByteRange): Promise<StoredContent | undefined> {
    const blob = this.#blob(path);
    return this.retry(() =>
      this.once('read', path, async () => {
        const found = await download(blob, range).catch(unlessMissing);
        return found === undefined ? undefined : { path, bytes: found.content.length, ...found };
      }),
    );
  }

  async head(path: string): Promise<StoredObject | undefined> {
    const found = await this.retry(() => this.infoOnce(path));
    return found === undefined ? undefined : { path, bytes: found.bytes, version: found.etag };
  }

  list(directory: string): Promise<Listing> {
    const base = this.#directory('');
    const query = {
      prefix: this.#directory(directory),
      includeMetadata: true,
      // Blobs that only have uncommitted blocks.
      ...(directory === OWN_DIRECTORY ? { includeUncommitedBlobs: true } : {}),
    };
    return this.retry(() =>
      this.once('list', directory, async () => {
        const objects: ListedObject[] = [];
        let now = Date.now();
        for await (const page of this.#account.container.listBlobsFlat(query).byPage()) {
          now = page.date?.getTime() ?? now;
          for (const { name, properties, metadata } of page.segment.blobItems) {
            if (metadata?.[DIRECTORY_METADATA] === 'true') continue;
            objects.push({
              path: name.slice(base.length),
              bytes: properties.contentLength ?? 0,
              version: quoted(properties.etag),
              modifiedAt: properties.lastModified.getTime(),
            });
          }
        }
        return { objects, now };
      }),
    );
  }

  async remove(paths: readonly string[], versions?: ReadonlyMap<string, string>): Promise<void> {
    await forEachPath(paths, async (path) => {
      const etag = versions?.get(path);
      const condition = etag === undefined ? {} : { etag };
      await this.retry(async () => {
        if ((await this.removeOnce(path, condition)) || etag === undefined) return;
        if ((await this.infoOnce(path)) !== undefined) throw targetChanged(this.display(path));
      });
    });
  }

  close(): void {
    this.#agents.destroy();
  }

  /**
   * @param options.etag removes only that version of the blob
   * @returns false if it did not exist
   */
  removeOnce(path: string, options: { etag?: string } = {}): Promise<boolean> {
    const conditions = options.etag === undefined ? {} : { conditions: { ifMatch: options.etag } };
    return this.once('delete', path, async () => {
      try {
        await this.#blob(path).delete(conditions);
        return true;
      } catch (error) {
        if (hasCode(error, 'BlobNotFound', 'ConditionNotMet')) return false;
        throw error;
      }
    });
  }

  /**
   * Removes a blob, committed or not. Uncommitted blocks cannot be removed by themselves: they are first overwritten by an
   * empty blob, so the path must be one that no reader looks at.
   */
  async discard(path: string): Promise<void> {
    await this.retry(async () => {
      if (await this.removeOnce(path)) return;
      await this.once('delete', path, () => this.#blob(path).commitBlockList([]));
      await this.removeOnce(path);
    });
  }

  /** For operations of several requests, each of which is sent once and maps its errors. */
  retry<T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#retries.run(attempt, { signal });
  }

  /** Sends requests once and maps a failure. */
  async once<T>(operation: AzureOperation, path: string, request: () => Promise<T>): Promise<T> {
    try {
      const answer = await request();
      this.#accepted = true;
      return answer;
    } catch (error) {
      if (error instanceof LakeportError || (error instanceof Error && error.name === 'AbortError')) throw error;
      const attempt = { entry: this.#entry, place: this.#place, operation, accepted: this.#accepted };
      throw explain(error, { ...attempt, shown: this.display(path) });
    }
  }

  /**
   * An earlier attempt may have written the blob although its response was lost.
   * @throws LakeportError `TARGET_CHANGED` if another blob is there
   */
  async #assertOwn(path: string, part: string): Promise<{ etag: string }> {
    const there = await this.#describe(path);
    if (there?.part === part) return there;
    throw targetChanged(this.display(path));
  }

  async #describe(path: string): Promise<BlobInfo | undefined> {
    const found = await this.#blob(path).getProperties().catch(unlessMissing);
    if (found === undefined) return undefined;
    return { bytes: found.contentLength ?? 0, etag: found.etag ?? '', part: found.metadata?.[PART_METADATA] };
  }

  #blob(path: string): BlockBlobClient {
    return this.#account.container.getBlockBlobClient(this.#name(path));
  }

  #name(path: string): string {
    return joinPath(this.#entry.info.basePath, path);
  }

  /** Prefix of the names of all blobs below a directory. */
  #directory(path: string): string {
    const name = this.#name(path);
    return name === '' ? '' : `${name}/`;
  }
}

async function download(
  blob: BlockBlobClient,
  { start, end }: ByteRange = { start: 0 },
): Promise<Pick<StoredContent, 'content' | 'version'>> {
  try {
    const { readableStreamBody, etag: version } = await blob.download(
      start,
      end === undefined ? undefined : end - start,
    );
    const chunks: Buffer[] = [];
    // In Node the client returns a stream of buffers.
    for await (const chunk of readableStreamBody ?? []) chunks.push(chunk as Buffer);
    return { version, content: Buffer.concat(chunks) };
  } catch (error) {
    // The range starts past the end.
    if (hasCode(error, 'InvalidRange')) return { content: Buffer.alloc(0), version: undefined };
    throw error;
  }
}

/** For `catch`: a missing blob is a result, a missing container is a failure. */
function unlessMissing(error: unknown): undefined {
  if (hasCode(error, 'BlobNotFound')) return undefined;
  throw error;
}

/** The condition on what a write replaces failed; Azure Storage REST API, "Specifying conditional headers". */
const CHANGED = ['ConditionNotMet', 'TargetConditionNotMet', 'BlobAlreadyExists'];

function conditionsOf(replaces: Replaced | undefined) {
  if (replaces === undefined) return {};
  const { version } = replaces;
  return { conditions: version === undefined ? { ifNoneMatch: '*' } : { ifMatch: version } };
}

/** Listings omit the quotes that headers have. */
function quoted(etag: string): string {
  return etag.startsWith('"') ? etag : `"${etag}"`;
}

/** A blob's headers and metadata. */
function propertiesOf(path: string, part?: string): BlobDescription {
  return {
    blobHTTPHeaders: { blobContentType: contentType(path) },
    ...(part === undefined ? {} : { metadata: { [PART_METADATA]: part } }),
  };
}

/** Staged parts have hidden names, and are Parquet files. */
function contentType(path: string): string {
  if (path.endsWith('.json')) return 'application/json';
  return path.endsWith('_SUCCESS') ? 'text/plain' : 'application/vnd.apache.parquet';
}
