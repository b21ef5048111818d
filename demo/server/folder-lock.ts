import { mkdir } from 'node:fs/promises'
import { lock } from 'proper-lockfile'
import { refuseForGood } from './refusal'

/** A lock whose owner shows no life for this long is taken over: how a killed server's folder becomes free again. */
const STALE_MS = 10_000
const RETRY_MS = 500

/**
 * Makes this process the only one that uses `folder`. PGlite takes no lock of its own, and a second process that opens
 * the same folder makes committed rows vanish. Waits up to `waitMs` for a lock to become free; returns the release.
 */
export async function lockFolder(folder: string, waitMs: number): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true })
  const retries = { retries: Math.ceil(waitMs / RETRY_MS), minTimeout: RETRY_MS, maxTimeout: RETRY_MS }
  try {
    return await lock(folder, { stale: STALE_MS, retries })
  } catch (error) {
    if (!isLocked(error)) throw error
    throw refuseForGood('data_folder_locked', `unable to open ${folder}: another server uses it; stop that one, or give this one another folder (DATA_DIR)`)
  }
}

const isLocked = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ELOCKED'
