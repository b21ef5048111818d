import type { Line } from './lines'

/** What a part is given. `isQuick`: for CI, fewer rounds and smaller peers. */
export interface Context {
  /** The benchmark's own server. */
  readonly url: string
  readonly isQuick: boolean
  /** The project. */
  readonly root: string
  /** Where the bundles are. */
  readonly built: string
}

export type Part = (context: Context) => Promise<readonly Line[]>
