import { startDemo } from '../demo-server/harness'
import { describeProtocol } from './protocol-suite'

describeProtocol('the demo server', async () => {
  const demo = await startDemo()
  await demo.post('/control/members', { channelId: 'alice-and-bob', userIds: ['alice', 'bob'] })
  return demo
}, { closedChannelId: 'alice-and-bob' })
