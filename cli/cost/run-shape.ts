// What an average run of the Spark job meets: its new objects, the dates they touch, and the files that it opens, writes and
// compacts. None of it grows with the age of the lake: only with what arrived, and with dedupeDays.

import { type Traffic, WORK } from "./assumptions";
import type { Plan } from "./plan";

export interface RunShape {
  events: number;
  rawObjects: number;
  quarantineObjects: number;
  /** Raw and quarantine objects in the hours that a run lists: the stream's retention, and an hour before and after it. */
  windowRawObjects: number;
  windowQuarantineObjects: number;
  /** Lists of taken objects that a run reads: those that can name an object of the last hours. */
  takenLists: number;
  /** Dates of the new events. */
  touchedDates: number;
  /** Dates in which a copy of a new event can be: the touched ones, and those written within dedupeDays. */
  searchedDates: number;
  /** Curated files of the touched dates, and of the searched ones. */
  touchedFiles: number;
  knownFiles: number;
  knownEvents: number;
  filesWritten: number;
  /** Dates that get a new location, with the files that are read, written and copied for it. */
  compactedDates: number;
  compactedFiles: number;
  compactionFiles: number;
  copiedFiles: number;
  compactedEvents: number;
  /** Files of an average date that is no longer written to each hour. */
  filesOfOldDate: number;
  /** The share of what has to be compacted that the budget of the runs covers. Less than 1: small files pile up. */
  compactionShare: number;
  /** What a run would compact without a limit. */
  compactionNeed: { mb: number; seconds: number };
}

/** Objects that arrive in an hour. */
export interface Arrivals {
  rawPerHour: number;
  quarantinePerHour: number;
}

/** A run reads what can have arrived an hour before the last listing (job, head.py), and its own hour. */
const LISTING_MARGIN_HOURS = 1;
/** Compaction by the job's rules (compaction_plan.py). Today and yesterday may have this many files more than needed. */
const YOUNG_DATES = 2;
const SPARE_FILES = 16;
/** A date that has settled may have this many more. */
const SETTLED_SPARE = 1;
/** A merged file can be this much larger than the target. */
const FILL = 1.25;
/** A test compares them with the job's. */
export const COMPACTION_RULES = { SPARE_FILES, SETTLED_SPARE, FILL };
/** So a date is written anew during its own day, during the next one, and when it has settled. */
const REWRITES_PER_DATE = 3;

export function shapeOfRun(
  plan: Plan,
  traffic: Traffic,
  arrivals: Arrivals,
  intervalHours: number,
): RunShape {
  const window = plan.retentionHours + LISTING_MARGIN_HOURS + intervalHours;
  const dates = datesOf(plan, traffic, intervalHours);
  const files = filesOf(plan, traffic, dates, intervalHours);
  const compaction = compactionOf(plan, traffic, dates, files, intervalHours);
  return {
    events: (traffic.eventsPerDay / 24) * intervalHours,
    rawObjects: arrivals.rawPerHour * intervalHours,
    quarantineObjects: arrivals.quarantinePerHour * intervalHours,
    windowRawObjects: arrivals.rawPerHour * window,
    windowQuarantineObjects: arrivals.quarantinePerHour * window,
    // The key of a recent object has the full hour of its first record.
    takenLists: 1 + Math.ceil((LISTING_MARGIN_HOURS + 1) / intervalHours),
    touchedDates: dates.current + dates.late,
    searchedDates: dates.searched,
    touchedFiles: filesIn(dates.current + dates.late, files, compaction),
    knownFiles: filesIn(dates.searched, files, compaction),
    knownEvents: dates.searched * traffic.eventsPerDay,
    filesWritten: files.written,
    compactedDates: compaction.dates,
    compactedFiles: compaction.read,
    compactionFiles: compaction.written,
    copiedFiles: compaction.copied,
    compactedEvents: compaction.events,
    filesOfOldDate: compaction.filesOfOldDate,
    compactionShare: compaction.share,
    compactionNeed: compaction.need,
  };
}

interface Dates {
  /** Today, and yesterday for the runs after midnight. */
  current: number;
  /** Earlier dates that a run has events of. */
  late: number;
  searched: number;
}

function datesOf({ dedupeDays }: Plan, traffic: Traffic, intervalHours: number): Dates {
  if (traffic.eventsPerDay === 0) return { current: 0, late: 0, searched: 0 };
  const latePerDateAndDay = (traffic.eventsPerDay * traffic.latePercent) / 100 / traffic.lateDays;
  const current = 1 + intervalHours / 24;
  const late = traffic.lateDays * anyOf((latePerDateAndDay / 24) * intervalHours);
  // By age: dates of the last dedupeDays were written when they were today. An older one only if a late event came since.
  let searched = 1 + dedupeDays;
  for (let age = dedupeDays + 1; age <= traffic.lateDays + dedupeDays; age += 1) {
    const days = Math.min(dedupeDays, traffic.lateDays + dedupeDays - age + 1);
    searched += anyOf(latePerDateAndDay * days);
  }
  return { current, late, searched: Math.max(searched, current + late) };
}

/** The probability of at least one where `expected` come on average. */
const anyOf = (expected: number) => 1 - Math.exp(-expected);

interface Files {
  /** By one run. */
  written: number;
  /** The files of a date when it is compacted, and those that it may have until it is due again. */
  full: number;
  allowed: number;
  /** Files of a date from the runs of its own day. */
  ofOwnDay: number;
  /** Late files that a date gets in all. */
  late: number;
}

function filesOf(plan: Plan, traffic: Traffic, dates: Dates, intervalHours: number): Files {
  const bytesPerDay = traffic.eventsPerDay * WORK.curatedBytesPerEvent;
  if (bytesPerDay === 0) return { written: 0, full: 0, allowed: 0, ofOwnDay: 0, late: 0 };
  const target = plan.targetFileMb * 1e6;
  const filesFor = (bytes: number) => Math.max(1, Math.ceil(bytes / (target * WORK.fileShare)));
  const runsPerDay = 24 / intervalHours;
  const lateBytes = (bytesPerDay * traffic.latePercent) / 100 / traffic.lateDays / runsPerDay;
  const ofRun = filesFor(bytesPerDay / runsPerDay);
  const full = Math.ceil(bytesPerDay / (target * FILL));
  return {
    written: Math.max(dates.current, ofRun) + dates.late * filesFor(lateBytes),
    full,
    allowed: Math.ceil(bytesPerDay / target) + SETTLED_SPARE,
    ofOwnDay: ofRun * runsPerDay,
    late: runsPerDay * dates.late * filesFor(lateBytes),
  };
}

interface Compaction {
  share: number;
  need: RunShape["compactionNeed"];
  dates: number;
  events: number;
  read: number;
  written: number;
  copied: number;
  filesOfOldDate: number;
}

/**
 * A date is written anew a few times until it has settled. Late files that come later are merged with the late rows that
 * are there, as soon as the date has more files than it may have. All other files are copied inside S3.
 */
function compactionOf(
  plan: Plan,
  traffic: Traffic,
  dates: Dates,
  files: Files,
  intervalHours: number,
): Compaction {
  // On average a date that still gets late files has half of them.
  const untouched = files.ofOwnDay + files.late / 2;
  const none = { dates: 0, events: 0, read: 0, written: 0, copied: 0, filesOfOldDate: untouched };
  if (!plan.compaction || traffic.eventsPerDay === 0)
    return { share: 0, need: { mb: 0, seconds: 0 }, ...none };
  const perRun = intervalHours / 24;
  const room = files.allowed - files.full;
  const lateRows = (traffic.eventsPerDay * traffic.latePercent) / 100 / 2;
  // With room for several late files, a date is due again only when they are there.
  const due = dates.late / room;
  const settling = perRun * REWRITES_PER_DATE;
  const wanted = traffic.eventsPerDay * settling + due * lateRows;
  const need = {
    mb: (wanted * WORK.curatedBytesPerEvent) / 1e6,
    seconds: (wanted * WORK.compactionCoreSecondsPerEvent) / coresOf(plan),
  };
  const share = Math.min(1, plan.compaction.mb / need.mb, plan.compaction.seconds / need.seconds);
  return {
    share,
    need,
    dates: share * (settling + due),
    events: share * wanted,
    read: share * (perRun * files.ofOwnDay + settling * files.full + due * (room + 1)),
    written: share * (settling * files.full + due),
    copied: share * due * files.full,
    // With late files in each run, a date is on average halfway between compacted and due.
    filesOfOldDate: share * ((files.full + files.allowed + 1) / 2) + (1 - share) * untouched,
  };
}

/** Cores of the executors. One worker is the driver. */
export function coresOf({ workers, dpus }: Plan): number {
  return (workers - 1) * dpus * WORK.coresPerDpu;
}

/** Files of the newest dates, today and yesterday among them. On average today has half of its files. */
function filesIn(dates: number, files: Files, { share, filesOfOldDate }: Compaction): number {
  const recent = Math.min(dates, YOUNG_DATES);
  const most = share < 1 ? files.ofOwnDay : Math.min(files.ofOwnDay, files.full + SPARE_FILES);
  return recent * 0.75 * most + (dates - recent) * filesOfOldDate;
}

/** Files that a query over the newest `days` reads. */
export function filesOfDays(days: number, { filesOfOldDate, touchedFiles, touchedDates }: RunShape): number {
  const recent = Math.min(days, touchedDates, YOUNG_DATES);
  const ofRecent = touchedFiles - Math.max(0, touchedDates - YOUNG_DATES) * filesOfOldDate;
  return (
    (ofRecent * recent) / Math.max(1, Math.min(touchedDates, YOUNG_DATES)) + (days - recent) * filesOfOldDate
  );
}
