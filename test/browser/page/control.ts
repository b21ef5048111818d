const settled = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result)
  request.onerror = () => reject(request.error ?? new Error('the request failed'))
})

/** A bare durable write, without the library: what this machine needs for one at this moment. */
export function createControl(): () => Promise<void> {
  let opening: Promise<IDBDatabase> | null = null
  let n = 0
  const open = (): Promise<IDBDatabase> => {
    const request = indexedDB.open('control', 1)
    request.onupgradeneeded = () => request.result.createObjectStore('writes')
    return settled(request)
  }
  return async () => {
    const db = await (opening ??= open())
    const transaction = db.transaction('writes', 'readwrite', { durability: 'strict' })
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error ?? new Error('the transaction was aborted'))
    })
    transaction.objectStore('writes').put('a message of about this length', n++ % 100)
    transaction.commit()
    await done
  }
}
