import type { Part } from '../part'

export const run: Part = async () => []
