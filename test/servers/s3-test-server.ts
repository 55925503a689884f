/** An S3 server that tests start, as clients reach it: by paths, over plain HTTP. */
export interface S3TestServer {
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  stop(): Promise<void>;
}
