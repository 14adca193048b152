package observe_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	notificationv1 "github.com/taproom-shop/taproom/gen/go/taproom/notification/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

// shipped is what we give to those who run the shop.
const shipped = "../../../deploy/observability"

// dashboard is what a test reads of a Grafana dashboard.
type dashboard struct {
	UID    string `json:"uid"`
	Title  string `json:"title"`
	Panels []struct {
		ID      int    `json:"id"`
		Title   string `json:"title"`
		Type    string `json:"type"`
		GridPos struct{ X, Y, W, H int }
		Targets []struct {
			Expr       string `json:"expr"`
			Datasource struct {
				UID string `json:"uid"`
			} `json:"datasource"`
		} `json:"targets"`
	} `json:"panels"`
}

// alerts is a file of Prometheus's alerting rules.
type alerts struct {
	Groups []struct {
		Name  string `yaml:"name"`
		Rules []struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			For         string            `yaml:"for"`
			Labels      map[string]string `yaml:"labels"`
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

// queries returns all that is asked of Prometheus by who asks it, and checks the rest of the files on the way.
func queries(t *testing.T) map[string][]string {
	t.Helper()
	asked := make(map[string][]string)
	files, err := filepath.Glob(shipped + "/grafana/dashboards/*.json")
	require.NoError(t, err)
	require.Len(t, files, 3)
	var sources struct {
		Datasources []struct{ UID string } `yaml:"datasources"`
	}
	read(t, shipped+"/grafana/provisioning/datasources/taproom.yml", yaml.Unmarshal, &sources)
	for _, file := range files {
		var d dashboard
		read(t, file, json.Unmarshal, &d)
		require.Equal(t, d.UID+".json", filepath.Base(file))
		ids := make(map[int]bool)
		for _, p := range d.Panels {
			require.False(t, ids[p.ID], "%s: two panels have the id %d", d.Title, p.ID)
			ids[p.ID] = true
			require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, "%s: %s", d.Title, p.Title)
			require.NotEmpty(t, p.Targets, "%s: %s", d.Title, p.Title)
			for _, target := range p.Targets {
				require.Equal(t, sources.Datasources[0].UID, target.Datasource.UID)
				asked[d.Title+": "+p.Title] = append(asked[d.Title+": "+p.Title], target.Expr)
			}
		}
	}
	var rules alerts
	read(t, shipped+"/prometheus/alerts.yml", yaml.Unmarshal, &rules)
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			require.NotEmpty(t, rule.Alert)
			require.NotContains(t, asked, rule.Alert)
			require.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
			require.NotEmpty(t, rule.Annotations["description"], rule.Alert)
			require.Contains(t, []string{"page", "ticket"}, rule.Labels["severity"], rule.Alert)
			if rule.For != "" {
				_, err := time.ParseDuration(rule.For)
				require.NoError(t, err, rule.Alert)
			}
			asked[rule.Alert] = []string{rule.Expr}
		}
	}
	return asked
}

func read(t *testing.T, file string, unmarshal func([]byte, any) error, into any) {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, unmarshal(content, into), file)
}

var (
	quoted   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	ranges   = regexp.MustCompile(`\[[^\]]*\]`)
	grouping = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)`)
	selector = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{([^}]*)\})?(\s*\()?`)
	matcher  = regexp.MustCompile(`([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)`)
	words    = []string{"and", "or", "unless", "bool", "offset", "inf", "nan"}
)

// metricsOf returns the metrics that a query asks for, each with the labels that it selects by.
func metricsOf(query string) map[string][]string {
	query = quoted.ReplaceAllString(query, `""`)
	query = ranges.ReplaceAllString(query, "")
	query = grouping.ReplaceAllString(query, "")
	found := make(map[string][]string)
	for _, match := range selector.FindAllStringSubmatch(query, -1) {
		name, labels, call := match[1], match[2], match[3]
		if call != "" || slices.Contains(words, strings.ToLower(name)) {
			continue
		}
		found[name] = append(found[name], "")
		for _, label := range matcher.FindAllStringSubmatch(labels, -1) {
			found[name] = append(found[name], label[1])
		}
	}
	return found
}

func TestMetricsAreFoundInQueries(t *testing.T) {
	require.Equal(t, map[string][]string{"a_bucket": {"", "x", "y"}, "b": {""}, "c": {""}}, metricsOf(
		`histogram_quantile(0.99, sum by (le, x) (rate(a_bucket{x="}(", y!~"b|c"}[5m]))) / on (x) group_left(z) b > 2 and vector(0) or c`))
}

var sample = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? \S+$`)

// scrape reads the metrics as Prometheus does, each with the labels that any of its series has.
func scrape(t *testing.T, address string) map[string][]string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/metrics", nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req) //nolint:forbidigo // nothing to set
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	told := map[string][]string{"up": {"", "job"}} // Prometheus itself tells it
	lines := bufio.NewScanner(io.LimitReader(res.Body, 64<<20))
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		match := sample.FindStringSubmatch(lines.Text())
		require.NotNil(t, match, lines.Text())
		labels := []string{""}
		for _, label := range matcher.FindAllStringSubmatch(quoted.ReplaceAllString(match[2], `""`), -1) {
			labels = append(labels, label[1])
		}
		told[match[1]] = append(told[match[1]], labels...)
	}
	return told
}

func TestDashboardsAndAlertsAskForWhatTheShopTells(t *testing.T) {
	asked := queries(t)
	shop, _, internal := observed(t)
	beer := shop.NewBeer(t, shop.Login(t, shop.Staff), 10)
	customer := shop.Register(t)
	placed := customer.Order(t, beer.GetId(), 1, shoptest.Card(customer.SaveCard(t, shoptest.GoodCard)))
	customer.Await(t, placed.GetId(), orderv1.OrderState_ORDER_STATE_DELIVERED)
	_, err := shop.Anybody(customer.Token, connect.WithGRPC()).Orders.GetOrder(t.Context(), &orderv1.GetOrderRequest{Id: placed.GetId()})
	require.NoError(t, err)
	_, err = customer.Orders.GetOrder(t.Context(), &orderv1.GetOrderRequest{Id: shoptest.NewID()})
	require.Error(t, err)
	stream, err := customer.Notifications.Subscribe(t.Context(), &notificationv1.SubscribeRequest{})
	require.NoError(t, err)
	defer stream.Close()
	require.True(t, stream.Receive(), stream.Err())

	var missing []string
	require.Eventually(t, func() bool {
		told := scrape(t, internal)
		missing = nil
		for who, queries := range asked {
			for _, query := range queries {
				for metric, labels := range metricsOf(query) {
					for _, label := range labels {
						if !slices.Contains(told[metric], label) {
							missing = append(missing, who+" asks for "+metric+" by {"+label+"}")
						}
					}
				}
			}
		}
		return len(missing) == 0
	}, eventually, 200*time.Millisecond, "%v", lazy(func() string { return strings.Join(missing, "\n") }))

	for _, path := range []string{"/healthz", "/readyz", "/debug/pprof/goroutine?debug=1"} {
		res, err := http.Get(internal + path) //nolint:forbidigo // nothing to set
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusOK, res.StatusCode, path)
	}
}

func TestConfigurationCanBeRead(t *testing.T) {
	for _, file := range []string{"prometheus/prometheus.yml", "otel-collector/config.yml", "grafana/provisioning/dashboards/taproom.yml"} {
		var content map[string]any
		read(t, filepath.Join(shipped, file), yaml.Unmarshal, &content)
		require.NotEmpty(t, content)
	}
}
