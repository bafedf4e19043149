/**
 * Where the files of a lake are written: where they will stay, under names that no other process can make.
 *
 *   <dataPath>/<topic>/p<partition>/<epoch>-<startOffset>-<nextOffset>.parquet      offsets padded to 20 digits
 *   <dataPath>/<topic>/quarantine/p<partition>/…    the quarantined messages of a commit, named as its first batch
 *                                                   that has some
 *
 * The epoch is that of the partition's owner. A file of an older epoch that no commit has registered never will be, nor
 * is one written under its name again: an object may be removed late.
 */
export interface LakeFileName {
  readonly partition: number;
  readonly epoch: number;
}

/** The folder of all of them; the workers write to it. */
export function changesFolder(dataPath: string, topic: string): string {
  return `${dataPath}/${topic}`;
}

/** In the folder of all: a wildcard of the partitions' folders does not have it. */
export function quarantineFolder(folder: string): string {
  return `${folder}/quarantine`;
}

export function partitionFolder(folder: string, partition: number): string {
  return `${folder}/p${partition}`;
}

export function lakeFilePath(folder: string, partition: number, epoch: number, start: number, next: number): string {
  const padded = [start, next].map((offset) => String(offset).padStart(20, '0'));
  return `${partitionFolder(folder, partition)}/${epoch}-${padded.join('-')}.parquet`;
}

const LAKE_FILE = /\/p(\d+)\/(\d+)-\d{20}-\d{20}\.parquet$/;

/** What the path of a file says; undefined if it is none of these. */
export function parseLakeFilePath(path: string): LakeFileName | undefined {
  const match = LAKE_FILE.exec(path);
  return match === null ? undefined : { partition: Number(match[1]), epoch: Number(match[2]) };
}
