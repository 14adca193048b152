package deploy_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// objects are what an overlay makes.
type objects struct {
	deployments  []*appsv1.Deployment
	statefulSets []*appsv1.StatefulSet
	jobs         []*batchv1.Job
	services     map[string]*corev1.Service
	configMaps   map[string]*corev1.ConfigMap
	secrets      map[string]*corev1.Secret
	policies     []*networkingv1.NetworkPolicy
	scalers      map[string]*autoscalingv2.HorizontalPodAutoscaler
	disruptions  []*policyv1.PodDisruptionBudget
	ingresses    []*networkingv1.Ingress
	namespaces   []*corev1.Namespace
}

// workload is what runs pods.
type workload struct {
	name     string
	replicas int32
	selector *metav1.LabelSelector
	template corev1.PodTemplateSpec
}

func (w workload) container() corev1.Container { return w.template.Spec.Containers[0] }

func (o *objects) workloads() []workload {
	var all []workload
	for _, d := range o.deployments {
		n := int32(1)
		if d.Spec.Replicas != nil {
			n = *d.Spec.Replicas
		}
		all = append(all, workload{d.Name, n, d.Spec.Selector, d.Spec.Template})
	}
	for _, s := range o.statefulSets {
		all = append(all, workload{s.Name, *s.Spec.Replicas, s.Spec.Selector, s.Spec.Template})
	}
	for _, j := range o.jobs {
		all = append(all, workload{j.Name, 0, &metav1.LabelSelector{}, j.Spec.Template})
	}
	return all
}

func (o *objects) workload(t *testing.T, name string) workload {
	for _, w := range o.workloads() {
		if w.name == name {
			return w
		}
	}
	require.Fail(t, "there is no "+name)
	return workload{}
}

// overlay builds a folder of kubernetes as its user does, with secrets made for it.
func overlay(t *testing.T, folder string) *objects {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.CopyFS(root, os.DirFS(".")))
	if strings.HasPrefix(folder, "overlays/") {
		kept := filepath.Join(root, "kubernetes", folder, "secrets")
		said, err := run(t, nil, "secrets", kept)
		require.NoError(t, err, said)
		var env strings.Builder
		for name, value := range secrets(t) {
			fmt.Fprintf(&env, "%s=%s\n", name, value)
		}
		require.NoError(t, os.WriteFile(filepath.Join(kept, "taproom.env"), []byte(env.String()), 0o600))
	}
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(root, "kubernetes", folder))
	require.NoError(t, err)
	text, err := made.AsYaml()
	require.NoError(t, err)
	return decode(t, text)
}

// decode refuses what the types of the API do not know.
func decode(t *testing.T, text []byte) *objects {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme, autoscalingv2.AddToScheme,
	} {
		require.NoError(t, add(scheme))
	}
	decoder := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Yaml: true, Strict: true})
	o := &objects{
		services: map[string]*corev1.Service{}, configMaps: map[string]*corev1.ConfigMap{}, secrets: map[string]*corev1.Secret{},
		scalers: map[string]*autoscalingv2.HorizontalPodAutoscaler{},
	}
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		object, _, err := decoder.Decode(document, nil, nil)
		require.NoError(t, err, "%s", document)
		switch object := object.(type) {
		case *appsv1.Deployment:
			o.deployments = append(o.deployments, object)
		case *appsv1.StatefulSet:
			o.statefulSets = append(o.statefulSets, object)
		case *batchv1.Job:
			o.jobs = append(o.jobs, object)
		case *corev1.Service:
			o.services[object.Name] = object
		case *corev1.ConfigMap:
			o.configMaps[object.Name] = object
		case *corev1.Secret:
			o.secrets[object.Name] = object
		case *networkingv1.NetworkPolicy:
			o.policies = append(o.policies, object)
		case *autoscalingv2.HorizontalPodAutoscaler:
			o.scalers[object.Name] = object
		case *policyv1.PodDisruptionBudget:
			o.disruptions = append(o.disruptions, object)
		case *networkingv1.Ingress:
			o.ingresses = append(o.ingresses, object)
		case *corev1.Namespace:
			o.namespaces = append(o.namespaces, object)
		default:
			require.Fail(t, "nobody looks at this", "%T", object)
		}
	}
	return o
}

func eachOverlay(t *testing.T, check func(t *testing.T, o *objects)) {
	for _, name := range []string{"small", "production"} {
		t.Run(name, func(t *testing.T) { check(t, overlay(t, "overlays/"+name)) })
	}
}

func TestNoSecretIsInTheSources(t *testing.T) {
	for _, folder := range []string{"base", "parts"} {
		require.Empty(t, overlay(t, folder).secrets)
	}
	ignored, err := os.ReadFile("../.gitignore")
	require.NoError(t, err)
	require.Contains(t, string(ignored), "/deploy/kubernetes/overlays/*/secrets/\n")
	require.Contains(t, string(ignored), "/.env\n")
}

func TestKubernetesRunsTheShop(t *testing.T) {
	project := compose(t, secrets(t))
	eachOverlay(t, func(t *testing.T, o *objects) {
		names := services(t)
		for _, name := range names {
			w := o.workload(t, name)
			require.Equal(t, []string{"serve", name}, w.container().Args)
			if scaler, ok := o.scalers[name]; ok {
				require.Equal(t, max(replicas(name), 2), int(*scaler.Spec.MinReplicas))
			} else {
				require.EqualValues(t, replicas(name), w.replicas, name)
			}
		}
		images := make(map[string]bool)
		for _, w := range o.workloads() {
			c := w.container()
			require.Len(t, w.template.Spec.Containers, 1)
			if !strings.HasPrefix(c.Image, "taproom:") {
				name := w.name
				if name == "nats" {
					name = "nats-1"
				}
				s, err := project.GetService(name)
				require.NoError(t, err)
				require.Equal(t, s.Image, c.Image)
				continue
			}
			images[c.Image] = true
			requireUsage(t, c.Args, o.environment(t, c))
			if slices.Contains(names, w.name) {
				requireSettings(t, o.environment(t, c), project.Services[w.name])
				requireProbes(t, c)
			}
		}
		require.Len(t, images, 1)
		require.Equal(t, "restricted", o.namespaces[0].Labels["pod-security.kubernetes.io/enforce"])
	})
}

// requireSettings checks that a service is told the same as in compose.yaml, but for addresses.
func requireSettings(t *testing.T, env map[string]string, s types.ServiceConfig) {
	t.Helper()
	here := maps.Clone(env)
	for _, own := range []string{"POD_IP", "TAPROOM_ADVERTISE", "REDIS_PASSWORD", "TAPROOM_EDGE_TRUSTED_PROXIES"} {
		delete(here, own)
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(environment(s))), slices.Collect(maps.Keys(here)), s.Name)
}

func requireProbes(t *testing.T, c corev1.Container) {
	t.Helper()
	ports := make(map[string]int32)
	for _, port := range c.Ports {
		ports[port.Name] = port.ContainerPort
	}
	require.EqualValues(t, servicePort, ports["services"])
	require.EqualValues(t, internalPort, ports["internal"])
	for _, probe := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
		require.Equal(t, "/readyz", probe.HTTPGet.Path)
		require.Equal(t, "internal", probe.HTTPGet.Port.StrVal)
	}
}

// environment is what a container finds, with references followed; each must lead somewhere.
func (o *objects) environment(t *testing.T, c corev1.Container) map[string]string {
	t.Helper()
	env := make(map[string]string)
	for _, from := range c.EnvFrom {
		require.Contains(t, o.configMaps, from.ConfigMapRef.Name)
		maps.Copy(env, o.configMaps[from.ConfigMapRef.Name].Data)
	}
	expand := func(text string) string {
		return regexp.MustCompile(`\$\((\w+)\)`).ReplaceAllStringFunc(text, func(reference string) string {
			name := reference[2 : len(reference)-1]
			require.Contains(t, env, name, "of %s: a variable stands after what it is used for", c.Name)
			return env[name]
		})
	}
	for _, variable := range c.Env {
		switch from := variable.ValueFrom; {
		case from == nil:
			env[variable.Name] = expand(variable.Value)
		case from.FieldRef != nil:
			env[variable.Name] = "10.0.0.1"
		default:
			require.Contains(t, o.secrets, from.SecretKeyRef.Name)
			require.Contains(t, o.secrets[from.SecretKeyRef.Name].Data, from.SecretKeyRef.Key)
			env[variable.Name] = string(o.secrets[from.SecretKeyRef.Name].Data[from.SecretKeyRef.Key])
		}
	}
	for _, arg := range slices.Concat(c.Command, c.Args) {
		expand(arg)
	}
	return env
}

func TestPodsAreRestricted(t *testing.T) {
	eachOverlay(t, func(t *testing.T, o *objects) {
		for _, w := range o.workloads() {
			spec, c := w.template.Spec, w.container()
			require.False(t, *spec.AutomountServiceAccountToken, w.name)
			require.False(t, spec.HostNetwork || spec.HostPID || spec.HostIPC, w.name)
			require.True(t, *spec.SecurityContext.RunAsNonRoot, w.name)
			require.Positive(t, *spec.SecurityContext.RunAsUser, w.name)
			require.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, spec.SecurityContext.SeccompProfile.Type, w.name)
			require.False(t, *c.SecurityContext.AllowPrivilegeEscalation, w.name)
			require.True(t, *c.SecurityContext.ReadOnlyRootFilesystem, w.name)
			require.Equal(t, []corev1.Capability{"ALL"}, c.SecurityContext.Capabilities.Drop, w.name)
			require.Empty(t, c.SecurityContext.Capabilities.Add, w.name)
			require.False(t, c.Resources.Limits.Memory().IsZero(), w.name)
			require.False(t, c.Resources.Requests.Cpu().IsZero(), w.name)
			require.True(t, selects(t, w.selector, w.template.Labels), w.name)
			o.requireVolumes(t, w)
		}
	})
}

// requireVolumes checks that what is mounted is there.
func (o *objects) requireVolumes(t *testing.T, w workload) {
	t.Helper()
	var volumes []string
	for _, v := range w.template.Spec.Volumes {
		volumes = append(volumes, v.Name)
		switch {
		case v.ConfigMap != nil:
			require.Contains(t, o.configMaps, v.ConfigMap.Name)
		case v.Secret != nil:
			require.Contains(t, o.secrets, v.Secret.SecretName)
			require.EqualValues(t, 0o440, *v.Secret.DefaultMode)
		default:
			require.NotNil(t, v.EmptyDir, "%s: %s", w.name, v.Name)
		}
	}
	for _, s := range o.statefulSets {
		if s.Name == w.name {
			volumes = append(volumes, s.Spec.VolumeClaimTemplates[0].Name)
		}
	}
	for _, m := range w.container().VolumeMounts {
		require.Contains(t, volumes, m.Name, w.name)
	}
}

func selects(t *testing.T, selector *metav1.LabelSelector, on map[string]string) bool {
	t.Helper()
	compiled, err := metav1.LabelSelectorAsSelector(selector)
	require.NoError(t, err)
	return compiled.Matches(labels.Set(on))
}

func hasPort(c corev1.Container, port intstr.IntOrString) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == port.StrVal })
}

func TestNamesLeadSomewhere(t *testing.T) {
	eachOverlay(t, func(t *testing.T, o *objects) {
		for name, service := range o.services {
			found := 0
			for _, w := range o.workloads() {
				if selects(t, &metav1.LabelSelector{MatchLabels: service.Spec.Selector}, w.template.Labels) {
					found++
					for _, port := range service.Spec.Ports {
						require.True(t, hasPort(w.container(), port.TargetPort), "%s %s", name, port.Name)
					}
				}
			}
			require.Equal(t, 1, found, name)
		}
		for _, s := range o.statefulSets {
			require.Contains(t, o.services, s.Spec.ServiceName)
		}
		for name, scaler := range o.scalers {
			require.Equal(t, name, scaler.Spec.ScaleTargetRef.Name)
			require.Nil(t, o.deployment(t, name).Spec.Replicas, "the scaler alone decides")
			require.NotEmpty(t, scaler.Spec.Metrics)
		}
		var disrupted []string
		for _, d := range o.disruptions {
			require.Equal(t, 1, d.Spec.MaxUnavailable.IntValue())
			require.True(t, selects(t, d.Spec.Selector, o.workload(t, d.Name).template.Labels))
			disrupted = append(disrupted, d.Name)
		}
		if len(o.scalers) > 0 { // production
			require.ElementsMatch(t, services(t), slices.Collect(maps.Keys(o.scalers)))
			require.ElementsMatch(t, append(services(t), "nats", "consul"), disrupted)
		}
		for _, ingress := range o.ingresses {
			require.Contains(t, o.services, ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Name)
		}
	})
}

func (o *objects) deployment(t *testing.T, name string) *appsv1.Deployment {
	for _, d := range o.deployments {
		if d.Name == name {
			return d
		}
	}
	require.Fail(t, "there is no "+name)
	return nil
}

// callees are the services that a service calls, as its sources say.
func callees(t *testing.T, service string) map[string]bool {
	called := map[string]bool{"user": true} // for the keys of people's tokens
	pattern := regexp.MustCompile(`URL\("([a-z]+)"\)`)
	require.NoError(t, filepath.WalkDir(filepath.Join("..", "services", service), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range pattern.FindAllSubmatch(text, -1) {
			called[string(match[1])] = true
		}
		return err
	}))
	return called
}

// Everybody may reach what they call, and nothing else.
func TestNetworkAllowsWhatIsNeeded(t *testing.T) {
	eachOverlay(t, func(t *testing.T, o *objects) {
		names := services(t)
		for _, from := range names {
			called := callees(t, from)
			if from == "edge" {
				for _, name := range names {
					called[name] = name != "edge" && name != "courier" // which has no API
				}
			}
			source := o.workload(t, from)
			for _, to := range names {
				require.Equal(t, called[to], o.allowed(t, source, o.workload(t, to), "services"), "%s calls %s", from, to)
				require.False(t, o.allowed(t, source, o.workload(t, to), "internal"), "%s looks into %s", from, to)
			}
			env := o.environment(t, source.container())
			_, hasDatabase := env["PGPASSWORD"]
			_, hasEvents := env["TAPROOM_NATS_PASSWORD"]
			require.Equal(t, hasDatabase, o.allowed(t, source, o.workload(t, "postgres"), "postgres"), from)
			require.Equal(t, hasEvents, o.allowed(t, source, o.workload(t, "nats"), "clients"), from)
			require.True(t, o.allowed(t, source, o.workload(t, "redis"), "redis"), from)
			require.True(t, o.allowed(t, source, o.workload(t, "consul"), "http"), from)
			require.True(t, o.allowed(t, source, o.workload(t, "consul"), "grpc"), from)
			require.True(t, o.allowed(t, o.workload(t, "consul"), source, "internal"), from)
			require.False(t, o.allowed(t, o.workload(t, "consul"), source, "services"), from)
			require.False(t, o.allowed(t, source, o.workload(t, "nats"), "routes"), from)
			require.False(t, o.allowed(t, source, o.workload(t, "nats"), "monitor"), from)
		}
		for _, pair := range [][3]string{
			{"migrate", "postgres", "postgres"}, {"databases", "postgres", "postgres"}, {"consul-tokens", "consul", "http"},
			{"nats", "nats", "routes"}, {"consul", "consul", "rpc"}, {"consul", "consul", "gossip"},
		} {
			require.True(t, o.allowed(t, o.workload(t, pair[0]), o.workload(t, pair[1]), pair[2]), pair)
		}
		require.False(t, o.allowed(t, o.workload(t, "migrate"), o.workload(t, "nats"), "clients"))
		require.True(t, o.allowed(t, o.workload(t, "redis"), o.workload(t, "edge"), "http"), "the world may")
	})
}

// allowed says whether the policies let a pod open a connection to another.
func (o *objects) allowed(t *testing.T, from, to workload, port string) bool {
	t.Helper()
	in, out := false, false
	denied := false
	for _, p := range o.policies {
		if selects(t, &p.Spec.PodSelector, to.template.Labels) && slices.Contains(p.Spec.PolicyTypes, networkingv1.PolicyTypeIngress) {
			denied = true
			for _, rule := range p.Spec.Ingress {
				in = in || matches(t, rule.From, from) && matchesPort(rule.Ports, port)
			}
		}
		if selects(t, &p.Spec.PodSelector, from.template.Labels) && slices.Contains(p.Spec.PolicyTypes, networkingv1.PolicyTypeEgress) {
			for _, rule := range p.Spec.Egress {
				out = out || matches(t, rule.To, to) && matchesPort(rule.Ports, port)
			}
		}
	}
	require.True(t, denied, "by default nothing is allowed")
	for _, p := range to.container().Ports {
		if p.Name == port {
			return in && out
		}
	}
	return false
}

func matches(t *testing.T, peers []networkingv1.NetworkPolicyPeer, w workload) bool {
	return len(peers) == 0 || slices.ContainsFunc(peers, func(p networkingv1.NetworkPolicyPeer) bool {
		return p.NamespaceSelector == nil && selects(t, p.PodSelector, w.template.Labels)
	})
}

func matchesPort(ports []networkingv1.NetworkPolicyPort, name string) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool { return p.Port.StrVal == name })
}
