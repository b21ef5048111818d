import type { MemberStore } from './members'

export const DEMO_USERS = [
  { id: 'alice', name: 'Alice' },
  { id: 'bob', name: 'Bob' },
  { id: 'carol', name: 'Carol' },
]

export const DEMO_CHANNELS = [
  { id: 'general', name: 'General' },
  { id: 'random', name: 'Random' },
]

/** Safe to repeat: what is there already stays. */
export async function addDemoData(members: MemberStore): Promise<void> {
  for (const channel of DEMO_CHANNELS) {
    await members.addMembers({ ...channel, isOpen: true }, DEMO_USERS.map((user) => user.id))
  }
}
