export { crc32c, maskedCrc32c } from './crc32c.js';
export { EventFile } from './event-file.js';
export { type ScalarEvent, scalarRecord, versionRecord } from './event-record.js';
