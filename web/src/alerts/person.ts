/** Who is at this page, as they say themselves; asked once and remembered by the browser. */

import { readonly, ref } from 'vue'

const STORED = 'wattline.person'
/** As long as the server takes. */
export const LONGEST_NAME = 100

function stored(): string {
  try {
    return localStorage.getItem(STORED) ?? ''
  } catch {
    // Storage may be forbidden; the name then lasts as long as the page.
    return ''
  }
}

const name = ref(stored())
const asking = ref(false)
let answers: ((name: string | null) => void)[] = []

/** Empty until somebody has said it. */
export const person = readonly(name)
/** Whether the question is on the page. */
export const asked = readonly(asking)

/** The answer to the question; null: they would rather not. */
export function answerName(given: string | null): void {
  const text = given?.trim() ?? ''
  if (text) {
    name.value = text
    try {
      localStorage.setItem(STORED, text)
    } catch {
      // See stored().
    }
  }
  asking.value = false
  for (const answer of answers.splice(0)) answer(text || null)
}

/** Ask, also somebody who has a name: it may be another person's turn. */
export function askName(): Promise<string | null> {
  asking.value = true
  return new Promise((resolve) => { answers = [...answers, resolve] })
}

/** The name, asked for if nobody has said it. */
export function whoActs(): Promise<string | null> {
  return name.value ? Promise.resolve(name.value) : askName()
}
