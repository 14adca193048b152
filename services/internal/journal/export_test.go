package journal

// PendingQuery is what Pending asks.
const PendingQuery = pendingQuery
