// Package answer writes the edge's own errors in the protocol of the call that they answer.
package answer

import (
	"errors"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
)

var writer = connect.NewErrorWriter()

// Error answers with a code, a machine-readable reason and a sentence that says what to do. A plain request, which
// belongs to no protocol, gets Connect's JSON.
func Error(w http.ResponseWriter, r *http.Request, code connect.Code, reason, text string) {
	err := connect.NewError(code, errors.New(text))
	if detail, detailErr := connect.NewErrorDetail(&errdetails.ErrorInfo{Reason: reason, Domain: "edge.taproom"}); detailErr == nil {
		err.AddDetail(detail)
	}
	_ = writer.Write(w, r, err) // it fails only when the client is gone
}
