const settled = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result)
  request.onerror = () => reject(request.error ?? new Error('the request failed'))
})

export interface Control {
  /** How many writes the device still knows of, of all pages of this origin. */
  count(): Promise<number>
  /** Resolves when one more is durable. */
  write(n: number): Promise<void>
}

/** Bare durable writes, without the library: what this machine needs for one at this moment, and whether the browser keeps them. */
export function createControl(): Control {
  let opening: Promise<IDBDatabase> | null = null
  const open = (): Promise<IDBDatabase> => {
    const request = indexedDB.open('control', 1)
    request.onupgradeneeded = () => request.result.createObjectStore('writes')
    return settled(request)
  }
  async function count(): Promise<number> {
    const db = await (opening ??= open())
    return Number(await settled(db.transaction('writes').objectStore('writes').get('count')) ?? 0)
  }
  async function write(n: number): Promise<void> {
    const db = await (opening ??= open())
    const transaction = db.transaction('writes', 'readwrite', { durability: 'strict' })
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error ?? new Error('the transaction was aborted'))
    })
    transaction.objectStore('writes').put(n, 'count')
    transaction.commit()
    await done
  }
  return { count, write }
}
