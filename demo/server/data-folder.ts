import { Refusal, refuseForGood } from './refusal'

/** What PGlite throws when a file cannot be written has no message, only the number that WASI gives the reason. */
const REASONS = new Map<unknown, string>([
  [2, 'permission is denied'], [19, 'the quota is used up'], [51, 'no space is left on the device'], [63, 'it is not permitted'],
  [69, 'the file system is read-only'],
])

/** Why a folder cannot hold the database, and what to do. */
export function unusableFolder(folder: string, error: unknown): Refusal {
  if (error instanceof Refusal) return error
  return refuseForGood('data_folder_unusable',
    `unable to keep the chat in ${folder}: ${reasonOf(error)}; mend that, or give this server another folder (DATA_DIR)`)
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.message !== '') return error.message
  const errno: unknown = typeof error === 'object' && error !== null && 'errno' in error ? error.errno : undefined
  return REASONS.get(errno) ?? `the database says ${JSON.stringify(error)}`
}
