/**
 * Makes Chromium go on in a new log file, by creating and deleting an empty database beside `name`.
 *
 * LevelDB, under Chromium's IndexedDB, writes the head and the body of a log record one after the other. A process that ends between both
 * leaves a torn log. The next one reads up to there and goes on writing behind it; the one after that finds the log unreadable, and Chromium
 * deletes all databases of the origin. Deleting a database compacts, which replaces the log (measured with Chromium 156; other engines
 * neither need nor mind it). Nobody waits for it, and where it does not work all is as before.
 */
export async function renewLog(factory: IDBFactory, name: string): Promise<void> {
  // Begins as no chat's own name does.
  const passing = `log-of:${name}`
  const request = factory.open(passing)
  await new Promise((resolve) => { request.onsuccess = resolve })
  request.result.close()
  factory.deleteDatabase(passing)
}
