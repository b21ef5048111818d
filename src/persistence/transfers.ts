import { fieldsOf } from '../policy/json'
import type { StoredRecord } from './record-storage'
import { isShared } from './records'

/**
 * Records that a tab has taken over, and that stand as the tabs `from`, which have ended, left them. Messages only, whose ids no two users share:
 * whose they are needs not be said.
 */
export interface Transfer {
  readonly from: readonly string[]
  readonly tab: string
  readonly ids: readonly string[]
}

/** The tabs that own some records, each once. */
export const tabsOf = (records: readonly StoredRecord[]): readonly string[] => [...new Set(records.map(({ tab }) => tab))]

/** What cannot be understood moves nothing. */
export function readTransfer(value: unknown): Transfer | null {
  const { from, tab, ids } = fieldsOf(value)
  return Array.isArray(from) && typeof tab === 'string' && Array.isArray(ids) ? { from, tab, ids } : null
}

/** Says that `tab` has these, which `from` had, under whichever name they stand. Not the marks: a tab that wakes writes its own again, under the name that it had. */
export const transferOf = (records: readonly StoredRecord[], from: string, tab: string): Transfer =>
  ({ from: [from, ...tabsOf(records)], tab, ids: records.map(({ id }) => id).filter((id) => !isShared(id)) })

/** Which transfer says whose a record is: of two the later, of one that was written since none. */
function deciding(transfers: readonly Transfer[]): (record: StoredRecord) => Transfer | undefined {
  const latest = new Map(transfers.flatMap((transfer) => transfer.ids.map((id) => [id, transfer] as const)))
  return ({ id, tab }) => {
    const transfer = latest.get(id)
    return transfer?.from.includes(tab) ? transfer : undefined
  }
}

/** Gives records as whoever took them over owns them. */
export function ownedAfter(transfers: readonly Transfer[]): (record: StoredRecord) => StoredRecord {
  const decides = deciding(transfers)
  return (record) => ({ ...record, tab: (decides(record) ?? record).tab })
}

/** What is left of transfers without the ids that say nothing about any of the records. */
export function needed<T extends Transfer>(transfers: readonly T[], records: readonly StoredRecord[]): readonly T[] {
  const deciders = records.map(deciding(transfers))
  return transfers.map((transfer) => ({ ...transfer, ids: records.filter((_, i) => deciders[i] === transfer).map(({ id }) => id) })).filter(({ ids }) => ids.length > 0)
}
