import { createContext, useContext } from 'react'
import type { Person } from './person'

const PersonContext = createContext<Person | null>(null)

export const PersonProvider = PersonContext.Provider

/** Whose page this is. */
export function usePerson(): Person {
  const person = useContext(PersonContext)
  if (!person) throw new Error('unable to show the chat: there is no PersonProvider above')
  return person
}
