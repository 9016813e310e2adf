/** Strings of the page in the person's language, which the browser remembers. */

import { computed } from 'vue'
import { createI18n } from 'vue-i18n'

import { en } from './en'
import { zhCN, type Messages } from './zh-CN'

export const LANGUAGES = ['zh-CN', 'en'] as const
export type Language = typeof LANGUAGES[number]

type Leaf<Tree> = Tree extends string ? '' : {
  [Key in keyof Tree & string]: Tree[Key] extends string ? Key : `${Key}.${Leaf<Tree[Key]>}`
}[keyof Tree & string]
/** Path of a string, as alerts.severity.info. */
export type MessageKey = Leaf<Messages>

const STORED = 'wattline.language'

function isLanguage(text: string | null): text is Language {
  return LANGUAGES.some((language) => language === text)
}

function stored(): string | null {
  try {
    return localStorage.getItem(STORED)
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
    return null
  }
}

function preferred(): Language {
  const remembered = stored()
  if (isLanguage(remembered)) return remembered
  const first = navigator.languages.find((tag) => /^(zh|en)\b/i.test(tag)) ?? 'zh'
  return first.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en'
}

const i18n = createI18n<[Messages], Language, false>({
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- version 11 still defaults to the old API
  legacy: false,
  locale: preferred(),
  fallbackLocale: 'zh-CN',
  // Topics such as <device> look like markup; nothing is ever set as HTML.
  warnHtmlMessage: false,
  messages: { 'zh-CN': zhCN, en },
})

export const locale = computed<Language>(() => i18n.global.locale.value)

export function t(key: MessageKey, named: Record<string, unknown> = {}): string {
  return i18n.global.t(key, named)
}

/** A string with singular and plural forms, chosen by n (forms: none | one | many). */
export function tn(key: MessageKey, n: number): string {
  return i18n.global.t(key, { n }, n)
}

/** A string for a value that the server may extend, such as a category: else the value itself. */
export function tOr(key: string, otherwise: string, named: Record<string, unknown> = {}): string {
  return i18n.global.te(key) ? i18n.global.t(key, named) : otherwise
}

export function setLanguage(language: Language): void {
  i18n.global.locale.value = language
  try {
    localStorage.setItem(STORED, language)
  } catch {
    // See stored().
  }
}
