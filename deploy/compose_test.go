package deploy_test

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// secretNames are the variables that .env.example names.
func secretNames(t *testing.T) []string {
	text, err := os.ReadFile("../.env.example")
	require.NoError(t, err)
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^([A-Z_]+)=(.*)$`).FindAllStringSubmatch(string(text), -1) {
		require.Empty(t, match[2], "no secret has a value")
		names = append(names, match[1])
	}
	return names
}

// secrets are values that deploy/env.sh makes.
func secrets(t *testing.T) map[string]string {
	path := filepath.Join(t.TempDir(), "env")
	for range 2 { // a second time changes nothing
		said, err := exec.Command("sh", "env.sh", path).CombinedOutput()
		require.NoError(t, err, "%s", said)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	made := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		require.NotContains(t, made, name)
		if strings.Contains(name, "_TOKEN_") {
			require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$`, value)
		} else {
			require.Regexp(t, `^[a-z][0-9a-f]{32}$`, value)
		}
		made[name] = value
	}
	require.ElementsMatch(t, secretNames(t), slices.Collect(maps.Keys(made)))
	return made
}

func load(env map[string]string) (*types.Project, error) {
	var list []string
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	options, err := cli.NewProjectOptions([]string{"../compose.yaml"}, cli.WithEnv(list), cli.WithProfiles([]string{"*"}))
	if err != nil {
		return nil, err
	}
	return options.LoadProject(context.Background())
}

func compose(t *testing.T, env map[string]string) *types.Project {
	project, err := load(env)
	require.NoError(t, err)
	return project
}

func environment(s types.ServiceConfig) map[string]string {
	env := make(map[string]string)
	for name, value := range s.Environment {
		if value != nil {
			env[name] = *value
		}
	}
	return env
}

func isOurs(s types.ServiceConfig) bool { return strings.HasPrefix(s.Image, "taproom:") }

func TestComposeNamesEachMissingSecret(t *testing.T) {
	all := secrets(t)
	compose(t, all)
	for name := range all {
		env := maps.Clone(all)
		delete(env, name)
		_, err := load(env)
		require.ErrorContains(t, err, name)
	}
	text, err := os.ReadFile("../compose.yaml")
	require.NoError(t, err)
	for _, match := range regexp.MustCompile(`\$\{([A-Z_]+)(:\?|:-|\})`).FindAllStringSubmatch(string(text), -1) {
		if match[2] != ":-" {
			require.Contains(t, all, match[1])
		}
	}
}

func TestComposeRunsTheShop(t *testing.T) {
	project := compose(t, secrets(t))
	images := make(map[string]bool)
	for _, name := range services(t) {
		s, err := project.GetService(name)
		require.NoError(t, err)
		require.Equal(t, types.ShellCommand{"serve", name}, s.Command)
		require.Equal(t, replicas(name), s.GetScale(), name)
		images[s.Image] = true
		require.Equal(t, types.HealthCheckTest{"CMD", "/taproom", "ready"}, s.HealthCheck.Test)
		requireUsage(t, []string{"ready"}, map[string]string{"TAPROOM_INTERNAL_LISTEN": environment(s)["TAPROOM_INTERNAL_LISTEN"]})
	}
	builds := 0
	for name, s := range project.Services {
		if !isOurs(s) {
			continue
		}
		images[s.Image] = true
		args := []string(s.Command)
		known := append(services(t), "secrets", "migrate", "demo", "doctor")
		require.Contains(t, known, name)
		requireUsage(t, args, environmentFor(args[0], environment(s)))
		if s.Build != nil {
			builds++
		}
	}
	require.Len(t, images, 1, "one image for all")
	require.Equal(t, 1, builds)
}

// environmentFor leaves out what only `serve` reads of the variables that all share.
func environmentFor(command string, env map[string]string) map[string]string {
	if command == "doctor" {
		env = maps.Clone(env)
		for _, name := range []string{"TAPROOM_SERVICE_LISTEN", "TAPROOM_INTERNAL_LISTEN", "TAPROOM_LOG_FORMAT"} {
			delete(env, name)
		}
	}
	return env
}

func TestComposeLocksContainersUp(t *testing.T) {
	project := compose(t, secrets(t))
	var published []string
	for name, s := range project.Services {
		require.True(t, s.ReadOnly, name)
		require.Equal(t, []string{"ALL"}, s.CapDrop, name)
		require.Empty(t, s.CapAdd, name)
		require.Equal(t, []string{"no-new-privileges:true"}, s.SecurityOpt, name)
		require.False(t, s.Privileged, name)
		require.Empty(t, s.NetworkMode+s.Pid+s.Ipc, name)
		require.Positive(t, s.MemLimit, name)
		require.Positive(t, s.PidsLimit, name)
		require.Equal(t, name == "volumes", s.User == "root", name)
		require.Contains(t, s.Networks, "shop", name)
		if !isOurs(s) {
			require.Regexp(t, `^([a-z-]+/)?[a-z-]+:v?\d+\.\d+(\.\d+)?(-alpine)?$`, s.Image)
		}
		for _, port := range s.Ports {
			require.Equal(t, "127.0.0.1", port.HostIP, name)
			published = append(published, name)
		}
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeBind {
				require.True(t, v.ReadOnly, name)
				_, err := os.Stat(v.Source)
				require.NoError(t, err, name)
			}
		}
	}
	require.ElementsMatch(t, []string{"edge", "grafana"}, published)
	require.True(t, bool(project.Networks["shop"].Internal))
}

func TestComposeStartsInOrder(t *testing.T) {
	project := compose(t, secrets(t))
	for name, s := range project.Services {
		for on, d := range s.DependsOn {
			other, err := project.GetService(on)
			require.NoError(t, err)
			switch d.Condition {
			case types.ServiceConditionHealthy:
				require.NotNil(t, other.HealthCheck, "%s waits for %s", name, on)
				require.Equal(t, "unless-stopped", other.Restart)
			case types.ServiceConditionCompletedSuccessfully:
				require.Empty(t, other.Restart, "%s waits for %s", name, on)
			default:
				t.Errorf("%s waits for %s: %s", name, on, d.Condition)
			}
			if len(other.Profiles) > 0 {
				require.Equal(t, other.Profiles, s.Profiles, "%s is started with %s", on, name)
			}
		}
	}
}

// What is asked for metrics is what serves them.
func TestPrometheusAsksEveryService(t *testing.T) {
	text, err := os.ReadFile("compose/prometheus.yml")
	require.NoError(t, err)
	var config struct {
		Jobs []struct {
			Name string `yaml:"job_name"`
			DNS  []struct {
				Names []string `yaml:"names"`
				Port  int      `yaml:"port"`
			} `yaml:"dns_sd_configs"`
		} `yaml:"scrape_configs"`
	}
	require.NoError(t, yaml.Unmarshal(text, &config))
	require.Equal(t, "taproom", config.Jobs[0].Name)
	asked := config.Jobs[0].DNS[0]
	require.Equal(t, services(t), asked.Names)
	require.Equal(t, internalPort, asked.Port)
	for _, name := range asked.Names {
		s, err := compose(t, secrets(t)).GetService(name)
		require.NoError(t, err)
		require.Equal(t, ":8081", environment(s)["TAPROOM_INTERNAL_LISTEN"])
		require.Equal(t, ":8443", environment(s)["TAPROOM_SERVICE_LISTEN"])
	}
}

const (
	servicePort  = 8443
	internalPort = 8081
)

// Containers run the versions that the tools are built from, with which the shop is tested.
func TestPartsHaveTestedVersions(t *testing.T) {
	project := compose(t, secrets(t))
	for image, module := range map[string]string{
		project.Services["nats-1"].Image: "nats/go.mod github.com/nats-io/nats-server/v2",
		project.Services["consul"].Image: "consul/go.mod github.com/hashicorp/consul",
	} {
		file, name, _ := strings.Cut(module, " ")
		text, err := os.ReadFile(filepath.Join("..", "tools", file))
		require.NoError(t, err)
		found := regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(name) + ` v(\S+)`).FindStringSubmatch(string(text))
		require.NotNil(t, found, module)
		_, tag, _ := strings.Cut(image, ":")
		require.Equal(t, found[1], strings.TrimSuffix(tag, "-alpine"))
	}
}
