import { MessageRow } from '../../../demo/client/message-row'

/** How often each message's row was rendered since `start`, by id. `MessageRow` is the demo's own: what it is made of is called, and counted, before it is used for the first time. */
export function countRenders() {
  const renders = new Map<string, number>()
  let isCounting = false
  const { type } = MessageRow
  if (typeof type !== 'function') throw new Error('unable to count renders: MessageRow is not a memo component any more')
  const counted: typeof type = (props) => {
    const { id } = props.message
    if (isCounting) renders.set(id, (renders.get(id) ?? 0) + 1)
    return type(props)
  }
  Object.assign(MessageRow, { type: counted })
  return {
    renders,
    start(): void {
      isCounting = true
      renders.clear()
    },
  }
}
