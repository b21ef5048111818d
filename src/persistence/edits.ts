import { recordKey, type RecordEdit } from './records'

export interface PendingEdit extends RecordEdit {
  /** The device refused it while it took others. */
  readonly isTooLarge?: boolean
}

type Edits = Map<string, PendingEdit>

/** The device may have them. */
const unsure = (edits: Iterable<readonly [string, PendingEdit]>): Edits => new Map([...edits].map(([key, edit]) => [key, { ...edit, fresh: false }]))

/**
 * The edits that the device does not have yet, one for each user and record, because one store may serve several users one after the other:
 * pending, then being written, then gone; or pending again, or set aside.
 */
export function createEdits() {
  let pending: Edits = new Map()
  let writing: Edits = new Map()
  /** What is too large for the room that is left: it waits by itself, and holds nothing. */
  let aside: Edits = new Map()
  /** What was forgotten for the sake of something that may fail yet. */
  let forgotten: Edits = new Map()

  function add(edits: Iterable<PendingEdit>): void {
    for (const edit of edits) {
      const key = recordKey(edit)
      const earlier = pending.get(key) ?? aside.get(key)
      const isUnwritten = earlier?.fresh === true && !writing.has(key) && !forgotten.has(key)
      // A later edit stands behind all that came before it.
      pending.delete(key)
      aside.delete(key)
      // What was surely never written needs no removal: else a device that refuses for long would collect one for each message sent.
      if (!edit.record && isUnwritten) continue
      const { userId, id, record, fresh } = edit
      pending.set(key, { userId, id, record, fresh: fresh && earlier?.fresh !== false, isTooLarge: earlier?.isTooLarge === true })
    }
  }

  /** These come before all that is pending, which may hold newer edits of the same records. */
  function putBack(edits: Edits): void {
    const newer = pending
    pending = edits
    add(newer.values())
  }

  /** What is being written is to be written again. */
  function again(): void {
    const failed = writing
    writing = new Map()
    putBack(failed)
  }

  const inAll = (places: readonly Edits[], userId?: string): readonly PendingEdit[] =>
    places.flatMap((edits) => [...edits.values()]).filter((edit) => userId === undefined || edit.userId === userId)

  return {
    add,
    hasPending: (): boolean => pending.size > 0,
    /** Pending, being written, or forgotten for now; not what is set aside, for which nothing waits. */
    hasUnwritten: (userId?: string): boolean => inAll([pending, writing, forgotten], userId).length > 0,
    isWriting: (userId: string): boolean => inAll([writing], userId).some(({ record }) => record),
    tooLarge: (): PendingEdit | undefined => aside.values().next().value,
    ofUser: (userId: string): readonly PendingEdit[] => inAll([pending, aside], userId),
    /** All that is pending is being written from now on. */
    begin(): readonly PendingEdit[] {
      writing = pending
      pending = new Map()
      return [...writing.values()]
    },
    /** The device has it: what came meanwhile did not know that this one would be written. */
    written(edit: PendingEdit): void {
      const key = recordKey(edit)
      writing.delete(key)
      const newer = pending.get(key)
      if (newer?.fresh) pending.set(key, { ...newer, fresh: false })
    },
    /** The device failed and may have written all of it nevertheless. */
    doubt(): void {
      writing = unsure(writing)
    },
    again,
    isAllTooLarge: (): boolean => [...writing.values()].every((edit) => edit.isTooLarge),
    /** What is still being written waits by itself until there is room; returns what was not too large before. */
    setAside(): readonly PendingEdit[] {
      const refused = [...writing]
      again()
      // Where there is a newer edit, that one counts, and knows what this one knew.
      const left = refused.filter(([key, edit]) => pending.get(key) === edit)
      for (const [key, edit] of left) {
        pending.delete(key)
        aside.set(key, { ...edit, isTooLarge: true })
      }
      return left.flatMap(([, edit]) => (edit.isTooLarge ? [] : [edit]))
    },
    /** There may be room by now. */
    takeUp(): void {
      for (const [key, edit] of aside) pending.set(key, edit)
      aside = new Map()
    },
    /** All that waits now, also what may wait again. */
    snapshot: (): readonly PendingEdit[] => inAll([pending, aside, writing, forgotten]),
    /** Drops these, and nothing newer, until it is said what comes back. */
    forget(edits: readonly PendingEdit[]): void {
      for (const edit of edits) {
        const key = recordKey(edit)
        const held = pending.get(key) ?? aside.get(key)
        // Under another name it is the same still.
        if (!held || held.record?.data !== edit.record?.data) continue
        pending.delete(key)
        aside.delete(key)
        forgotten.set(key, edit)
      }
    },
    /** Ends what `forget` began. Whether the device has some of what comes back nobody knows by now. */
    remember(comesBack: (edit: PendingEdit) => boolean): void {
      const back = [...forgotten].filter(([, edit]) => comesBack(edit))
      forgotten = new Map()
      putBack(unsure(back))
    },
  }
}
