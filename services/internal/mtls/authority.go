package mtls

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect"
	consulapi "github.com/hashicorp/consul/api"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// signTimeout bounds one question to one server.
const signTimeout = 10 * time.Second

// Config says how Consul is asked.
type Config struct {
	// Client asks the agent for roots and servers; its token needs `service:read` on `consul` and `node:read`.
	Client *consulapi.Client
	// Token is the process's own, and needs `service:write` on the names of its services.
	Token string
	// TLS is how the servers' gRPC port is reached; nil means the port without TLS.
	TLS *tls.Config
	// Log takes outages.
	Log *slog.Logger
}

// Authority issues identities: it is the certificate authority built into Consul's servers.
type Authority struct {
	cfg     Config
	methods func() (signing, error)
	http    *http.Client
}

// NewAuthority returns the authority of a Consul cluster.
func NewAuthority(cfg Config) *Authority {
	transport := &http.Transport{Protocols: new(http.Protocols), IdleConnTimeout: time.Minute}
	if cfg.TLS == nil {
		transport.Protocols.SetUnencryptedHTTP2(true)
	} else {
		transport.Protocols.SetHTTP2(true)
		transport.TLSClientConfig = cfg.TLS
	}
	return &Authority{cfg: cfg, methods: sync.OnceValues(newSigning), http: &http.Client{Transport: transport}}
}

// servers returns the gRPC addresses of Consul's servers, in any order, and the name of their datacenter.
func (a *Authority) servers(ctx context.Context) (urls []string, datacenter string, err error) {
	ctx, cancel := context.WithTimeout(ctx, signTimeout)
	defer cancel()
	entries, _, err := a.cfg.Client.Health().Service("consul", "", false, new(consulapi.QueryOptions).WithContext(ctx))
	if err != nil {
		return nil, "", err
	}
	scheme, port := "http://", "grpc_port"
	if a.cfg.TLS != nil {
		scheme, port = "https://", "grpc_tls_port"
	}
	for _, entry := range entries {
		if number := entry.Service.Meta[port]; number != "" && number != "-1" {
			urls = append(urls, scheme+net.JoinHostPort(entry.Node.Address, number))
			datacenter = entry.Node.Datacenter
		}
	}
	if len(urls) == 0 {
		return nil, "", fmt.Errorf("none of the %d servers of Consul that this token may see has a %s: set ports.grpc, or ports.grpc_tls for TLS", len(entries), port)
	}
	rand.Shuffle(len(urls), func(i, k int) { urls[i], urls[k] = urls[k], urls[i] }) //nolint:gosec // spreads load, keeps no secret
	return urls, datacenter, nil
}

// sign has a certificate request (PEM) signed by the first server that answers, and returns the certificate and what
// links it to the roots (PEM).
func (a *Authority) sign(ctx context.Context, servers []string, request string) (chain string, err error) {
	methods, err := a.methods()
	if err != nil {
		return "", err
	}
	var failures []error
	for _, server := range servers {
		chain, err := methods.sign(ctx, a.http, server, a.cfg.Token, request)
		if err == nil || isRefusal(err) {
			return chain, err
		}
		failures = append(failures, fmt.Errorf("%s: %w", server, err))
	}
	return "", errors.Join(failures...)
}

// signing is Consul's method to sign, as far as it is needed here: request and answer are one text each.
type signing struct {
	procedure       string
	request, answer protoreflect.MessageDescriptor
}

func newSigning() (signing, error) {
	text := func(message, field string, number int32) *descriptorpb.DescriptorProto {
		return &descriptorpb.DescriptorProto{Name: proto.String(message), Field: []*descriptorpb.FieldDescriptorProto{{
			Name: proto.String(field), Number: proto.Int32(number),
			Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}}}
	}
	const name = "hashicorp.consul.connectca"
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("consul/connectca.proto"), Package: proto.String(name), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{text("SignRequest", "csr", 1), text("SignResponse", "cert_pem", 2)},
	}, new(protoregistry.Files))
	if err != nil {
		return signing{}, err
	}
	return signing{"/" + name + ".ConnectCAService/Sign", file.Messages().Get(0), file.Messages().Get(1)}, nil
}

func (s signing) sign(ctx context.Context, client *http.Client, server, token, request string) (chain string, err error) {
	ctx, cancel := context.WithTimeout(ctx, signTimeout)
	defer cancel()
	message := dynamicpb.NewMessage(s.request)
	message.Set(s.request.Fields().Get(0), protoreflect.ValueOfString(request))
	call := connect.NewRequest(message)
	call.Header().Set("X-Consul-Token", token)
	answer, err := connect.NewClient[dynamicpb.Message, dynamicpb.Message](client, server+s.procedure, connect.WithGRPC(),
		connect.WithResponseInitializer(func(_ connect.Spec, message any) error {
			if empty, ok := message.(*dynamicpb.Message); ok {
				*empty = *dynamicpb.NewMessage(s.answer)
			}
			return nil
		})).CallUnary(ctx, call)
	if err != nil {
		return "", err
	}
	return answer.Msg.Get(s.answer.Fields().Get(0)).String(), nil
}
