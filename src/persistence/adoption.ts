import type { Ownership } from './ownership'
import type { Presence } from './presence'
import { problemOf, type StorageProblem } from './problem'
import type { StoredRecord } from './record-storage'
import { readRecords } from './records'
import { tabsOf } from './transfers'
import type { Writer } from './writer'

/** One sign-in of a user in this tab. What an earlier one still brings is over, though the same user may be back. */
export interface Visit {
  readonly userId: string
}

export interface AdoptionDeps {
  readonly ownership: Ownership
  readonly writer: Writer
  readonly isOver: (visit: Visit) => boolean
  readonly pause: (delayMs: number) => Promise<void>
  failed(problem: StorageProblem): void
  /** Records that wait to be written stand under other names by now. */
  renamed(userId: string): void
  readonly presence: Presence
}

const isReadable = (record: StoredRecord): boolean => readRecords(record.userId, [record], []).unreadable.length === 0

/** Takes over what tabs that have ended left on the device. */
export function createAdoption({ ownership, writer, isOver, pause, failed, renamed, presence }: AdoptionDeps) {
  /** Under whose name the records stay for which this tab stands in. */
  const homes = new Map<string, string>()
  let spreadMs = 0

  /** To the end, whoever leaves. What this tab stood in for before it lost its locks may wait to be written under the old name. */
  const move = async (visit: Visit, tab: string, ids: readonly string[]): Promise<readonly StoredRecord[]> => await writer.between(async (target) => {
    spreadMs = target.spreadMs ?? 0
    const moved = await target.adopt(visit.userId, tab, ownership.name(), ids)
    if (moved.filter(({ id }) => homes.delete(id)).length > 0) renamed(visit.userId)
    return moved
  }) ?? []

  /** Less what waits to be removed. Nothing of a user who has left is looked at: that would open the storage again. */
  const load = async (visit: Visit): Promise<readonly StoredRecord[]> => (isOver(visit) ? null : await writer.between(async (target) => {
    const { records } = await target.load(visit.userId)
    const waiting = new Map(writer.waiting(visit.userId).map(({ id, record }) => [id, record]))
    return records.filter(({ id }) => waiting.get(id) !== null)
  })) ?? []

  function settle(userId: string, records: readonly StoredRecord[]): void {
    const kept = records.filter(({ tab }) => tab !== ownership.name() && ownership.isOurs(tab))
    for (const { id, tab } of kept) homes.set(id, tab)
    if (kept.length > 0) renamed(userId)
  }

  /** What a device that takes no more writes can still read stays under its old name, and this tab takes that name as well. */
  async function standIn(visit: Visit, tab: string, ids: readonly string[]): Promise<readonly StoredRecord[]> {
    const wanted = new Set(ids)
    const found = await load(visit)
    // Whoever left meanwhile keeps nothing from the user's other tabs.
    if (isOver(visit)) return []
    if (!(await ownership.standIn(visit.userId, tab))) {
      presence.awaitEnd(visit, tab)
      return []
    }
    const left = found.filter((record) => wanted.has(record.id) && (record.tab === tab || record.tab === ownership.name()))
    settle(visit.userId, left)
    return left
  }

  /** What somebody else has moved meanwhile is theirs. */
  async function moveAlone(visit: Visit, tab: string, ids: readonly string[]): Promise<readonly StoredRecord[]> {
    // A frozen one may have come back, or somebody stands in for it: then its end is yet to come.
    if ((await ownership.living(visit.userId, [tab])).length > 0) {
      presence.awaitEnd(visit, tab)
      return []
    }
    try {
      return isOver(visit) ? [] : await move(visit, tab, ids)
    } catch (reason) {
      const left = await standIn(visit, tab, ids)
      if (!isOver(visit)) failed(problemOf(reason))
      return left
    }
  }

  /** Moves one ended tab's records to this one. Nobody else looks at them before all have heard of it. */
  const moveFrom = (visit: Visit, tab: string, ids: readonly string[]): Promise<readonly StoredRecord[]> => new Promise((resolve, reject) => {
    ownership.alone(tab, async () => {
      const moved = await moveAlone(visit, tab, ids)
      if (spreadMs === 0 || moved.length === 0 || isOver(visit)) return moved
      resolve(moved)
      await pause(spreadMs)
      return moved
    }).then(resolve, reject)
  })

  /** Takes over all that the tabs `ended` have left: looked at after their end, when they write no more. Unreadable records stay as they are. */
  async function adopt(visit: Visit, ended: readonly string[]): Promise<readonly StoredRecord[]> {
    const loaded = ended.length > 0 ? await load(visit) : []
    // Somebody else has signed in since: their tab keeps nothing of this user.
    if (isOver(visit)) return []
    const left = loaded.filter(({ tab }) => ended.includes(tab))
    const moved: StoredRecord[] = []
    for (const tab of ended) {
      moved.push(...await moveFrom(visit, tab, left.filter((record) => record.tab === tab && isReadable(record)).map(({ id }) => id)))
    }
    return [...moved, ...left.filter((record) => !isReadable(record))]
  }

  return {
    /** Takes over what ended tabs have left. Tells who has each of the `records` by now, and which of their tabs live, or have ended. */
    async takeOver(visit: Visit, records: readonly StoredRecord[]) {
      const tabs = tabsOf(records).filter((tab) => !ownership.isOurs(tab))
      const living = await presence.livingOf(visit, tabs)
      const ended = tabs.filter((tab) => !living.includes(tab))
      const adopted = await adopt(visit, ended)
      const owners = new Map(records.map(({ id, tab }) => [id, tab]))
      for (const { id } of adopted) owners.set(id, ownership.name())
      return { adopted, owners, living, ended }
    },
    /** What stands under a name that this tab stands in for stays there. */
    settle,
    /** The tab under whose name a record of this one is kept. */
    homeOf(id: string): string {
      const home = homes.get(id)
      // One that was lost with the locks is somebody else's.
      return home !== undefined && ownership.isOurs(home) ? home : ownership.name()
    },
  }
}
