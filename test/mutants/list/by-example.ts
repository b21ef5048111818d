import { inFile, type Mutant } from '../mutant'

/** Those that an example notices, and no generated input of the usual number of runs, or not every time: each is a hole. */
export const byExample: readonly Mutant[] = [
  ...inFile('src/persistence/persist.ts', [
    ['G3', 'the lock of a user who left goes before the device has all', 'written.then(leavers.allWritten)', 'written'],
  ]),
  ...inFile('src/persistence/writer.ts', [
    ['G1', 'a write overtakes a purge', 'if (mine === batch) await writeBatch()', 'await writeBatch()'],
  ]),
]
