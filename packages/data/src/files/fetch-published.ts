import path from 'node:path';
import { type DatasetName, datasetCatalog } from '../dataset/catalog.js';
import { type Checks, md5OfFile } from './checks.js';
import { type DownloadProgress, downloadFile } from './download.js';
import { kindAt } from './read-file.js';

/** Settings of a download. */
export interface DatasetDownload {
  /** Address the files lie under. Default: the publisher's. */
  readonly baseUrl?: string;
  /** Checksums by file name in place of the published ones, for a mirror that serves other files. */
  readonly md5?: Readonly<Record<string, string>>;
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Brings the published files of a dataset into `folder`: those that lie there with the right checksum stay, the others are
 * fetched. Answers the address they come from.
 */
export async function fetchPublished(
  name: DatasetName,
  { folder, download, checks, notice }: { folder: string; download: DatasetDownload; checks: Checks; notice: (line: string) => void },
): Promise<string> {
  const { baseUrl, files } = datasetCatalog[name];
  const base = download.baseUrl === undefined ? baseUrl : `${download.baseUrl.replace(/\/+$/, '')}/`;
  for (const file of files) {
    const target = path.join(folder, file.name);
    const md5 = checks.expected(file);
    if (kindAt(target) === 'file' && (await md5OfFile(target)) === md5) continue;
    const url = base + file.name;
    notice(`fetching ${url} into ${folder}${url.startsWith('http:') ? '; it comes over plain http, its MD5 guards it' : ''}`);
    // What is packed is hardly larger than what it unpacks to.
    const maxBytes = file.contents.reduce((sum, { bytes }) => sum + bytes, 2 ** 20);
    await downloadFile({ url, target }, { md5, maxBytes, onProgress: download.onProgress, onNotice: notice, signal: download.signal });
  }
  return base;
}
