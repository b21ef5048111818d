export type { Browser, EngineName, InPage, LaunchOptions, Page, Target, WaitOptions } from './driver'
export { chosenEngines, lacks, launchBrowser, missing, type Feature } from './engines'
export { describeIn, describeInBrowsers, type BrowserSuite } from './suite'
