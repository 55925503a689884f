import type { S3Entry } from './info.js';
import type { Agents } from '../http/agents.js';
import { isDenied } from '../lease/denied.js';
import { OWN_DIRECTORY } from '../lease/own-paths.js';
import type { Listing, ObjectClient } from '../object-client.js';
import type { ByteRange, Place, Replaced, StoredContent, StoredObject } from '../storage.js';
import { isCreated } from '../target-changed.js';
import type { S3Bucket } from './bucket.js';
import { versionOf } from './conditions.js';
import type { ObjectKeys } from './object-keys.js';
import { smallObjectSettings } from './object-settings.js';

export interface S3ObjectClientOptions {
  readonly entry: S3Entry;
  readonly bucket: S3Bucket;
  readonly keys: ObjectKeys;
  readonly agents: Agents;
}

/** Objects of a bucket by their paths. */
export class S3ObjectClient implements ObjectClient {
  readonly hasEarlierLayout = true;
  readonly mayLackDeletion = true;
  readonly #entry: S3Entry;
  readonly #bucket: S3Bucket;
  readonly #keys: ObjectKeys;
  readonly #agents: Agents;

  constructor({ entry, bucket, keys, agents }: S3ObjectClientOptions) {
    this.#entry = entry;
    this.#bucket = bucket;
    this.#keys = keys;
    this.#agents = agents;
  }

  place(path: string): Place {
    const { bucket, endpointUrl: endpoint, region } = this.#bucket.requests.entry.info;
    return { kind: 's3', bucket, key: this.#keys.keyOf(path), endpoint, region };
  }

  display(path: string): string {
    return this.#bucket.requests.display(this.#keys.keyOf(path));
  }

  /** Some stores create a missing bucket on the first write: a mistyped name must fail before. */
  async prepare(): Promise<void> {
    if (this.#entry.info.endpointUrl === undefined) return;
    try {
      await this.list(OWN_DIRECTORY);
    } catch (error) {
      // A missing permission to list is reported when it matters.
      if (!isDenied(error)) throw error;
    }
  }

  async put(path: string, content: Uint8Array, replaces?: Replaced): Promise<void> {
    const object = { key: this.#keys.keyOf(path), settings: smallObjectSettings(this.#entry.info) };
    await this.#bucket.objects.put(object, content, replaces);
  }

  /** In stores without conditional writes, an object that was created a moment ago is replaced. */
  create(path: string, content: Uint8Array): Promise<boolean> {
    return isCreated(this.put(path, content, { version: undefined }));
  }

  async read(path: string, range?: ByteRange): Promise<StoredContent | undefined> {
    const found = await this.#bucket.objects.read(this.#keys.keyOf(path), range);
    if (found === undefined) return undefined;
    return { path, bytes: found.bytes, version: versionOf(found), content: found.content };
  }

  async head(path: string): Promise<StoredObject | undefined> {
    const found = await this.#bucket.objects.head(this.#keys.keyOf(path));
    return found === undefined ? undefined : { path, bytes: found.bytes, version: versionOf(found) };
  }

  async list(directory: string): Promise<Listing> {
    const objects = await this.#bucket.objects.list(this.#keys.prefixOf(directory));
    return {
      objects: objects.map((object) => ({
        path: this.#keys.pathOf(object.key),
        bytes: object.bytes,
        version: versionOf(object),
        modifiedAt: object.modifiedAt,
      })),
      now: this.#bucket.requests.now(),
    };
  }

  async remove(paths: readonly string[], versions?: ReadonlyMap<string, string>): Promise<void> {
    const known = new Map<string, string>();
    const unknown: string[] = [];
    for (const path of paths) {
      const [key, version] = [this.#keys.keyOf(path), versions?.get(path)];
      if (version === undefined) unknown.push(key);
      else known.set(key, version);
    }
    await this.#bucket.objects.removeVersions(known);
    await this.#bucket.objects.remove(unknown);
  }

  close(): void {
    this.#bucket.requests.client.destroy();
    this.#agents.destroy();
  }
}
