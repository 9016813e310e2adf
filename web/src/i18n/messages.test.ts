import { describe, expect, it } from 'vitest'

import { en } from './en'
import { zhCN } from './zh-CN'

type Tree = { [key: string]: string | Tree }

function texts(tree: Tree, path = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') found.set(path + key, value)
    else for (const [below, text] of texts(value, `${path}${key}.`)) found.set(below, text)
  }
  return found
}

const chinese = texts(zhCN)
const english = texts(en)

/** Names in braces; a form for one may say "1" in words, so plural forms count together. */
function names(text: string): string[] {
  return [...new Set(text.match(/\{\w+\}/g) ?? [])].sort()
}

describe('the two languages', () => {
  it('have the same keys', () => {
    expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort())
  })

  it('leave nothing empty', () => {
    for (const text of [...chinese.values(), ...english.values()]) expect(text.trim()).not.toBe('')
  })

  it('fill in the same values', () => {
    for (const [key, text] of chinese) expect([key, names(english.get(key) ?? '')]).toEqual([key, names(text)])
  })

  it('are in the language they claim', () => {
    for (const [key, text] of english) expect([key, /[\u4e00-\u9fff]/.test(text)]).toEqual([key, false])
  })

  it('use full-width punctuation in Chinese', () => {
    for (const [key, text] of chinese) expect([key, /[\u4e00-\u9fff][,;:?!]/.test(text)]).toEqual([key, false])
  })
})
