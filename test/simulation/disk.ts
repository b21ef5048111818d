import type { ManualClock } from 'redux-chat/testing'
import type { RecordStorage, StoredRecord } from '../../src/persistence/record-storage'
import { orderOf } from '../../src/persistence/records'

/** What the code of next year writes. */
export const NEWER_VERSION = 99

/** How the ids of records begin that this code must not read. */
export const FOREIGN_RECORD = 'foreign-'

/** `full`: what it holds can be read and removed, and nothing can be added or changed. */
export type DiskMode = 'ok' | 'quota' | 'full' | 'hang' | 'closed' | 'lies'

const ERRORS = { quota: 'QuotaExceededError', full: 'QuotaExceededError', closed: 'InvalidStateError', lies: 'UnknownError' } as const

/** What a browser profile keeps: one value per user and id. It belongs to no tab and outlives all. */
export interface Disk {
  readonly cells: Map<string, unknown>
  mode: DiskMode
  /** Longest time of one call, in milliseconds. */
  slowMs: number
  /** Calls that wait for the device to answer again. */
  readonly hung: (() => void)[]
  heal(): void
  /** A tab died: what it had under way happened or not, by a toss. */
  reap(): void
  /** The disk as one tab sees it. */
  open(isAlive: () => boolean): RecordStorage
}

export const cellOf = (userId: string, id: string): string => JSON.stringify([userId, id])

const isRecord = (value: unknown): value is StoredRecord => typeof value === 'object' && value !== null && 'data' in value && 'tab' in value

/**
 * Each call takes a time of its own and happens all at once at its end, so calls overtake each other unless their caller waits.
 */
export function createDisk(clock: ManualClock, random: () => number, reached: (what: string) => void): Disk {
  const cells = new Map<string, unknown>()
  const underWay = new Set<() => void>()

  const call = <T>(isAlive: () => boolean, happen: () => T, needsRoom = false): Promise<T> => new Promise((resolve, reject) => {
    const { mode } = disk
    const survives = random() < 0.5
    const end = (): void => {
      if (!underWay.delete(dying)) return
      if (mode === 'quota' || mode === 'closed' || (mode === 'full' && needsRoom)) {
        reached(`disk ${mode}`)
        reject(new DOMException('the device refuses', ERRORS[mode]))
        return
      }
      const result = happen()
      if (mode !== 'lies') return resolve(structuredClone(result))
      reached('disk lies')
      reject(new DOMException('it happened, but who knows', ERRORS.lies))
    }
    const dying = (): void => {
      if (isAlive()) return
      if (survives) end()
      else underWay.delete(dying)
    }
    underWay.add(dying)
    const start = (): void => void clock.setTimer(1 + random() * disk.slowMs, end)
    if (mode !== 'hang') return start()
    reached('disk hang')
    disk.hung.push(start)
  })

  const of = (userId: string): readonly [string, unknown][] => [...cells].filter(([cell]) => (JSON.parse(cell) as string[])[0] === userId)

  const load = (userId: string) => ({
    records: of(userId).flatMap(([, value]) => (isRecord(value) ? [value] : [])),
    unreadable: of(userId).flatMap(([cell, value]) => (isRecord(value) ? [] : [{ id: cell, reason: 'corrupt' as const }])),
  })

  const disk: Disk = {
    cells,
    mode: 'ok',
    slowMs: 10,
    hung: [],
    heal() {
      disk.mode = 'ok'
      disk.slowMs = 10
      for (const start of disk.hung.splice(0)) start()
    },
    reap: () => { for (const dying of [...underWay]) dying() },
    open: (isAlive) => ({
      load: (userId) => call(isAlive, () => load(userId)),
      write: (change) => call(isAlive, () => {
        const { put, update = [], remove } = change
        const isLost = ({ userId, id, tab }: StoredRecord): boolean => {
          const held = cells.get(cellOf(userId, id))
          return isRecord(held) && held.tab !== tab
        }
        const lost = update.filter(isLost)
        const kept = update.filter((record) => !isLost(record))
        for (const record of structuredClone([...put, ...kept])) cells.set(cellOf(record.userId, record.id), record)
        for (const { userId, id } of remove) cells.delete(cellOf(userId, id))
        return lost.map(({ id }) => id)
      }, change.put.length + (change.update?.length ?? 0) > 0),
      adopt: (userId, from, tab, ids) => call(isAlive, () => {
        const moved = load(userId).records.filter((record) => record.tab === from && (ids?.includes(record.id) ?? true)).map((record) => ({ ...record, tab }))
        for (const record of moved) cells.set(cellOf(userId, record.id), record)
        return moved
      }, true),
      clear: (userId, upTo = Infinity) => call(isAlive, () => {
        for (const [cell, record] of userId === undefined ? [...cells] : of(userId)) if (!isRecord(record) || !(orderOf(record) > upTo)) cells.delete(cell)
      }),
      close: () => undefined,
    }),
  }
  return disk
}
