import { inFile, type Mutant } from '../mutant'

export const wire: readonly Mutant[] = [
  ...inFile('src/transport/parse.ts', [
    ['G10', 'prototype names are taken as extra fields', ", '__proto__', 'constructor', 'prototype'", ''],
    ['G10', 'the library\'s own fields come in as extra fields', '[...OWN_FIELDS, ', "[...OWN_FIELDS.filter((name) => name !== 'stored'), "],
    ['G7', "a page brings another channel's messages", 'message.channelId === channelId ?', 'message.channelId !== null ?'],
  ]),
  ...inFile('src/transport/wire.ts', [
    ['G10', 'the acknowledgement of another message is taken', 'if (!isAbsent(ackId) && ackId !== id) return unreadable(', 'if (ackId === null) return bad('],
    ['G10', 'a mapping that throws reaches the store', 'parsed(() => parseEvent(event, map ? map(...args) : args[0]))', '{ ok: true, value: parseEvent(event, map ? map(...args) : args[0]) }'],
  ]),
]
