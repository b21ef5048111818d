import { holdFree, type TabLocks } from './tabs'

export interface SlotIndexDeps {
  readonly prefix: string
  readonly locks: TabLocks | null
  readonly read: (key: string) => Promise<string | null>
  readonly write: (key: string, text: string) => unknown
}

/** Slots are announced in such helpings, so that the index is seldom written. */
const SLOTS_AT_ONCE = 32
const TRIES = 8
const PARTS = 16
/** A broken index may tell of any number. */
const MAX_SLOTS = 1_000_000

/** What a key holds, or why it was not told. */
type Reading = string | null | PromiseRejectedResult

export const isRefused = (reading: Reading | undefined): reading is PromiseRejectedResult => typeof reading === 'object' && reading !== null

/** One key that cannot be read hides no other. A storage that can read none of them is asked again. */
export async function readEach(read: SlotIndexDeps['read'], keys: readonly string[]): Promise<readonly Reading[]> {
  const answers = await Promise.allSettled(keys.map(read))
  const refused = answers.filter((answer) => answer.status === 'rejected')
  if (refused[0] && refused.length === keys.length) throw refused[0].reason
  return answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : answer))
}

/** Tells how many slots of a key-value storage each tab may have used. In parts, each of them written by one living tab, and each twice. */
export function createSlotIndex({ prefix, locks, read, write }: SlotIndexDeps) {
  const parts = Array.from({ length: PARTS }, (_, part) => [`${prefix}index${part || ''}`, `${prefix}index-copy${part || ''}`])
  let own: ReturnType<typeof holdFree> | null = null

  const ownKeys = async (): Promise<readonly string[]> => {
    own ??= locks ? holdFree(locks, `${prefix}parts`, parts.map(([key = '']) => key)).catch(() => null) : Promise.resolve(null)
    // The first is shared: without locks, and where more tabs live than there are parts.
    return parts[(await own)?.at ?? 0] ?? []
  }

  /** What can be made out of both copies of each part, were they broken in the middle. */
  async function readFrom(wanted: readonly (readonly string[])[]): Promise<Map<string, number>> {
    const index = new Map<string, number>()
    for (const text of (await Promise.all(wanted.map((copies) => readEach(read, copies)))).flat()) {
      for (const [, tab = '', slots] of (typeof text === 'string' ? text : '').matchAll(/"([^"]+)":(\d+)/g)) index.set(tab, Math.max(index.get(tab) ?? 0, Number(slots) <= MAX_SLOTS ? Number(slots) : 0))
    }
    return index
  }

  async function writeOwn(index: ReadonlyMap<string, number>): Promise<void> {
    for (const key of await ownKeys()) await write(key, JSON.stringify(Object.fromEntries(index)))
  }

  return {
    keys: parts.flat(),
    all: () => readFrom(parts),
    /** Another tab may write a shared part at the same time: looked at until it tells of both. */
    async raise(tab: string, needed: number): Promise<void> {
      for (let tries = 0; tries < TRIES; tries++) {
        const index = await readFrom([await ownKeys()])
        if ((index.get(tab) ?? 0) >= needed) return
        await writeOwn(index.set(tab, Math.ceil(needed / SLOTS_AT_ONCE) * SLOTS_AT_ONCE))
      }
      // redux-persist's own storage turns into one that forgets everything, silently, where localStorage is denied.
      throw Object.assign(new Error('the storage does not keep what it is given'), { name: 'NotAllowedError' })
    },
    /** Every life of a page adds to it: those that left nothing are taken out. A living one is added again when it writes. */
    async tidy(isUsed: (tab: string, slots: number) => boolean | Promise<boolean>): Promise<void> {
      const index = await readFrom([await ownKeys()])
      const { size } = index
      for (const [tab, slots] of index) if (!(await isUsed(tab, slots))) index.delete(tab)
      if (index.size < size) await writeOwn(index)
    },
    close(): void {
      void own?.then((it) => it?.stop())
      own = null
    },
  }
}
