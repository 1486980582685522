// Numbers, lengths and dates as people read them, in the page's language.

export function formatCount(value: number, locale: string): string {
  return new Intl.NumberFormat(locale).format(value);
}

export function formatShort(value: number, locale: string): string {
  return new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

export function formatPercent(value: number, locale: string): string {
  const digits = value > 0 && value < 0.01 ? 2 : value < 0.1 ? 1 : 0;
  return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: digits }).format(value);
}

export function formatScore(value: number): string {
  return value.toFixed(value !== 0 && Math.abs(value) < 0.1 ? 4 : 3);
}

// 65 → 1:05, 3,700 → 1:01:40
export function formatLength(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const pad = (value: number) => String(value).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${pad(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(whole % 60)}`;
}

export function formatDate(milliseconds: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(milliseconds);
}

export function formatBytes(bytes: number, locale: string): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return new Intl.NumberFormat(locale, {
    style: "unit",
    unit: units[unit]!,
    unitDisplay: "short",
    maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0,
  }).format(value);
}

// The language a text is written in, as far as the page must know it to pick glyphs and a voice.
export function languageOf(text: string): string | undefined {
  if (/[\u3040-\u30ff]/.test(text)) return "ja";
  if (/[\uac00-\ud7af]/.test(text)) return "ko";
  if (/[\u3400-\u9fff]/.test(text)) return "zh-Hans";
  return undefined;
}

// "Artist - Song (Official Video)" → who and what; titles of music videos are written like this.
export function splitTitle(title: string): { lead: string; rest: string } {
  const at = title.indexOf(" - ");
  if (at <= 0 || at + 3 >= title.length) return { lead: "", rest: title };
  return { lead: title.slice(0, at).trim(), rest: title.slice(at + 3).trim() };
}

// The shape (width / height) of the cards on a wall: that of most of its pictures, so that few are cut.
export function wallAspect(items: { Width?: number; Height?: number }[]): number {
  const shapes = items.flatMap(({ Width, Height }) => (Width && Height ? [Width / Height] : [])).sort((a, b) => a - b);
  const middle = shapes[Math.floor(shapes.length / 2)] ?? 16 / 10;
  return Math.min(16 / 9, Math.max(3 / 4, middle));
}

// What a group of titles has in common: the leads ("Artist - Song") that stand in most of them.
export function commonLeads(titles: string[], most: number): string[] {
  const counts = new Map<string, number>();
  for (const title of titles) {
    const { lead } = splitTitle(title);
    if (lead) counts.set(lead, (counts.get(lead) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, most).map(([lead]) => lead);
}
