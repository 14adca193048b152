package shop

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/taproom-shop/taproom/services/internal/event"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/module"
)

var update = flag.Bool("update", false, "write the files that the tests compare with")

const accountsFile = "../../deploy/nats/accounts.conf"

// The file follows from the code: what services consume, publish and listen to.
func TestAccountsAtNATSAllowWhatServicesDo(t *testing.T) {
	cfg := Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Demo: true}
	require.NoError(t, kong.ApplyDefaults(&cfg.Services))
	require.NoError(t, kong.ApplyDefaults(&cfg.Edge))
	s, err := Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer s.Close()
	modules := make([]*module.Module, len(s.running))
	for i, r := range s.running {
		modules[i] = r.module
	}
	want := accountsConfig(t, modules)
	if *update {
		require.NoError(t, os.WriteFile(accountsFile, []byte(want), 0o644))
	}
	have, err := os.ReadFile(accountsFile)
	require.NoError(t, err)
	require.Equal(t, want, string(have), "run: go -C services test ./shop -run %s -update", t.Name())
}

// listens are the subjects that services hear without a durable consumer, besides wake-ups of their own replicas.
var listens = map[string][]string{
	"catalog":      {"taproom.catalog.>"},
	"notification": {"taproom.wake.cart.*", "taproom.payment.wallet_changed.*"},
}

// reads is what services ask of streams without a consumer, besides what they are and hold.
var reads = map[string][]string{
	"cart": {"$JS.API.DIRECT.GET.CARTS", "$JS.API.STREAM.MSG.GET.CARTS", "$JS.API.STREAM.PURGE.CARTS"},
}

// revocations are read by every service, in order and each by itself.
const (
	revocationsStream  = messaging.StreamUsers
	revocationsSubject = "taproom.user.sessions_revoked.*"
)

// durable is a consumer or worker of a service.
type durable struct{ service, stream, name string }

func durablesOf(m *module.Module) (all []durable) {
	for _, c := range m.Consumers {
		all = append(all, durable{m.Name, c.Stream, c.Name})
	}
	for _, w := range m.Workers {
		all = append(all, durable{m.Name, w.Stream, w.Name})
	}
	return all
}

// rights are what a user may do, in the order in which they are written.
type rights struct {
	user                  string
	publish, deny, listen []string
}

func rightsOf(t *testing.T, m *module.Module, everybodys []durable) rights {
	r := rights{user: m.Name}
	r.publish = append(r.publish, eventsOf(t, m.Name)...)
	r.publish = append(r.publish, messaging.WakeSubject(m.Name), messaging.WakeSubject(m.Name)+".*")
	r.publish = append(r.publish, "$JS.API.STREAM.INFO.*", "$JS.API.STREAM.NAMES")
	for _, stream := range messaging.Streams() {
		if owner := messaging.OwnerOf(stream.Name); owner == m.Name || owner == "" {
			r.publish = append(r.publish, "$JS.API.STREAM.CREATE."+stream.Name, "$JS.API.STREAM.UPDATE."+stream.Name)
		}
	}
	r.publish = append(r.publish, reads[m.Name]...)
	for _, d := range durablesOf(m) {
		r.publish = append(r.publish, "taproom.dlq."+d.name, "taproom.dlq-replay."+d.name)
		for _, stream := range []string{d.stream, messaging.StreamReplay} {
			place := stream + "." + d.name
			r.publish = append(r.publish, "$JS.API.CONSUMER.CREATE."+place, "$JS.API.CONSUMER.INFO."+place,
				"$JS.API.CONSUMER.MSG.NEXT."+place, "$JS.API.CONSUMER.DELETE."+place, "$JS.ACK."+place+".>")
		}
	}
	r.publish = append(r.publish, "$JS.API.CONSUMER.CREATE."+revocationsStream+".*."+revocationsSubject)
	for _, verb := range []string{"INFO", "MSG.NEXT", "DELETE"} {
		r.publish = append(r.publish, "$JS.API.CONSUMER."+verb+"."+revocationsStream+".*")
	}
	// Whose names are not known beforehand must not be others' durables.
	for _, d := range everybodys {
		if d.stream == revocationsStream && d.service != m.Name {
			place := d.stream + "." + d.name
			r.deny = append(r.deny, "$JS.API.CONSUMER.*."+place, "$JS.API.CONSUMER.CREATE."+place+".>", "$JS.API.CONSUMER.MSG.NEXT."+place)
		}
	}
	r.listen = append([]string{"_INBOX." + m.Name + ".>", messaging.WakeSubject(m.Name), messaging.WakeSubject(m.Name) + ".*"}, listens[m.Name]...)
	return r
}

// eventsOf are the subjects of the events that a service tells. A stream without events in the schema is its owner's whole.
func eventsOf(t *testing.T, service string) (subjects []string) {
	events := make(map[string][]string) // by stream
	protoregistry.GlobalTypes.RangeMessages(func(message protoreflect.MessageType) bool {
		zero := message.Zero().Interface()
		if stream, err := event.Stream(zero); err == nil {
			subject, err := event.Filter(zero)
			require.NoError(t, err)
			events[stream] = append(events[stream], subject)
		}
		return true
	})
	for _, stream := range messaging.Streams() {
		switch {
		case messaging.OwnerOf(stream.Name) != service:
		case len(events[stream.Name]) > 0:
			subjects = append(subjects, slices.Sorted(slices.Values(events[stream.Name]))...)
		default:
			subjects = append(subjects, stream.Subjects...)
		}
	}
	return subjects
}

const accountsHead = `# Who may do what at NATS: a user for each service, which may do what the service does, and "operator", who may do
# everything but look after the servers. A test writes this file: go -C services test ./shop -run AccountsAtNATS -update
#
# Passwords come from the servers' environment. One begins with a letter and has letters and digits only.
`

// accountsConfig is the file.
func accountsConfig(t *testing.T, modules []*module.Module) string {
	var everybodys []durable
	for _, m := range modules {
		everybodys = append(everybodys, durablesOf(m)...)
	}
	var b strings.Builder
	b.WriteString(accountsHead)
	b.WriteString("accounts {\n  TAPROOM {\n    jetstream: enabled\n    users: [\n")
	fmt.Fprintf(&b, "      {user: %s, password: %s}\n", operator, passwordVariable(operator))
	for _, m := range modules {
		r := rightsOf(t, m, everybodys)
		fmt.Fprintf(&b, "      {\n        user: %s, password: %s\n        permissions: {\n          publish: {\n", r.user, passwordVariable(r.user))
		writeSubjects(&b, "            ", "allow", r.publish)
		writeSubjects(&b, "            ", "deny", r.deny)
		b.WriteString("          }\n          subscribe: {\n")
		writeSubjects(&b, "            ", "allow", r.listen)
		b.WriteString("          }\n        }\n      }\n")
	}
	fmt.Fprintf(&b, "    ]\n  }\n  SYSTEM {users: [{user: system, password: %s}]}\n}\nsystem_account: SYSTEM\n", passwordVariable("system"))
	return b.String()
}

func passwordVariable(user string) string { return "$TAPROOM_NATS_PASSWORD_" + strings.ToUpper(user) }

func writeSubjects(b *strings.Builder, indent, name string, subjects []string) {
	if len(subjects) == 0 {
		return
	}
	fmt.Fprintf(b, "%s%s: [\n", indent, name)
	for _, subject := range subjects {
		fmt.Fprintf(b, "%s  %q\n", indent, subject)
	}
	fmt.Fprintf(b, "%s]\n", indent)
}
