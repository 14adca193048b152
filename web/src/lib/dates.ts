import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";

const dateTime = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "long" });
const time = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/** `20 Nov 2026, 11:04`, in the reader's time zone. */
export const formatDateTime = (at: Timestamp | undefined) => (at ? dateTime.format(timestampDate(at)) : "");

/** `20 November 2026`. */
export const formatDate = (at: Timestamp | undefined) => (at ? date.format(timestampDate(at)) : "");

/** `11:04:31`. */
export const formatTime = (at: Timestamp | undefined) => (at ? time.format(timestampDate(at)) : "");

/** For the `dateTime` attribute of a `<time>`. */
export const isoDate = (at: Timestamp | undefined) => (at ? timestampDate(at).toISOString() : undefined);
