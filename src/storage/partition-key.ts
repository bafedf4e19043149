/** Key of the folders: readers that know Hive's layout make a column of it, so no column of a spec has this name. */
export const PARTITION_KEY = 'sluice_partition';
