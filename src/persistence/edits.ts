import type { RecordEdit } from './records'

export interface PendingEdit extends RecordEdit {
  /** The device refused it while it took others. */
  readonly isTooLarge?: boolean
}

type Edits = Map<string, PendingEdit>

const keyOf = ({ userId, id }: { readonly userId: string; readonly id: string }): string => `${userId.length}:${userId}${id}`

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
      const key = keyOf(edit)
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

  return {
    add,
    hasPending: (): boolean => pending.size > 0,
    /** Pending, being written, or forgotten for now; not what is set aside, for which nothing waits. */
    hasUnwritten: (userId?: string): boolean =>
      [pending, writing, forgotten].some((edits) => [...edits.values()].some((edit) => userId === undefined || edit.userId === userId)),
    isWriting: (userId: string): boolean => [...writing.values()].some((edit) => edit.userId === userId && edit.record !== null),
    tooLarge: (): PendingEdit | undefined => aside.values().next().value,
    ofUser: (userId: string): readonly PendingEdit[] => [...pending.values(), ...aside.values()].filter((edit) => edit.userId === userId),
    /** All that is pending is being written from now on. */
    begin(): readonly PendingEdit[] {
      writing = pending
      pending = new Map()
      return [...writing.values()]
    },
    /** The device has it: what came meanwhile did not know that this one would be written. */
    written(edit: PendingEdit): void {
      const key = keyOf(edit)
      writing.delete(key)
      const newer = pending.get(key)
      if (newer?.fresh) pending.set(key, { ...newer, fresh: false })
    },
    /** The device failed and may have written all of it nevertheless. */
    doubt(): void {
      writing = new Map([...writing].map(([key, edit]) => [key, { ...edit, fresh: false }]))
    },
    /** What is being written is to be written again. */
    again(): void {
      const failed = writing
      writing = new Map()
      putBack(failed)
    },
    isAllTooLarge: (): boolean => [...writing.values()].every((edit) => edit.isTooLarge),
    /** What is still being written waits by itself until there is room; returns what was not too large before. */
    setAside(): readonly PendingEdit[] {
      const [refused, newer] = [writing, pending]
      writing = new Map()
      pending = new Map()
      for (const [key, edit] of refused) aside.set(key, edit)
      // Where there is a newer edit, that one counts, and knows what this one knew.
      add(newer.values())
      const left = [...refused].filter(([key, edit]) => aside.get(key) === edit)
      for (const [key, edit] of left) aside.set(key, { ...edit, isTooLarge: true })
      return left.flatMap(([, edit]) => (edit.isTooLarge ? [] : [edit]))
    },
    /** There may be room by now. */
    takeUp(): void {
      for (const [key, edit] of aside) pending.set(key, edit)
      aside = new Map()
    },
    /** All that waits now, also what may wait again. */
    snapshot: (): readonly PendingEdit[] => [...pending.values(), ...aside.values(), ...writing.values(), ...forgotten.values()],
    /** Drops these, and nothing newer, until it is said what comes back. */
    forget(edits: readonly PendingEdit[]): void {
      for (const edit of edits) {
        const key = keyOf(edit)
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
      putBack(new Map(back.map(([key, edit]) => [key, { ...edit, fresh: false }])))
    },
  }
}
