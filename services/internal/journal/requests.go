package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
)

// Once makes a request take effect once. The first time that caller sends requestID to method it runs fn, which fills
// resp, and remembers the answer for eight days, in the same transaction. Sent again with the same req, resp becomes that
// answer and fn is not run; with another req the error is REQUEST_ID_REUSED. Of two at once, the second waits for the
// first. An error of fn rolls back the transaction, whatever becomes of the error, and leaves no trace of the request.
//
// resp is emptied before fn runs, which must answer through it alone.
func Once(ctx context.Context, tx *database.Tx, caller, method, requestID string, req, resp proto.Message, fn func(ctx context.Context) error) error {
	expires := tx.Now().Add(keepRequests)
	return once(ctx, tx, caller, method, requestID, &expires, req, resp, fn)
}

// OnceForLife is Once with an answer that is remembered for ever.
func OnceForLife(ctx context.Context, tx *database.Tx, caller, method, requestID string, req, resp proto.Message, fn func(ctx context.Context) error) error {
	return once(ctx, tx, caller, method, requestID, nil, req, resp, fn)
}

func once(ctx context.Context, tx *database.Tx, caller, method, requestID string, expires *time.Time, req, resp proto.Message, fn func(ctx context.Context) error) error {
	if requestID == "" {
		return fault.Invalid("REQUEST_ID_MISSING", "set request_id to a new UUID, and to the same one when you try again")
	}
	requestID = strings.ToLower(requestID) // a UUID's letters have no case
	digest, err := digest(req)
	if err != nil {
		return err
	}
	claimed, err := tx.Exec(ctx, `INSERT INTO requests (caller, method, request_id, digest, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (caller, method, request_id) DO NOTHING`, caller, method, requestID, digest, tx.Now(), expires)
	if err != nil {
		return fmt.Errorf("claiming a request: %w", err)
	}
	if claimed == 0 {
		return recall(ctx, tx, caller, method, requestID, digest, resp)
	}
	proto.Reset(resp) // a try of this transaction that was rolled back may have filled it
	if err := fn(ctx); err != nil {
		tx.Doom(err) // the claim must not outlive it
		return err
	}
	answer, err := proto.Marshal(resp)
	if err != nil {
		return fmt.Errorf("remembering an answer: %w", err)
	}
	if _, err := tx.Exec(ctx, "UPDATE requests SET response = ? WHERE caller = ? AND method = ? AND request_id = ?", answer, caller, method, requestID); err != nil {
		return fmt.Errorf("remembering an answer: %w", err)
	}
	return nil
}

// recall gives the answer to a request that took effect before.
func recall(ctx context.Context, tx *database.Tx, caller, method, requestID string, digest []byte, resp proto.Message) error {
	var known, answer []byte
	err := tx.QueryRow(ctx, "SELECT digest, response FROM requests WHERE caller = ? AND method = ? AND request_id = ?", caller, method, requestID).Scan(&known, &answer)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fault.Aborted("REQUEST_FORGOTTEN", "the first answer to this request has just expired: look at what it did before you try again")
	case err != nil:
		return fmt.Errorf("recalling an answer: %w", err)
	case !bytes.Equal(known, digest):
		return fault.AlreadyExists("REQUEST_ID_REUSED", "this request_id belongs to another request: use a new UUID for each").With("request_id", requestID)
	}
	if err := proto.Unmarshal(answer, resp); err != nil {
		return fmt.Errorf("recalling an answer: %w", err)
	}
	return nil
}

// digest tells requests apart. Equal ones of one program have equal bytes, which is all that deterministic marshaling promises.
func digest(req proto.Message) ([]byte, error) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("digest of a request: %w", err)
	}
	sum := sha256.Sum256(data)
	return sum[:], nil
}
