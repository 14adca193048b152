// Package webapp serves the shop's pages from the binary.
package webapp

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// The web app is built into dist before the binary is; without it the binary still serves the API.
//
//go:embed all:dist
var built embed.FS

const missing = `<!doctype html><meta charset="utf-8"><title>Taproom</title>
<p>The web app was not built into this binary. Run <code>go tool task build</code>. The API is served all the same.</p>`

// contentPolicy allows what the app is made of, and nothing from elsewhere. Styles are set by its components at run time.
const contentPolicy = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self'; " +
	"connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

// Handler serves the app's files, its first page for every path that is no file, since the app routes by itself, and
// what about marshals to at /config.json.
func Handler(about any) (http.Handler, error) {
	files, err := fs.Sub(built, "dist")
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(about)
	if err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /config.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(config)
	})
	mux.Handle("GET /", pages(files))
	return secured(mux), nil
}

// pages serves files; those below assets/ have a hash of their content in their names and never change.
func pages(files fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		if strings.HasSuffix(r.URL.Path, "/") || name == "" {
			name = path.Join(name, "index.html")
		}
		asset := strings.HasPrefix(name, "assets/")
		info, err := fs.Stat(files, name)
		switch found := err == nil && !info.IsDir(); {
		case found && asset:
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			serve(w, r, files, name)
		case found:
			w.Header().Set("Cache-Control", "no-cache")
			serve(w, r, files, name)
		case asset || path.Ext(r.URL.Path) != "": // a missing file, not a page
			w.Header().Set("Cache-Control", "no-store")
			http.NotFound(w, r)
		default:
			w.Header().Set("Cache-Control", "no-cache")
			serve(w, r, files, "index.html")
		}
	})
}

func serve(w http.ResponseWriter, r *http.Request, files fs.FS, name string) {
	content, err := fs.ReadFile(files, name)
	if err != nil {
		content, name = []byte(missing), "index.html"
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}

func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		next.ServeHTTP(w, r)
	})
}
