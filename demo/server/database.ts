import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { Pool, TypeOverrides, types, type PoolClient, type QueryResultRow } from 'pg'
import { unusableFolder } from './data-folder'
import { lockFolder } from './folder-lock'
import { SCHEMA } from './schema'

export type SqlValue = string | number | boolean | null | readonly string[] | readonly number[]

/** Runs one statement and gives its rows. Integers of any width arrive as numbers. */
export type Query = <R extends object>(sql: string, values?: readonly SqlValue[]) => Promise<R[]>

/** The port to SQL: the same statements run on the embedded database and on PostgreSQL. */
export interface Database {
  readonly query: Query
  /** Commits when `work` resolves, rolls back when it rejects. */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface DatabaseOptions {
  /** A PostgreSQL connection string; without it the database is embedded. */
  readonly url?: string | undefined
  /** Folder of the embedded database; null keeps it in memory. */
  readonly dataDir: string | null
  /** How long to wait for another process to free the folder, in ms. */
  readonly lockWaitMs: number
}

export async function openDatabase({ url, dataDir, lockWaitMs }: DatabaseOptions): Promise<Database> {
  const database = url === undefined ? await openEmbedded(dataDir, lockWaitMs) : openPool(url)
  try {
    await createSchema(database)
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

// The advisory lock is for several nodes that start together: `if not exists` alone races in PostgreSQL.
const createSchema = (database: Database): Promise<void> =>
  database.transaction(async (query) => {
    await query('select pg_advisory_xact_lock(7206)')
    for (const statement of SCHEMA) await query(statement)
  })

async function openEmbedded(dataDir: string | null, lockWaitMs: number): Promise<Database> {
  const { db, unlock } = dataDir === null ? { db: await PGlite.create(), unlock: async () => {} } : await openFolder(dataDir, lockWaitMs)
  return {
    query: async <R extends object>(sql: string, values: readonly SqlValue[] = []) => (await db.query<R>(sql, [...values])).rows,
    transaction: (work) => db.transaction((tx) =>
      work(async <R extends object>(sql: string, values: readonly SqlValue[] = []) => (await tx.query<R>(sql, [...values])).rows)),
    close: () => db.close().finally(unlock),
  }
}

async function openFolder(dataDir: string, lockWaitMs: number): Promise<{ db: PGlite; unlock: () => Promise<void> }> {
  let unlock = async (): Promise<void> => {}
  try {
    unlock = await lockFolder(dataDir, lockWaitMs)
    const folder = join(dataDir, 'pglite')
    await mkdir(folder, { recursive: true })
    return { db: await PGlite.create({ dataDir: folder }), unlock }
  } catch (error) {
    await unlock()
    throw unusableFolder(dataDir, error)
  }
}

/** `node-pg` hands out int8 as a string; every int8 here is a sequence number or a time, exact as a number. */
const parsers = new TypeOverrides()
parsers.setTypeParser(types.builtins.INT8, Number)

function openPool(connectionString: string): Database {
  const pool = new Pool({ connectionString, max: 10, types: parsers })
  // An idle connection that breaks must not end the process; the next query opens another or rejects.
  pool.on('error', () => {})
  return {
    query: queryOf(pool),
    transaction: (work) => inTransaction(pool, work),
    close: () => pool.end(),
  }
}

const queryOf = (client: Pool | PoolClient): Query =>
  async <R extends object>(sql: string, values: readonly SqlValue[] = []) => (await client.query<R & QueryResultRow>(sql, [...values])).rows

async function inTransaction<T>(pool: Pool, work: (query: Query) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  const query = queryOf(client)
  let broken = false
  try {
    await query('begin')
    const result = await work(query)
    await query('commit')
    return result
  } catch (error) {
    await query('rollback').catch(() => { broken = true })
    throw error
  } finally {
    client.release(broken)
  }
}
