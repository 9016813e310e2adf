import { describe, expect, it } from 'vitest'

import type { Handling } from '../api/types'
import { closeReasons, possibleActs } from './possible'
import { NEW, sampleAlert } from './sample'

const NOW_MS = Date.parse('2026-11-22T06:00:00Z')

function acts(handling: Partial<Handling>, state: 'firing' | 'stale' | 'resolved' = 'firing'): string[] {
  return possibleActs(sampleAlert('x', { state, handling: { ...NEW, ...handling } }), NOW_MS)
}

describe('what can be done', () => {
  it('with a new alert starts with acknowledging it', () => {
    expect(acts({})).toEqual(['acknowledge', 'assign', 'comment', 'shelve', 'close'])
  })

  it('with an acknowledged one is everything else', () => {
    expect(acts({ status: 'acknowledged' })).toEqual(['assign', 'comment', 'shelve', 'close'])
  })

  it('with a shelved one is to take it back, not to shelve it again', () => {
    expect(acts({ shelved_until: '2026-11-22T07:00:00Z' })).toContain('unshelve')
    expect(acts({ shelved_until: '2026-11-22T07:00:00Z' })).not.toContain('shelve')
    expect(acts({ shelved_until: '2026-11-22T05:00:00Z' })).toContain('shelve')
  })

  it('with one that is over is not to set it aside', () => {
    expect(acts({}, 'resolved')).toEqual(['acknowledge', 'assign', 'comment', 'close'])
  })

  it('with one that waits for a second person is to approve or to refuse', () => {
    expect(acts({ status: 'closing' }, 'resolved')).toEqual(['approve', 'reopen', 'comment'])
  })

  it('with a closed one is a comment', () => {
    expect(acts({ status: 'closed' }, 'resolved')).toEqual(['comment'])
  })
})

describe('a reason to close', () => {
  it('is only a false alarm while telemetry says otherwise', () => {
    expect(closeReasons(sampleAlert('x', { state: 'stale' }))).toEqual(['false_alarm'])
    expect(closeReasons(sampleAlert('x', { state: 'resolved' }))).toHaveLength(4)
  })

  it('is the rule where nothing watches it any more', () => {
    expect(closeReasons(sampleAlert('x', { state: 'stale', withdrawn: 'rule_dropped' }))).toEqual(['rule_withdrawn', 'false_alarm'])
  })
})
