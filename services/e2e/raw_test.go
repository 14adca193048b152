package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

// rawAnswer is what a client without any library sees; of a call by Connect also the error.
type rawAnswer struct {
	status int
	header http.Header
	body   []byte

	Code    string
	Details []struct{ Type, Value string }
}

// post sends a body as it is. Headers are pairs of a name and a value.
func post(t testing.TB, shop *shoptest.Shop, procedure string, body []byte, headers ...string) rawAnswer {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, shop.URL+procedure, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		if req.Header.Set(headers[i], headers[i+1]); headers[i+1] == "" {
			req.Header.Del(headers[i])
		}
	}
	return answerTo(t, req)
}

// get fetches what lies at a path of the shop.
func get(t testing.TB, shop *shoptest.Shop, path string) rawAnswer {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shop.URL+path, http.NoBody)
	require.NoError(t, err)
	return answerTo(t, req)
}

func answerTo(t testing.TB, req *http.Request) rawAnswer {
	res, err := raw.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	answer := rawAnswer{status: res.StatusCode, header: res.Header}
	answer.body, err = io.ReadAll(res.Body)
	require.NoError(t, err)
	if res.StatusCode != http.StatusOK && res.Header.Get("Content-Type") == "application/json" {
		require.NoError(t, json.Unmarshal(answer.body, &answer), "%s", answer.body)
	}
	return answer
}

var raw = http1()

// detail reads the error's detail of m's type into m.
func (a rawAnswer) detail(t testing.TB, m proto.Message) {
	for _, detail := range a.Details {
		if detail.Type == string(m.ProtoReflect().Descriptor().FullName()) {
			value, err := base64.RawStdEncoding.DecodeString(detail.Value)
			require.NoError(t, err)
			require.NoError(t, proto.Unmarshal(value, m))
		}
	}
}

func (a rawAnswer) reason(t testing.TB) string {
	var info errdetails.ErrorInfo
	a.detail(t, &info)
	return info.GetReason()
}

// fields are the paths of the request's fields that are wrong.
func (a rawAnswer) fields(t testing.TB) []string {
	var bad errdetails.BadRequest
	a.detail(t, &bad)
	return mapped(bad.GetFieldViolations(), (*errdetails.BadRequest_FieldViolation).GetField)
}

func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }
