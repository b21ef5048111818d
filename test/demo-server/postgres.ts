import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const BIN = ['17', '16', '15', '14'].map((version) => `/usr/lib/postgresql/${version}/bin`).find((folder) => existsSync(join(folder, 'initdb')))

/** By its path: not everybody's PATH has the programs of root. */
const RUNUSER = ['/usr/sbin/runuser', '/sbin/runuser', '/usr/bin/runuser'].find((path) => existsSync(path))
const isRoot = process.getuid?.() === 0

/** Why PostgreSQL cannot run here, or null. */
export const postgresMissing: string | null = BIN === undefined ? 'PostgreSQL is not installed (no /usr/lib/postgresql/*/bin/initdb)'
  : isRoot && RUNUSER === undefined ? 'PostgreSQL does not run as root, and there is no runuser' : null

/** A throw-away PostgreSQL on a free port; it refuses to run as root, so root starts it as the user postgres. */
export async function startPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  if (BIN === undefined) throw new Error(`unable to start PostgreSQL: ${postgresMissing}`)
  const folder = await mkdtemp(join(tmpdir(), 'redux-chat-pg-'))
  if (isRoot) await run('chown', ['postgres', folder])
  await chmod(folder, 0o700)
  const asOwner = (program: string, args: string[]) => isRoot && RUNUSER !== undefined
    ? run(RUNUSER, ['-u', 'postgres', '--', join(BIN, program), ...args], { cwd: '/' })
    : run(join(BIN, program), args)
  const port = await freePort()
  const data = join(folder, 'data')
  await asOwner('initdb', ['-D', data, '-U', 'chat', '-A', 'trust', '--no-sync'])
  const settings = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c fsync=off`
  await asOwner('pg_ctl', ['-D', data, '-w', '-l', join(folder, 'log'), '-o', settings, 'start'])
  return {
    url: `postgres://chat@127.0.0.1:${port}/postgres`,
    async stop() {
      await asOwner('pg_ctl', ['-D', data, '-m', 'immediate', 'stop'])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
