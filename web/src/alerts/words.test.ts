import { describe, expect, it, vi } from 'vitest'

import type { Alert } from '../api/types'
import { sampleAlert } from './sample'
import { measuredText, wasteText, whatText } from './words'

// All that is asked of a browser here: its language, which decides the words, and its address.
vi.hoisted(() => {
  vi.stubGlobal('navigator', { languages: ['en'] })
  vi.stubGlobal('window', { location: { search: '' } })
})

function alert(kind: string, given: Partial<Alert>): Alert {
  const plain = sampleAlert('x')
  return { ...plain, quantity: null, ...given, rule: { ...plain.rule, kind } }
}

describe('what was measured', () => {
  it('is the quantity against its limit', () => {
    expect(measuredText(sampleAlert('x'))).toBe('Active power 9.00 kW, above 8.00 kW')
    expect(measuredText(sampleAlert('x', { state: 'resolved', value: 7_000 })))
      .toBe('Active power 7.00 kW, no longer above 8.00 kW')
  })

  it('is told without a quantity by what the rule looks at', () => {
    expect(measuredText(alert('off_hours', { value: 3_200, limit: 1_000 })))
      .toBe('Power above base load 3.20 kW, above 1.00 kW')
    expect(measuredText(alert('unbalance', { unit: '%', value: 18.2, limit: 15 })))
      .toBe('Phases apart by 18.20 %, above 15.00 %')
  })

  it('is a duration where it is a time', () => {
    expect(measuredText(alert('no_data', { unit: 's', value: 900, limit: 180 }))).toBe('Silent for 15 min, over 3 min')
  })

  it('is a percentage where it is a share, and a number where it is a power factor', () => {
    expect(measuredText(alert('quota', { unit: '1', value: 1.07, limit: 1 })))
      .toBe('Projected share of the year’s quota 107.0 %, above 100.0 %')
    expect(measuredText(alert('power_factor', { unit: '1', value: 0.81, limit: 0.9, comparator: 'below' })))
      .toBe('Power factor 0.81, below 0.90')
  })

  it('names the quantity and what is made of it', () => {
    expect(whatText(alert('rate_of_change', { quantity: 'temp_supply' }))).toBe('Supply temperature, rate of change')
  })

  it('has words for a kind of rule from a newer server', () => {
    expect(whatText(alert('moonlight', {}))).toBe('Value')
    expect(whatText(alert('moonlight', { quantity: 'frequency' }))).toBe('Frequency')
  })

  it('is a dash where nobody knows', () => {
    expect(measuredText(sampleAlert('x', { value: null }))).toBe('Active power –, above 8.00 kW')
  })
})

describe('waste', () => {
  const waste = { amount: 42.5, unit: 'kWh', cost: 31.2, currency: 'CNY', basis: 'base_load' }

  it('is an amount, and money where there is a tariff', () => {
    expect(wasteText(sampleAlert('x', { waste }))).toBe('42.50 kWh, about 31.20 CNY')
    expect(wasteText(sampleAlert('x', { waste: { ...waste, cost: null, currency: null } }))).toBe('42.50 kWh')
    expect(wasteText(sampleAlert('x'))).toBe('')
  })
})
