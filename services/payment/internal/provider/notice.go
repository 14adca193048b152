package provider

// Notice is the body of a webhook, as JSON: the final answer about one operation. It may come late, more than once, or never.
type Notice struct {
	ID     string `json:"id"` // the same in each delivery
	Key    string `json:"key"`
	Status Status `json:"status"`
	Reason string `json:"reason,omitempty"`
}
