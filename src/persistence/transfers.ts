import { fieldsOf } from '../policy/json'
import type { StoredRecord } from './record-storage'

/** Records that a tab has taken over, and that stand as the tabs `from`, which have ended, left them. */
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

/** Gives records as whoever took them over owns them; of two transfers of one record the later counts, of none that was written since. */
export function ownedAfter(transfers: readonly Transfer[]): (record: StoredRecord) => StoredRecord {
  const latest = new Map(transfers.flatMap((transfer) => transfer.ids.map((id) => [id, transfer] as const)))
  return (record) => {
    const transfer = latest.get(record.id)
    return transfer?.from.includes(record.tab) ? { ...record, tab: transfer.tab } : record
  }
}
