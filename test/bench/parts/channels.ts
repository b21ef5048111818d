import { message, openChat, received, type Item } from '../chat'
import { computed, type Line } from '../lines'
import { interleave, timeCalls, type Side } from '../measure'
import type { Part } from '../part'
import { streamChannels } from '../peers'

/** A peer takes a minute to open 10,000 channels. */
const widths = (isQuick: boolean): readonly number[] => [1, 100, isQuick ? 1_000 : 10_000]

type Feed = (items: readonly Item[]) => readonly (() => void)[]

/** Each call gives `count` more live messages, one action each, to one channel after the other; all channels have had one before. */
function roundRobin(channels: number, count: number, feed: Feed): Side {
  let next = channels
  return () => {
    const items = Array.from({ length: count }, (_, k) => message(Math.floor((next + k) / channels), `channel-${(next + k) % channels}`))
    next += count
    return timeCalls(feed(items))
  }
}

function chatFeed(channels: number): Feed {
  const { store } = openChat({ storage: false })
  const feed: Feed = (items) => items.map((item) => received([item])).map((action) => () => void store.dispatch(action))
  store.dispatch(received(Array.from({ length: channels }, (_, k) => message(0, `channel-${k}`))))
  return feed
}

function streamFeed(channels: number): Feed {
  const open = streamChannels()
  const held = new Map(Array.from({ length: channels }, (_, k) => [`channel-${k}`, open(`channel-${k}`)]))
  const feed: Feed = (items) => items.flatMap((item) => held.get(item.channelId)?.each([item]) ?? [])
  for (const call of feed([...held.keys()].map((channelId) => message(0, channelId)))) call()
  return feed
}

export const run: Part = async ({ isQuick }) => {
  const sides: { [name: string]: Side } = {}
  const all = widths(isQuick)
  for (const width of all) {
    const count = isQuick && width > 100 ? 50 : 500
    sides[`ours ${width}`] = roundRobin(width, count, chatFeed(width))
    sides[`stream ${width}`] = roundRobin(width, count, streamFeed(width))
  }
  const found = await interleave(isQuick ? 3 : 7, sides)
  const what = (width: number): string => `live, one by one, over ${width.toLocaleString('en')} channels`
  const ours = (width: number) => found[`ours ${width}`] ?? []
  return all.slice(1).flatMap((width): Line[] => [
    computed({ id: `channels.${width}`, what: what(width), peer: 'ours over 1 channel', kind: 'cost' }, ours(width), ours(1)),
    computed({ id: `channels.${width}.stream`, what: what(width), peer: 'stream-chat channel state', kind: 'faster' }, ours(width), found[`stream ${width}`] ?? []),
  ])
}
