import type { MessageStatus, Receipt } from '../model'

const NOTHING: Receipt = { delivered: 0, read: 0 }

/** Joins two watermarks: maximum of each, and what is read is delivered. Returns `a` itself when `b` adds nothing. */
export function joinReceipt(a: Receipt | undefined, b: Receipt): Receipt {
  const read = Math.max(a?.read ?? 0, b.read)
  const delivered = Math.max(a?.delivered ?? 0, b.delivered, read)
  return a && a.read === read && a.delivered === delivered ? a : { delivered, read }
}

/** The best that any member but `authorKey` says. */
export function othersBest(receipts: { readonly [userKey: string]: Receipt }, authorKey: string): Receipt {
  let best = NOTHING
  for (const key in receipts) {
    const receipt = receipts[key]
    if (receipt && key !== authorKey) best = joinReceipt(best, receipt)
  }
  return best
}

/** Status of a message that the server has, at `position` in its channel. */
export function committedStatus(position: number, others: Receipt): MessageStatus {
  if (others.read >= position) return 'read'
  return others.delivered >= position ? 'delivered' : 'sent'
}
