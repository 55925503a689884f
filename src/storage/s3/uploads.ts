import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  type ListPartsCommandOutput,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';

import { LakeportError } from '../../errors.js';
import type { WriteCondition } from './conditions.js';
import { expected, type NewObject, type S3Requests } from './requests.js';
import { answerOf } from './service-response.js';

/** An open multipart upload. */
export interface Upload {
  readonly key: string;
  readonly uploadId: string;
}

/** A part of a multipart upload, as needed to complete it. */
export interface UploadedPart {
  readonly number: number;
  readonly etag: string;
  /** Base64, if checksums are sent. */
  readonly crc32?: string | undefined;
}

/** Requests for multipart uploads of the bucket. */
export class S3Uploads {
  readonly #requests: S3Requests;
  /** Ids of uploads that this object has completed or aborted. */
  readonly #settled = new Set<string>();

  constructor(requests: S3Requests) {
    this.#requests = requests;
  }

  async create(object: NewObject): Promise<Upload> {
    const { client } = this.#requests;
    const { key } = object;
    return await this.#requests.send('CreateMultipartUpload', key, async () => {
      // The parts' checksums must be announced.
      const checksums = (await client.config.requestChecksumCalculation()) === 'WHEN_SUPPORTED';
      const command = new CreateMultipartUploadCommand({
        ...this.#requests.creation(object),
        ...(checksums ? { ChecksumAlgorithm: 'CRC32' } : {}),
      });
      return { key, uploadId: expected((await client.send(command)).UploadId) };
    });
  }

  async uploadPart(
    upload: Upload,
    part: { readonly number: number; readonly body: Uint8Array; readonly signal: AbortSignal },
  ): Promise<UploadedPart> {
    const { number, body, signal } = part;
    const command = new UploadPartCommand({ ...this.#of(upload), PartNumber: number, Body: body });
    return await this.#requests.send('UploadPart', upload.key, async () =>
      uploadedPart(number, await this.#requests.client.send(command, { abortSignal: signal })),
    );
  }

  /** Copies bytes `first` to `last` of an object of this bucket into the upload. */
  async copyPart(
    upload: Upload,
    part: { readonly number: number; readonly from: string; readonly first: number; readonly last: number },
  ): Promise<UploadedPart> {
    const { number, from, first, last } = part;
    const command = new UploadPartCopyCommand({
      ...this.#of(upload),
      PartNumber: number,
      CopySource: this.#requests.source(from),
      CopySourceRange: `bytes=${first}-${last}`,
    });
    return await this.#requests.send('UploadPartCopy', upload.key, async () =>
      uploadedPart(number, expected((await this.#requests.client.send(command)).CopyPartResult)),
    );
  }

  /** @param parts in the order of their numbers */
  async complete(upload: Upload, parts: readonly UploadedPart[]): Promise<void> {
    await this.#requests.send('CompleteMultipartUpload', upload.key, () => this.completeOnce(upload, parts, {}));
  }

  /** Like `complete`, but throws the client's errors. */
  async completeOnce(upload: Upload, parts: readonly UploadedPart[], condition: WriteCondition): Promise<void> {
    const command = new CompleteMultipartUploadCommand({
      ...this.#of(upload),
      ...condition,
      MultipartUpload: {
        Parts: parts.map(({ number, etag, crc32 }) => ({
          PartNumber: number,
          ETag: etag,
          ...(crc32 === undefined ? {} : { ChecksumCRC32: crc32 }),
        })),
      },
    });
    await this.#requests.client.send(command);
    this.#settled.add(upload.uploadId);
  }

  /**
   * Whether the upload is open and has these parts, as far as one page of the store's response shows. False if it is not
   * permitted to ask: the parts are then sent again.
   */
  async has(upload: Upload, parts: readonly UploadedPart[]): Promise<boolean> {
    const answer = await this.#listed(upload);
    if (typeof answer === 'string') return false;
    const listed = new Map(answer.Parts?.map(({ PartNumber: number, ETag: etag }) => [number, bare(etag)]));
    const isThere = ({ number, etag }: UploadedPart) => listed.get(number) === bare(etag);
    return answer.IsTruncated === true ? parts.filter(isThere).length === listed.size : parts.every(isThere);
  }

  /** Whether the upload is open; true if it is not permitted to ask. */
  async isOpen(upload: Upload): Promise<boolean> {
    return (await this.#listed(upload)) !== 'gone';
  }

  /** One page of the upload's parts. */
  async #listed(upload: Upload): Promise<ListPartsCommandOutput | 'gone' | 'unknown'> {
    const listing = this.#requests.send('ListParts', upload.key, async () => {
      try {
        return await this.#requests.client.send(new ListPartsCommand(this.#of(upload)));
      } catch (error) {
        if (isNoSuchUpload(error)) return 'gone';
        throw error;
      }
    });
    try {
      return await listing;
    } catch (error) {
      // Requires its own permission, and not all stores support the request.
      if (error instanceof LakeportError && ['S3_ACCESS_DENIED', 'S3_NOT_SUPPORTED'].includes(error.code)) {
        return 'unknown';
      }
      throw error;
    }
  }

  /** Whether this process knows that the upload is over, without asking. */
  isSettled({ uploadId }: Upload): boolean {
    return this.#settled.has(uploadId);
  }

  /** Whether there was such an upload. */
  async abort(upload: Upload): Promise<boolean> {
    const command = new AbortMultipartUploadCommand(this.#of(upload));
    return await this.#requests.send('AbortMultipartUpload', upload.key, async () => {
      try {
        await this.#requests.client.send(command);
        this.#settled.add(upload.uploadId);
        return true;
      } catch (error) {
        // Without the bucket there is nothing to abort either.
        if (isNoSuchUpload(error) || answerOf(error)?.code === 'NoSuchBucket') return false;
        throw error;
      }
    });
  }

  #of({ key, uploadId }: Upload): { Bucket: string; Key: string; UploadId: string } {
    return { ...this.#requests.at(key), UploadId: uploadId };
  }
}

/** Whether a mapped error means that an upload no longer exists. */
export function isUploadGone(error: unknown): boolean {
  return error instanceof LakeportError && error.code === 'S3_UPLOAD_GONE';
}

/** Whether a store's response means that an upload is over: S3's, or Ceph's to ListParts. */
function isNoSuchUpload(error: unknown): boolean {
  return ['NoSuchUpload', 'NoSuchKey'].includes(answerOf(error)?.code ?? '');
}

/** Some stores omit the quotes in some responses. */
function bare(etag: string | undefined): string | undefined {
  return etag?.replaceAll('"', '');
}

function uploadedPart(
  number: number,
  answer: { readonly ETag?: string | undefined; readonly ChecksumCRC32?: string | undefined },
): UploadedPart {
  const { ETag: etag, ChecksumCRC32: crc32 } = answer;
  return { number, etag: expected(etag), ...(crc32 === undefined ? {} : { crc32 }) };
}
