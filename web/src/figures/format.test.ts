import { describe, expect, it } from 'vitest'

import {
  ageParts, formatChange, formatDay, formatMoment, formatPower, formatShare, formatValue, joined, NO_VALUE,
} from './format'

describe('power', () => {
  it('is in kW below a megawatt and in MW from there', () => {
    expect(formatPower(35, 'en')).toEqual({ value: '0.04', unit: 'kW' })
    expect(formatPower(312_400, 'en')).toEqual({ value: '312.4', unit: 'kW' })
    expect(formatPower(1_240_000, 'en')).toEqual({ value: '1.24', unit: 'MW' })
  })

  it('keeps its sign: a building that feeds in is not one that draws', () => {
    expect(joined(formatPower(-2_500_000, 'en'))).toBe('-2.50 MW')
  })

  it('is a dash when unknown, and never zero', () => {
    expect(formatPower(null, 'en').value).toBe(NO_VALUE)
    expect(formatPower(0, 'en').value).toBe('0.00')
  })
})

describe('amounts', () => {
  it('grow from kWh to MWh and GWh', () => {
    expect(joined(formatValue(9_999, 'kWh', 'en'))).toBe('9,999 kWh')
    expect(joined(formatValue(57_553, 'kWh', 'en'))).toBe('57.55 MWh')
    expect(joined(formatValue(12_345_678, 'kWh', 'en'))).toBe('12.35 GWh')
  })

  it('of water stay cubic metres', () => {
    expect(joined(formatValue(345.34, 'm3', 'zh-CN'))).toBe('345.3 m³')
    expect(joined(formatValue(2, 'm3/h', 'zh-CN'))).toBe('2.00 m³/h')
    expect(joined(formatValue(2, 'm3/m2', 'zh-CN'))).toBe('2.00 m³/m²')
  })

  it('without a unit have none', () => {
    expect(joined(formatValue(0.87, '1', 'en'))).toBe('0.87')
  })
})

describe('coverage', () => {
  it('is never rounded up to 100 %', () => {
    expect(formatShare(0.9994, 'en')).toBe('99.9 %')
    expect(formatShare(0.98999, 'en')).toBe('98.9 %')
    expect(formatShare(0.99, 'en')).toBe('99.0 %')
    expect(formatShare(1, 'en')).toBe('100 %')
    expect(formatShare(0, 'en')).toBe('0 %')
  })
})

describe('a change', () => {
  it('always carries its sign', () => {
    expect(formatChange(0.046, 'en')).toBe('+4.6 %')
    expect(formatChange(-0.1, 'en')).toBe('−10.0 %')
    expect(formatChange(0.0001, 'en')).toBe('±0.0 %')
  })
})

describe('an age', () => {
  it('is told in the one unit that matters, seconds in tens', () => {
    expect(ageParts(9.9)).toEqual({ unit: 'now', n: 0 })
    expect(ageParts(37)).toEqual({ unit: 'seconds', n: 30 })
    expect(ageParts(60)).toEqual({ unit: 'minutes', n: 1 })
    expect(ageParts(7_199)).toEqual({ unit: 'hours', n: 1 })
    expect(ageParts(200_000)).toEqual({ unit: 'days', n: 2 })
  })
})

describe('days and moments', () => {
  it('a local date keeps its day whatever zone the browser is in', () => {
    expect(formatDay('2026-11-22', 'en')).toBe('Sun, Nov 22, 2026')
    expect(formatDay('2026-11-01', 'zh-CN', 'month')).toBe('2026年11月')
  })

  it('an instant is on the place\'s clock', () => {
    expect(formatMoment(Date.parse('2026-11-21T19:21:00Z'), 'Asia/Shanghai', 'en')).toBe('Nov 22, 03:21')
    expect(formatMoment(Date.parse('2026-11-21T19:21:07Z'), 'Asia/Shanghai', 'en', true)).toBe('Nov 22, 03:21:07')
  })
})
