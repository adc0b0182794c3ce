import * as echarts from 'echarts'

/** The look that all pictures share. Their ground is white, so that they read the same on a dark page. */
export const ink = {
  text: '#1f2328',
  faint: '#59636e',
  axis: '#afb8c1',
  grid: '#eaeef2',
  alarm: '#a40e26',
  // Told apart by lightness too, for those who see no difference between red and green.
  ungoverned: '#c8401a',
  governed: '#0b66a8',
  governedToo: '#5b9bd0',
  peer: '#7a6f00',
} as const

// No name that needs quotes: echarts writes them unescaped into an attribute, and the SVG is broken.
const family = 'system-ui, -apple-system, DejaVu Sans, Helvetica, Arial, sans-serif'

export function text(fontSize: number, color: string = ink.text) {
  return { fontFamily: family, fontSize, color, fontWeight: 400 as const }
}

/** What a picture or a panel of it shows, and how it is to be read. */
export function heading(
  left: number,
  top: number,
  size: number,
  name: string,
  hint: string,
): echarts.TitleComponentOption {
  return {
    left,
    top,
    text: name,
    textStyle: { ...text(size), fontWeight: 600 },
    subtext: hint,
    subtextStyle: text(12, ink.faint),
    itemGap: 4,
  }
}

/** A picture as SVG, without a browser. */
export function renderSvg(width: number, height: number, option: echarts.EChartsCoreOption): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height })
  chart.setOption({ animation: false, backgroundColor: '#ffffff', ...option })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}
