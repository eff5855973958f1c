/** File access and downloads, for Node. The parsers are in `@initlab/data`. */
export { dataCacheDir } from './files/cache-dir.js';
export { type DownloadOptions, type DownloadProgress, downloadFile } from './files/download.js';
export type { DatasetDownload } from './files/fetch-published.js';
export { type ImageFolderOptions, loadImageFolder } from './files/image-folder.js';
export { type LoadDatasetOptions, loadDataset } from './files/load-dataset.js';
